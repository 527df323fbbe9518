"""Solar: plants, inverters, yield and ratios."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import STALE, Model, Share, Time


class Plant(Model):
    """The inverters that share a plant's name."""

    example: ClassVar = {
        "id": "roof",
        "site": "demo",
        "p0_w": 160000,
        "inverters": ["inv-1", "inv-2"],
        "has_irradiance": True,
    }

    id: str
    site: str
    p0_w: int = Field(description="Installed peak power, W.")
    inverters: list[str] = Field(description="Their points.")
    has_irradiance: bool = Field(
        description="Whether a weather station measures its plane; without one there is no PR."
    )


_RATIOS: dict[str, Any] = {
    "p0_w": 160000,
    "wh": 512300,
    "coverage": 1.0,
    "yf_h": 3.2019,
    "yr_h": 3.9641,
    "pr": 0.8077,
    "pr_kept": 0.98,
    "pr_marked": False,
    "self_consumption": 0.912,
    "self_consumption_kept": 1.0,
    "self_consumption_marked": False,
    "self_sufficiency": 0.271,
    "self_sufficiency_kept": 1.0,
    "self_sufficiency_marked": False,
    "export_faults": 0,
}

_KEPT = "Share of the quarter hours whose inputs are known (DOMAIN, Solar)."
_MARKED = "Less than 90 % was kept."


class Ratios(Model):
    """A plant over a time: ratios of sums over the quarter hours in which all inputs are known."""

    example: ClassVar = _RATIOS

    p0_w: int | None
    wh: int | None = Field(description="What the inverters counted, Wh.")
    coverage: Share | None
    yf_h: float | None = Field(description="Final yield over the quarter hours of the PR, hours.")
    yr_h: float | None = Field(description="Reference yield over them, hours.")
    pr: float | None = Field(
        description="Performance ratio, where irradiance is measured and at least 50 W/m²; else null."
    )
    pr_kept: Share | None = Field(description=_KEPT)
    pr_marked: bool | None = Field(description=_MARKED)
    self_consumption: float | None = Field(description="(generation - export) / generation, behind the main meters.")
    self_consumption_kept: Share | None = Field(description=_KEPT)
    self_consumption_marked: bool | None = Field(description=_MARKED)
    self_sufficiency: float | None = Field(description="(generation - export) / (generation - export + import).")
    self_sufficiency_kept: Share | None = Field(description=_KEPT)
    self_sufficiency_marked: bool | None = Field(description=_MARKED)
    export_faults: int = Field(description="Days left out because export was over 101 % of generation.")


class RatiosOf(Ratios):
    """The ratios of one day or month."""

    example: ClassVar = {"start": "2026-09-30T16:00:00Z", **_RATIOS}

    start: Time


class PlantQuarter(Model):
    """A quarter hour of a plant; null is not known."""

    example: ClassVar = {
        "start": "2026-10-01T03:00:00Z",
        "p0_w": 160000,
        "wh": 21400,
        "coverage": 1.0,
        "e_wh": 21400,
        "poa_w_m2": 702.5,
        "generation_wh": 21400,
        "import_wh": 35000,
        "export_wh": 0,
        "clear_sky_w_m2": 755,
    }

    start: Time
    p0_w: int | None
    wh: int | None
    coverage: Share
    e_wh: int | None
    poa_w_m2: float | None
    generation_wh: int | None
    import_wh: int | None
    export_wh: int | None
    clear_sky_w_m2: int | None


class PlantReport(Model):
    """A plant's ratios by day or month, and over all of them; by quarter hour the figures behind."""

    example: ClassVar = {
        "plant": "roof",
        "by": "day",
        "timezone": "Asia/Shanghai",
        "stale": False,
        "total": _RATIOS,
        "items": [RatiosOf.example],
    }

    plant: str
    by: Literal["quarter", "day", "month"]
    timezone: str
    stale: bool = Field(description=STALE)
    total: Ratios
    items: list[RatiosOf] | list[PlantQuarter]


class InverterState(Model):
    """What an inverter was in at a moment."""

    example: ClassVar = {
        "device": "inv-dev-1",
        "at": "2026-10-01T02:06:00Z",
        "state": "MPPT",
        "faults": [],
        "since": "2026-10-01T01:30:00Z",
    }

    device: str
    at: Time
    state: str = Field(description="As SunSpec 103 names it (OFF … STANDBY), or unknown.")
    faults: list[str]
    since: Time | None = Field(description="Since when; null where nothing was heard before.")

"""All dashboards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import as_json
from dashboards.grafana.energy import energy
from dashboards.grafana.maintenance import maintenance
from dashboards.grafana.overview import overview
from dashboards.grafana.parking import parking
from dashboards.grafana.platform import platform
from dashboards.grafana.quotas import quotas
from dashboards.grafana.security import security
from dashboards.grafana.solar import solar

FOLDER: Final = Path(__file__).parent / "json"

BOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "compound-overview": overview,
    "compound-energy": energy,
    "compound-quotas": quotas,
    "compound-solar": solar,
    "compound-parking": parking,
    "compound-security": security,
    "compound-maintenance": maintenance,
    "compound-platform": platform,
}


def texts() -> dict[str, str]:
    """The JSON of each dashboard by its uid."""
    return {uid: as_json(make()) for uid, make in BOARDS.items()}

"""Solar: inverters' states and faults, irradiance by quarter hour, clear sky (DOMAIN, Solar).

Energy is the energy domain's; `solar.plant_quarter` and `solar.ratios` (migration 0160) bring both together.
"""

from __future__ import annotations

from compound.settings import Settings
from processors.solar.domain import Solar


def create(settings: Settings) -> Solar:
    """The domain: topics `inverter` and `weather` into the schema `solar`."""
    return Solar(settings)

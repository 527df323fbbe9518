"""Energy: from register readings to what was used in every quarter hour and day (DOMAIN, Metering)."""

from processors.energy.domain import EnergyDomain, create

__all__ = ["EnergyDomain", "create"]

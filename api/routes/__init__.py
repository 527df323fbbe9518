"""The routes, one router a file."""

from __future__ import annotations

from typing import Final

from api.routes import (
    access,
    alerts,
    conditions,
    devices,
    energy,
    health,
    meters,
    parcels,
    parking,
    platform,
    quarantine,
    quotas,
    registry,
    solar,
    stream,
)

ROUTERS: Final = (
    registry.router,
    devices.router,
    energy.router,
    meters.router,
    quotas.router,
    parking.router,
    access.router,
    parcels.router,
    solar.router,
    conditions.router,
    alerts.router,
    quarantine.router,
    platform.router,
    stream.router,
    health.router,
)
"""In the order of the OpenAPI document."""

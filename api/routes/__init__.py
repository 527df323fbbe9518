"""The routes, one router a file."""

from __future__ import annotations

from typing import Final

from api.routes import health, lag, parcels, parking, registry, solar, stream

ROUTERS: Final = (
    registry.router,
    parking.router,
    parcels.router,
    solar.router,
    lag.router,
    stream.router,
    health.router,
)
"""In the order of the OpenAPI document."""

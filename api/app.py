"""The application: routes, middleware and services put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from api import guard, openapi, page, problems
from api.commands import Commands, OpenLog, from_settings
from api.database import Database
from api.etags import Etags
from api.metrics import Measured, Metrics
from api.routes import ROUTERS
from api.services import Services
from api.stream import Hub
from api.strict import known_parameters
from compound.known import Recall
from compound.settings import Settings


def create_app(settings: Settings, open_log: OpenLog = from_settings, recall: Recall | None = None) -> FastAPI:
    """The API on these settings; `recall` answers as known at a time. Raises SettingsError where it may not listen so (see `api.guard`)."""
    token = guard.token(settings)
    metrics, database = Metrics(), Database(settings)
    commands, hub = Commands(settings, database, open_log), Hub(settings, metrics)
    services = Services(settings, database, commands, hub, metrics, recall, asyncio.Semaphore(settings.api_known))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.start()
        services.hub.start()
        try:
            yield
        finally:
            await services.hub.stop()
            await services.commands.stop()
            await database.stop()

    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.VERSION,
        summary=openapi.SUMMARY,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        lifespan=lifespan,
        dependencies=[Depends(known_parameters)],
        docs_url=None,  # FastAPI's pages load scripts from elsewhere; `api.page` does not
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for router in (*ROUTERS, page.router):
        app.include_router(router)
    problems.install(app)
    app.state.services = services
    app.add_middleware(Etags)
    app.add_middleware(guard.Limited)
    app.add_middleware(guard.Guard, token=token)
    app.add_middleware(Measured, metrics=metrics)
    openapi.install(app)
    return app

"""What the routes work with: one bundle a running app, and the dependencies that hand it out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.commands import Commands
from api.database import Database
from api.metrics import Metrics
from api.stream import Hub
from compound.known import Recall
from compound.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a request may need."""

    settings: Settings
    database: Database
    commands: Commands
    hub: Hub
    metrics: Metrics
    recall: Recall | None
    """Answers as known at a time; None where the API was started without it."""
    places: asyncio.Semaphore
    """One for each such question that is worked on."""


def services(request: Request) -> Services:
    """The app's services."""
    found: Services = request.app.state.services
    return found


def database(request: Request) -> Database:
    """The app's database."""
    return services(request).database


All = Annotated[Services, Depends(services)]
Db = Annotated[Database, Depends(database)]

"""All dashboards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import as_json
from dashboards.grafana.energy import energy
from dashboards.grafana.overview import overview

FOLDER: Final = Path(__file__).parent / "json"

BOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "compound-overview": overview,
    "compound-energy": energy,
}


def texts() -> dict[str, str]:
    """The JSON of each dashboard by its uid."""
    return {uid: as_json(make()) for uid, make in BOARDS.items()}

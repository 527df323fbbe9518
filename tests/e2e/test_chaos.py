"""Ten kills and pauses of everything while the faulty compound sends; a hundred are `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import run
from tests.chaos.house import House

SEED = 3


@pytest.mark.timeout(900)
def test_ten_blows_and_nothing_differs(run_folder: Path) -> None:
    """On the database's own log: `verify`, `audit` and every table's keys."""
    house = House(run_folder / "chaos", "postgresql")
    try:
        house.start()
        assert run(house, SEED, 10, history=5, rate=2000) == []
    finally:
        house.stop()

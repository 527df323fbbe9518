"""Ten blows (kills and pauses) on everything while a faulty compound sends: no difference to the truth, on both logs and databases.

`make chaos` does the same with a hundred.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from tests.chaos.house import House
from tests.chaos.run import history, prove

KILLS = 10
RATE = 5000.0


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("log", "database", "seed"), [("postgresql", "timescaledb", 1), ("kafka", "postgresql", 2)])
def test_p1_p2_p3_p5_ten_blows(
    run_folder: Path,
    log: Literal["postgresql", "kafka"],
    database: Literal["postgresql", "timescaledb"],
    seed: int,
) -> None:
    house = House(run_folder / f"chaos-{log}", log, database)
    assert prove(house, seed, KILLS, history(KILLS), RATE) == []

"""`python -m tests.chaos --seed S --kills N --log kafka --database timescaledb`: one run; exit code 1 when anything differs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.chaos.house import House
from tests.chaos.run import history, prove
from tests.services.folder import make_run_folder


def main() -> int:
    """Run, print what was done and found."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100, help="kills and pauses in all")
    parser.add_argument("--log", choices=("postgresql", "kafka"), default="postgresql")
    parser.add_argument("--database", choices=("postgresql", "timescaledb"), default="postgresql")
    parser.add_argument(
        "--rate", type=float, default=5000.0, help="readings a second, at most; what was held is printed"
    )
    parser.add_argument(
        "--history", type=int, help="days of the demo compound to send; enough for the blows unless said"
    )
    parser.add_argument(
        "--folder", type=Path, default=None, help="data folder; else one in memory, removed when all is well"
    )
    asked = parser.parse_args()
    days = asked.history or history(asked.kills)
    folder = asked.folder or make_run_folder() / "chaos"
    faults = prove(House(folder, asked.log, asked.database), asked.seed, asked.kills, days, asked.rate)
    said = "; ".join(faults) or "nothing differs"
    print(f"seed {asked.seed}, {asked.kills} on the {asked.log} log and {asked.database}: {said}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

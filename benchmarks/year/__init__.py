"""A year of a compound with 1,000 meters, or fewer, put straight into the tables: what dashboards are measured on.

The scripts beside this module, in their order, on one connection: `span` says from when to when. The rows look like those of
the processors (which need hours for them) and lie on the disk in the order of time, as arriving readings bring them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from compound.store.db import connect, sql_text

METERS: Final = 1000
SCRIPTS: Final = ("registry", "energy", "places", "platform")


def fill(
    url: str, days: int, say: Callable[[str], None], meters: int = METERS, scripts: Sequence[str] = SCRIPTS
) -> None:
    """Put the last `days` days before now into an empty, migrated database, and have it analyzed.

    `meters`: about so many; a building has 48 of them, one of few meters is smaller.
    """
    with connect(url, "benchmark year", autocommit=True) as conn:
        conn.execute(
            "CREATE TEMP TABLE span AS SELECT date_trunc('day', now() - make_interval(days => %s), 'Asia/Shanghai') AS since,"
            " date_trunc('hour', now()) AS until",
            (days,),
        )
        buildings, floors = max(round((meters - 20) / 49), 1), 7 if meters > 60 else 3
        conn.execute("CREATE TEMP TABLE scale AS SELECT %s::int AS buildings, %s::int AS floors", (buildings, floors))
        for name in scripts:
            began = time.monotonic()
            conn.execute(sql_text((Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")))
            say(f"{name}: {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        conn.execute("VACUUM (ANALYZE)")
        say(f"vacuum and analyze: {time.monotonic() - began:.0f} s")

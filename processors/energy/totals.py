"""Quarter hours and days: the contributions of segments, minus the old, plus the new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from compound.store.db import Connection, sql_text
from compound.timeutil import DAY, QUARTER, SECOND
from processors.energy import spread
from processors.energy.bulk import Layout
from processors.energy.catalogue import Catalogue
from processors.energy.exact import Ints
from processors.energy.segments import Segments
from processors.energy.spread import Days, Quarters
from processors.energy.tables import PAST, SEGMENT, typed

QUARTER_ROWS: Final = Layout(
    "quarter",
    {
        "series": "int4", "start": "timestamptz", "place": "int4", "quantity": "int8",
        "covered": "int4", "estimated": "int4", "substituted": "int4",
    },
)  # fmt: skip
DAY_ROWS: Final = Layout(
    "day",
    {
        "series": "int4", "day": "date", "place": "int4", "quantity": "int8", "covered": "int8",
        "unmeasured_day": "int8", "unmeasured_month": "int8", "unmeasured_year": "int8",
    },
)  # fmt: skip
_KEYS: Final = 3
_LONGEST_DAY: Final = 25 * 4


def sums(catalogue: Catalogue, segments: Segments, sign: Ints) -> tuple[Quarters, Days]:
    """What segments add to quarter hours and days; `sign` is 1 for those to add, -1 for those to take back."""
    shares = spread.spread(segments, catalogue.sky)
    place, day = catalogue.places(segments, shares), catalogue.days(segments, shares)
    times = sign[shares.segment]
    signed = shares._replace(quantity=shares.quantity * times, covered=shares.covered * times)
    return spread.quarters(segments, signed, place), spread.days(segments, signed, place, day)


def contribute(conn: Connection, catalogue: Catalogue, segments: Segments, sign: Ints, reached: Ints) -> None:
    """Add (or take back) the shares of `segments`.

    `reached`: up to when the series of each had rows before; what lies wholly after it is new and needs no look-up.
    """
    if not len(segments.start):
        return
    quarters, days = sums(catalogue, segments, sign)
    far = np.zeros(int(segments.series.max()) + 1, np.int64)
    np.maximum.at(far, segments.series, reached)
    new = quarters.quarter > (far[quarters.series] - 1) // QUARTER
    rows = quarters._replace(quarter=quarters.quarter * QUARTER)
    QUARTER_ROWS.write(conn, [column[new] for column in rows])
    removes = bool((sign < 0).any())
    _add(conn, QUARTER_ROWS, [column[~new] for column in rows], removes)
    _add(conn, DAY_ROWS, days, removes)


def _add(conn: Connection, layout: Layout, columns: Sequence[Ints], removes: bool) -> None:
    """Add to the rows there are; those to which nothing is left are deleted, as if they had never been."""
    if not len(columns[0]):
        return
    staged = layout.stage(conn, columns)
    names = [f'"{name}"' for name in layout.columns]
    added = ",".join(f"{name} = held.{name} + excluded.{name}" for name in names[_KEYS:])
    conn.execute(
        sql_text(
            f"INSERT INTO {layout.table} AS held ({','.join(names)}) SELECT {','.join(names)} FROM {staged}"
            f" ON CONFLICT ({','.join(names[:_KEYS])}) DO UPDATE SET {added}"
        )
    )
    if removes:
        same = " AND ".join(f"t.{name} = s.{name}" for name in names[:_KEYS])
        conn.execute(sql_text(f"DELETE FROM {layout.table} t USING {staged} s WHERE {same} AND t.covered = 0"))


def sum_again(conn: Connection, catalogue: Catalogue, since: dict[int, int]) -> None:
    """Make the totals of series anew, each from the local day of a time on (microseconds UTC; PAST: all).

    So done after a change of the registry: the places and days of what was added before may not be known any more.
    """
    columns = ",".join(f'"{column}"' for column in SEGMENT.columns)
    for series, time in since.items():
        start, day = _first_day(catalogue, series, time)
        conn.execute("DELETE FROM quarter WHERE series = %s AND start >= to_timestamp(%s)", (series, start // SECOND))
        conn.execute("DELETE FROM day WHERE series = %s AND day >= date '1970-01-01' + %s", (series, day))
        rows = SEGMENT.read(
            conn,
            f'SELECT {columns} FROM segment WHERE series = %s AND "end" > to_timestamp(%s) ORDER BY start',
            (series, start // SECOND),
        )
        segments = typed(rows)
        quarters, days = sums(catalogue, segments, np.ones(len(segments.start), np.int64))
        own = quarters.quarter * QUARTER >= start
        QUARTER_ROWS.write(conn, [column[own] for column in quarters._replace(quarter=quarters.quarter * QUARTER)])
        DAY_ROWS.write(conn, [column[days.day >= day] for column in days])


def _first_day(catalogue: Catalogue, series: int, time: int) -> tuple[int, int]:
    """The local day of `time`: its start in microseconds UTC, and its number."""
    if time <= PAST:
        return PAST, PAST // DAY
    quarters = time // QUARTER - np.arange(_LONGEST_DAY)
    numbers = catalogue.calendar(series).number(quarters)
    return int(quarters[numbers == numbers[0]].min()) * QUARTER, int(numbers[0])

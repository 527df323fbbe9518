"""Whole columns to and from PostgreSQL: binary COPY encoded and decoded by numpy, no Python per value."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from psycopg import sql

from compound.store.db import Connection, sql_text
from compound.timeutil import DAY, parse
from processors.energy.exact import Ints

Column = npt.NDArray[Any]

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_WIRE: Final = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "bool": "?", "timestamptz": ">i8", "date": ">i4"}
_EPOCH: Final = {"timestamptz": parse("2000-01-01T00:00:00Z"), "date": parse("2000-01-01T00:00:00Z") // DAY}
"""PostgreSQL counts times from 2000: microseconds of a timestamptz, days of a date; we count from 1970."""


class Layout(NamedTuple):
    """Columns of a table (or query) in order, with their PostgreSQL types: all fixed in width, none null."""

    table: str
    columns: Mapping[str, str]

    def write(self, conn: Connection, values: Sequence[Column], table: str | None = None) -> None:
        """COPY columns of equal length into the table (or another one like it)."""
        if not len(values[0]):
            return
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table or self.table), sql.SQL(",").join(map(sql.Identifier, self.columns))
        )
        with conn.cursor().copy(statement) as copy:
            copy.write(self.encode(values))

    def stage(self, conn: Connection, values: Sequence[Column]) -> str:
        """COPY columns into a temporary table that empties itself at the end of the transaction; its name."""
        name = f"staged_{self.table}"
        fields = ",".join(f'"{column}" {kind}' for column, kind in self.columns.items())
        conn.execute(sql_text(f"CREATE TEMP TABLE IF NOT EXISTS {name} ({fields}) ON COMMIT DELETE ROWS"))
        conn.execute(sql_text(f"DELETE FROM {name}"))
        self.write(conn, values, name)
        return name

    def read(self, conn: Connection, query: str, parameters: Sequence[Any] = ()) -> list[Ints]:
        """The columns that `query` selects, in this layout; booleans as 0 and 1."""
        with conn.cursor().copy(sql_text(f"COPY ({query}) TO STDOUT (FORMAT BINARY)"), parameters) as copy:
            data = b"".join(copy)
        return self.decode(data)

    def encode(self, values: Sequence[Column]) -> bytes:
        """The columns as a binary COPY stream."""
        rows = np.zeros(len(values[0]), self._row())
        rows["count"] = len(self.columns)
        for n, (kind, column) in enumerate(zip(self.columns.values(), values, strict=True)):
            rows[f"length{n}"] = np.dtype(_WIRE[kind]).itemsize
            rows[f"value{n}"] = column - _EPOCH[kind] if kind in _EPOCH else column
        return _HEADER + rows.tobytes() + _TRAILER

    def decode(self, data: bytes) -> list[Ints]:
        """The columns of a binary COPY stream."""
        count = (len(data) - len(_HEADER) - len(_TRAILER)) // self._row().itemsize
        rows = np.frombuffer(data, self._row(), count, len(_HEADER))
        return [
            rows[f"value{n}"].astype(np.int64) + _EPOCH.get(kind, 0) for n, kind in enumerate(self.columns.values())
        ]

    def _row(self) -> np.dtype[np.void]:
        fields: list[tuple[str, str]] = [("count", ">i2")]
        for n, kind in enumerate(self.columns.values()):
            fields += [(f"length{n}", ">i4"), (f"value{n}", _WIRE[kind])]
        return np.dtype(fields)

"""Small numbers for texts that stand in many rows: series, places, serials, skies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from compound.store.db import Connection, sql_text

Key = tuple[Any, ...]

_TABLES: Final = {
    "series": {"subject": "text", "what": "text"},
    "place": {"point": "text"},
    "serial": {"serial": "text"},
    "sky": {"latitude": "float8", "longitude": "float8"},
}


class Numbers:
    """The numbers of each table, remembered; a number is given on first use, inside the caller's transaction."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[Key, int]] = {table: {} for table in _TABLES}
        self._keys: dict[str, dict[int, Key]] = {table: {} for table in _TABLES}

    def forget(self) -> None:
        """Drop what is remembered: a transaction that gave numbers was rolled back."""
        for table in _TABLES:
            self._numbers[table].clear()
            self._keys[table].clear()

    def of(self, conn: Connection, table: str, keys: Iterable[Key]) -> dict[Key, int]:
        """The numbers of `keys` (and of all others that are remembered)."""
        known = self._numbers[table]
        missing = sorted({key for key in keys if key not in known})
        if missing:
            fields = _TABLES[table]
            columns = [list(column) for column in zip(*missing, strict=True)]
            names = ",".join(fields)
            rows = "unnest(" + ",".join(f"%s::{kind}[]" for kind in fields.values()) + f") AS r({names})"
            conn.execute(
                sql_text(f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows} ON CONFLICT DO NOTHING"), columns
            )
            for number, *key in conn.execute(
                sql_text(f"SELECT id, {names} FROM {table} JOIN {rows} USING ({names})"), columns
            ):
                self._remember(table, number, tuple(key))
        return known

    def one(self, conn: Connection, table: str, key: Key) -> int:
        """The number of one key."""
        known = self._numbers[table].get(key)
        return self.of(conn, table, [key])[key] if known is None else known

    def keys(self, conn: Connection, table: str, numbers: Iterable[int]) -> dict[int, Key]:
        """What `numbers` stand for (and all others that are remembered)."""
        known = self._keys[table]
        missing = [number for number in numbers if number not in known]
        if missing:
            names = ",".join(_TABLES[table])
            for number, *key in conn.execute(
                sql_text(f"SELECT id, {names} FROM {table} WHERE id = ANY(%s)"), (missing,)
            ):
                self._remember(table, number, tuple(key))
        return known

    def _remember(self, table: str, number: int, key: Key) -> None:
        self._numbers[table][key] = number
        self._keys[table][number] = key

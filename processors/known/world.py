"""A second set of a domain's tables, views and functions, in schemas that nobody else sees and that vanish with the transaction.

For each domain there is `again`, with the tables that its code writes, and `known`, with what SQL reads: views of the live
rows that still hold as known at K and of those in `again`, and under them the live views and functions, made once more
with the names of these schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import Cursor, RawCursor, sql
from psycopg.abc import Buffer
from psycopg.rows import DictRow, TupleRow, dict_row
from psycopg.types.datetime import TimestamptzLoader

from compound.store.db import Connection, sql_text
from processors.rebuild import schema

_FUNCTIONS: Final = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = %s::regnamespace ORDER BY oid"
_VIEWS: Final = """
SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'v' ORDER BY c.oid
"""
REGISTRY: Final = "registry"
RUNTIME: Final = "runtime"
"""Of it there is the view of all domains' conditions."""


class Schemas:
    """The schemas of one transaction as known at `known_at`."""

    def __init__(self, conn: Connection, known_at: datetime, domains: Sequence[str]) -> None:
        """Make the registry's, and empty ones of the domains; what they read is added by `table`, then `finish`."""
        self.conn = conn
        self.known_at = known_at
        self.domains = tuple(domains)
        pid = conn.info.backend_pid
        self._names = {name: f"known_{pid}_{name}" for name in (REGISTRY, RUNTIME, *domains)}
        self._pattern = re.compile(rf"\b({'|'.join(self._names)})\.")
        # Definitions come with full names, and functions may be made before what they read.
        conn.execute("SET LOCAL search_path = pg_catalog")
        conn.execute("SET LOCAL check_function_bodies = off")
        for name in self._names.values():
            conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        for domain in domains:
            conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.again(domain))))
            for table in schema.tables(conn, domain):
                schema.copy(conn, domain, table, self.again(domain))
        for domain in domains:
            for (definition,) in conn.execute(_FUNCTIONS, (domain,)).fetchall():
                conn.execute(sql_text(self.renamed(definition)))
        self._registry()

    def again(self, domain: str) -> str:
        """The schema that the domain's code writes."""
        return f"again_{self._names[domain]}"

    def renamed(self, text: str) -> str:
        """SQL that names live schemas, with the names of these."""
        return self._pattern.sub(lambda found: f"{self._names[found[1]]}.", text)

    def table(self, domain: str, name: str, query: str) -> None:
        """What stands for a live table: `query` of live tables, and of what `filled` names."""
        text = self.filled(query, domain)
        self.conn.execute(sql_text(f"CREATE VIEW {self._names[domain]}.{name} AS {text}"))

    def filled(self, statement: str, domain: str, **more: object) -> str:
        """A statement with `{again}`, `{names[…]}` (the schemas as known, by domain), `{known_at}`, and what more is given: values."""
        values = {name: sql.Literal(value).as_string(self.conn) for name, value in more.items()}
        known_at = sql.Literal(self.known_at).as_string(self.conn)
        return statement.format(again=self.again(domain), names=self._names, known_at=known_at, **values)

    def run(self, statement: str, domain: str, **more: object) -> Cursor[TupleRow]:
        """Execute a statement, filled."""
        return self.conn.execute(sql_text(self.filled(statement, domain, **more)))

    @contextmanager
    def acting(self, domain: str) -> Iterator[None]:
        """The domain's own code runs: it writes its tables in `again`, and reads others' as known."""
        schemas, plain = self, self.conn.cursor_factory

        class Renaming(Cursor[TupleRow]):
            def execute(self, query: Any, *given: Any, **more: Any) -> Any:
                return super().execute(schemas.renamed(query) if isinstance(query, str) else query, *given, **more)

            def executemany(self, query: Any, *given: Any, **more: Any) -> None:
                super().executemany(schemas.renamed(query) if isinstance(query, str) else query, *given, **more)

        self.conn.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(self.again(domain))))
        self.conn.cursor_factory = Renaming
        try:
            yield
        finally:
            self.conn.cursor_factory = plain
        self.conn.execute("SET LOCAL search_path = pg_catalog")

    def finish(self, domain: str) -> None:
        """Make the views of a domain whose tables were said."""
        for name, definition in self.conn.execute(_VIEWS, (domain,)).fetchall():
            self._view(domain, name, definition)

    def conditions(self) -> None:
        """Make the view of all domains' conditions, once these are finished; of those not in this world it shows the live ones."""
        (definition,) = self.conn.execute("SELECT pg_get_viewdef('runtime.condition'::regclass)").fetchone() or ("",)
        self._view(RUNTIME, "condition", definition)

    def _view(self, domain: str, name: str, definition: str) -> None:
        self.conn.execute(sql_text(self.renamed(f"CREATE VIEW {domain}.{name} AS {definition}")))

    def keep(self, table: str, maker: str) -> None:
        """Make and fill a table that the registry keeps of itself (registry.`table`, by its function `maker`), as of then."""
        of_then = self._names[REGISTRY]
        (definition,) = self.conn.execute(
            "SELECT pg_get_functiondef(%s::regproc)", (f"{REGISTRY}.{maker}",)
        ).fetchone() or ("",)
        self.conn.execute(sql_text(f"CREATE TABLE {of_then}.{table} (LIKE {REGISTRY}.{table} INCLUDING INDEXES)"))
        self.conn.execute(sql_text(self.renamed(definition)))
        self.conn.execute(sql_text(f"SELECT {of_then}.{maker}()"))

    def _registry(self) -> None:
        """Items as recorded by then; nothing is stale."""
        recorded = sql.Literal(self.known_at).as_string(self.conn)
        self.table(
            REGISTRY,
            "item",
            "SELECT kind, id, valid_from, valid_to, recorded, CASE WHEN superseded > {0} THEN 'infinity' ELSE superseded END"
            ' AS superseded, "offset", data FROM registry.item WHERE recorded <= {0}'.replace("{0}", recorded),
        )
        self.table(REGISTRY, "stale", "SELECT * FROM registry.stale WHERE false")
        self.finish(REGISTRY)


class Reader:
    """`compound.known.World` on these schemas."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._cursor: RawCursor[DictRow] = RawCursor(schemas.conn, row_factory=dict_row)
        self._cursor.adapters.register_loader("timestamptz", _Endless)

    def rows(self, statement: str, parameters: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """See `World.rows`."""
        return self._cursor.execute(sql_text(self._schemas.renamed(statement)), parameters).fetchall()


class _Endless(TimestamptzLoader):
    """What has no end ends with the last time there is, as for the API's own connections."""

    def load(self, data: Buffer) -> datetime:
        return _NO_END if bytes(data) == b"infinity" else super().load(data)


_NO_END: Final = datetime.max.replace(tzinfo=UTC)

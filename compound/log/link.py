"""A connection of the log to the database that is made anew after it broke; its failures are LogUnavailable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.pq import TransactionStatus
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from compound.log.port import LogUnavailable
from compound.store import db


class Link:
    """One connection, opened when needed. Not for two threads at once."""

    def __init__(
        self, url: str, name: str, patience: float, prepare: Callable[[db.Connection], None], autocommit: bool = False
    ) -> None:
        """`prepare` is run on each new connection; an attempt to connect is repeated for `patience` seconds."""
        self._url = url
        self._name = name
        self._prepare = prepare
        self._autocommit = autocommit
        self._conn: db.Connection | None = None
        self._connect = Retrying(
            retry=retry_if_exception_type(psycopg.OperationalError),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            stop=stop_after_delay(patience),
            reraise=True,
        )

    @property
    def opened(self) -> bool:
        """Whether there is a connection now."""
        return self._conn is not None

    @contextmanager
    def use(self) -> Iterator[db.Connection]:
        """The connection, for one piece of work; closed when that fails half done.

        Raises LogUnavailable where the database can't be reached or was lost.
        """
        try:
            if self._conn is None:
                self._conn = self._connect(self._open)
            yield self._conn
        except db.AWAY as error:
            self.close()
            raise LogUnavailable(f"The log's database is away: {str(error).strip() or type(error).__name__}") from error
        except BaseException:
            if self._conn is not None and self._conn.info.transaction_status != TransactionStatus.IDLE:
                self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._conn is not None:
            with suppress(psycopg.Error):
                self._conn.close()
            self._conn = None

    def _open(self) -> db.Connection:
        conn = db.connect(self._url, self._name, autocommit=self._autocommit)
        try:
            self._prepare(conn)
        except BaseException:
            conn.close()
            raise
        return conn

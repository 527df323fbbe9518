"""The outbox's relay: what transactions decided to tell goes to the log, in order, at least once (ids make it once)."""

from __future__ import annotations

import threading

import structlog

from compound.log.book import decode_headers
from compound.log.port import Log, LogUnavailable, Record
from compound.store.db import AWAY, Connection, Lock, connect
from processors.runtime import metrics

MOST = 1000
IDLE_S = 0.2


class Relay:
    """Appends the outbox to the log. Several may run; one at a time holds the lock."""

    def __init__(self, log: Log, database_url: str, frozen_s: float = 20.0) -> None:
        """`frozen_s`: a relay that stands still for so long inside its transaction loses its turn, seconds."""
        self._log = log
        self._url = database_url
        self._frozen_s = frozen_s

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop`; a lost database or log is waited for."""
        pause = IDLE_S
        while not stop.is_set():
            try:
                with connect(self._url, "processors/outbox", frozen_s=self._frozen_s) as conn:
                    while not stop.is_set():
                        if not self.turn(conn):
                            stop.wait(IDLE_S)
                        pause = IDLE_S
            except (*AWAY, LogUnavailable) as error:
                structlog.get_logger().warning("outbox waits", error=str(error).splitlines()[0])
                stop.wait(pause)
                pause = min(pause * 2, 10.0)

    def turn(self, conn: Connection) -> bool:
        """Relay one batch; whether there was one."""
        with conn.transaction():
            row = conn.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", (int(Lock.OUTBOX),)).fetchone()
            if not row or not row[0]:
                return False
            rows = conn.execute(
                "SELECT id, topic, key, headers, value FROM runtime.outbox ORDER BY id LIMIT %s", (MOST,)
            ).fetchall()
            metrics.OUTBOX.set(len(rows))
            if not rows:
                return False
            self._log.append([Record(r[1], bytes(r[2]), decode_headers(bytes(r[3])), bytes(r[4])) for r in rows])
            conn.execute("DELETE FROM runtime.outbox WHERE id = ANY(%s)", ([r[0] for r in rows],))
        return True

"""A transaction that computes for long is not one that stands still.

The server ends a session that is idle inside a transaction for as long as the session time-out, so that a process that was
stopped holds nobody up. A large batch may compute longer than that without a word to the server; its transaction must not
end for it, again and again. So while it runs a second thread says a word now and then; in a process that was stopped, it is
stopped too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.pq import TransactionStatus

from compound.store.db import Connection


@contextmanager
def alive(conn: Connection, session_s: float) -> Iterator[None]:
    """Keep the transaction of the block from being taken for one that stands still."""
    over = threading.Event()

    def say() -> None:
        while not over.wait(session_s / 3):
            with conn.lock:  # never between a statement and its results, nor inside a COPY: then the status is another
                if conn.pgconn.transaction_status == TransactionStatus.INTRANS:
                    conn.pgconn.exec_(b"SELECT")

    thread = threading.Thread(target=say, name="alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

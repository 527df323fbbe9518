"""Moving a compound: its database to another server, its log to another system; figures and the book's chain go on.

The roles are stopped meanwhile; devices go on publishing, and the broker keeps what ingest has not acknowledged. The
source's new sessions can't write any more once the copying begins, so nobody goes on there by mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from compound.events import TOPICS
from compound.log.generations import Generation, current
from compound.log.open import open_log
from compound.log.port import Slot
from compound.store import transfer
from compound.store.db import Connection, connect
from compound.store.migrate import migrate
from compound.store.transfer import Table, TransferError

OWN_LOG: Final = "postgresql"
"""The name of the log that is the database itself."""

_ROLES: Final = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name ~ '^(compound|processors)' ORDER BY 1
"""
_BOOK: Final = """
SELECT topic, generation, partition, next_offset FROM book.partition WHERE topic = ANY(%s) AND NOT closed
"""

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What moves. `database`, `log`: where to (None: that stays). `log_lost`: the log that was can't be asked any more."""

    source: str
    source_log: str
    database: str | None
    log: str | None
    partitions: int
    log_lost: bool = False

    @property
    def target(self) -> str:
        """The database that everything runs on afterwards."""
        return self.database or self.source

    @property
    def target_log(self) -> str:
        """The log's URL afterwards, as COMPOUND_LOG_URL has it."""
        return self.source_log if self.log is None else "" if self.log == OWN_LOG else self.log


@dataclass(frozen=True)
class Moved:
    """What was done: tables copied (none where the database stays) and the generations that records go to now."""

    tables: Sequence[Table]
    generations: Sequence[Generation]


def move(plan: Plan, tell: Tell = lambda what, done, total: None) -> Moved:
    """Do it. Raises TransferError, LogUnavailable, LogMisplaced, psycopg.OperationalError; then the source goes on as it was."""
    with connect(plan.source, "move", autocommit=True) as source:
        _nobody(source)
        tell("looking at both sides", 0, 0)
        if plan.log is not None:
            _archived(source, plan)
            if plan.target_log:
                open_log(plan.target_log, None, plan.partitions).close()  # can it be reached, and will it do?
        copied: Sequence[Table] = ()
        if plan.database is not None:
            copied = _database(source, plan.database, tell)
    if plan.log is not None:
        tell("beginning the new generations", 0, 0)
        open_log(plan.target_log, plan.target, plan.partitions).close()
    with connect(plan.target, "move") as conn:
        return Moved(copied, [found for _, found in sorted(current(conn, TOPICS).items())])


def _nobody(conn: Connection) -> None:
    """Raises TransferError while a role is connected."""
    if found := [row[0] for row in conn.execute(_ROLES)]:
        raise TransferError(
            f"The roles still run ({', '.join(found)}): stop them first. Devices may go on: the broker keeps their messages."
        )


def _archived(conn: Connection, plan: Plan) -> None:
    """Raises TransferError where a Kafka that is left holds records that the book has not."""
    if not plan.source_log.startswith("kafka://") or plan.log_lost:
        return
    log = open_log(plan.source_log, plan.source, plan.partitions)
    try:
        heads = log.heads(TOPICS)
    finally:
        log.close()
    book = {Slot(*row[:3]): row[3] for row in conn.execute(_BOOK, (list(TOPICS),))}
    if missing := sum(max(head - book.get(slot, 0), 0) for slot, head in heads.items()):
        raise TransferError(
            f"The book lacks {missing:,} records of the Kafka that is to be left: run `compound archiver` until none is missing."
        )


def _database(source: Connection, url: str, tell: Tell) -> Sequence[Table]:
    """Copy the database and compare; the source takes no new writer from the beginning on."""
    with connect(url, "move", autocommit=True) as target:
        if not transfer.is_empty(target):
            raise TransferError("The target holds a compound already: choose an empty database.")
        migrate(url)
        transfer.set_read_only(source, True)
        try:
            source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            copied = transfer.copy(source, target, tell)
            tell("comparing both sides", 0, 0)
            for table, here, there in transfer.differences(source, target, copied):
                raise TransferError(f"{table} differs after copying: {here.rows:,} rows here, {there.rows:,} there.")
            source.execute("COMMIT")
        except BaseException:
            source.rollback()
            transfer.set_read_only(source, False)
            raise
    return copied

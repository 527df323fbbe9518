"""What ingest's heartbeats say of the broker: how many messages wait there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import structlog

from compound.events import Received
from compound.store.db import Connection, arrays, sql_text
from compound.timeutil import moment

_NEWEST: Final = """
INSERT INTO broker AS b SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[])
ON CONFLICT (ingest) DO UPDATE SET seen = excluded.seen, waiting = excluded.waiting, most = excluded.most
WHERE excluded.seen > b.seen
"""


_out = structlog.get_logger(domain="liveness")


class _Said(msgspec.Struct):
    waiting: int | None = None
    most: int = 0


def said(conn: Connection, heartbeats: Iterable[Received]) -> None:
    """Note the newest word of each ingest."""
    newest: dict[str, tuple[object, ...]] = {}
    for received in sorted(heartbeats, key=lambda each: each.recorded):
        try:
            heard = msgspec.json.decode(received.event.data, type=_Said)
        except msgspec.DecodeError as error:
            _out.error("no heartbeat", offset=received.offset, error=str(error))
            continue
        if heard.waiting is not None:
            ingest = received.event.subject
            newest[ingest] = ingest, moment(received.recorded), heard.waiting, heard.most
    if newest:
        conn.execute(sql_text(_NEWEST), arrays([row for _, row in sorted(newest.items())]))

"""Who is lost: silent, offline, or silent on one channel while otherwise alive (DOMAIN, Silence).

Judged by arrival. The clocks run only while ingest was receiving, which its heartbeats in the log say: a device is lost
when the newest heartbeat is past its last message, or the start of the current stretch of receiving if that is later,
by its limit. So after our own outage each device has its full limit again. What was lost stands in `lost`, from the last
sign of life on; any arrival ends it. One cause is one alert: a device is silent or offline, never both, and while it is,
none of its channels becomes silent on its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from compound.store.db import Connection, arrays, sql_text
from compound.timeutil import SECOND, micros, moment
from processors.liveness.seen import Seen
from processors.runtime.point import Segment
from processors.runtime.tables import note_due
from processors.runtime.telling import Name

OFFLINE_S: Final = 60
"""A device that its last will declared gone has so long to come back: a short loss of its connection is no alarm."""
GRACE: Final = 2 * SECOND
"""The log is read up to the last poll, not to this moment: so long is waited for what is on its way."""
DEVICE: Final = "device"
"""What a lost device is called where a channel's name would stand."""

_HEARTBEATS: Final = """
INSERT INTO receiving AS r VALUES (%s, %s) ON CONFLICT (start) DO UPDATE SET "end" = greatest(r."end", excluded."end")
"""
# base: from when on the clock runs. lost_*: what it is called when it runs out.
_OPEN: Final = """
WITH current AS (SELECT start, least("end", %(latest)s) AS "end" FROM receiving ORDER BY start DESC LIMIT 1),
watched AS (
    SELECT w.device, w.silence_s, w.channels, d.last_seen, d.status, d.status_since, d.alive_since,
           greatest(w.since, c.start) AS since, c."end" AS until
    FROM watch w CROSS JOIN current c LEFT JOIN device d USING (device)
    WHERE (%(all)s OR (w.kind, w.partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[])))
      AND NOT EXISTS (SELECT FROM lost l WHERE l.device = w.device AND l."end" IS NULL AND l.kind <> 'channel-silent')
), gone AS (
    SELECT device, 'offline' AS kind, '' AS channel, status_since AS start FROM watched
    WHERE status = 'offline' AND until >= greatest(since, status_since) + %(offline)s
), silent AS (
    SELECT device, 'silent', '', coalesce(last_seen, since) FROM watched
    WHERE until >= greatest(since, last_seen) + silence_s * interval '1 second' AND device NOT IN (SELECT device FROM gone)
), mute AS (
    SELECT w.device, 'channel-silent', l.key, coalesce(c.last_seen, greatest(since, alive_since))
    FROM watched w CROSS JOIN jsonb_each_text(w.channels) l LEFT JOIN channel c ON c.device = w.device AND c.channel = l.key
    WHERE w.status = 'online' AND until >= greatest(since, alive_since, c.last_seen) + l.value::int * interval '1 second'
      AND w.device NOT IN (SELECT device FROM silent)
      AND NOT EXISTS (SELECT FROM lost x WHERE x.device = w.device AND x.channel = l.key AND x."end" IS NULL)
)
INSERT INTO lost AS l (device, kind, channel, start)
SELECT * FROM gone UNION ALL SELECT * FROM silent UNION ALL SELECT * FROM mute ORDER BY 1, 2, 3
ON CONFLICT (device, kind, channel, start) DO UPDATE SET "end" = NULL
RETURNING device, kind, channel, start
"""
_BACK: Final = """
UPDATE lost l SET "end" = n.at FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS n(device, channel, at)
WHERE l.device = n.device AND l.channel = n.channel AND l."end" IS NULL
RETURNING l.device, l.kind, l.channel, l.start, l."end"
"""
_UNWATCHED: Final = """
UPDATE lost l SET "end" = %s
WHERE l."end" IS NULL AND NOT EXISTS (SELECT FROM watch w WHERE w.device = l.device AND (l.channel = '' OR w.channels ? l.channel))
RETURNING device, kind, channel, start, "end"
"""
_FIND: Final = """
SELECT l.device, l.kind, l.channel, l.start, l."end", d.last_seen, d.boot
FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS n(device, kind, channel, start)
JOIN lost l USING (device, kind, channel, start) LEFT JOIN device d USING (device)
"""


def heard(conn: Connection, heartbeats: Iterable[int], apart_us: int) -> None:
    """Note ingest's heartbeats (recordedtimes, µs): neighbours at most `apart_us` apart are one stretch of receiving."""
    row = conn.execute('SELECT start, "end" FROM receiving ORDER BY start DESC LIMIT 1').fetchone()
    start, end = (micros(row[0]), micros(row[1])) if row else (0, -apart_us - 1)
    stretches: dict[int, int] = {}
    for beat in sorted(heartbeats):
        if beat - end > apart_us:
            start = beat
        end = stretches[start] = max(end, beat)
    conn.cursor().executemany(sql_text(_HEARTBEATS), [(moment(a), moment(b)) for a, b in stretches.items()])


def find_lost(conn: Connection, now: int, slots: Collection[tuple[str, int]] | None) -> bool:
    """Note the devices and channels that are lost at `now` (µs); whether there were any.

    `slots`: the (topic, partition) that are read to their end; None: all.
    """
    said = {
        "latest": moment(now - GRACE),
        "all": slots is None,
        "topics": [topic for topic, _ in slots or ()],
        "partitions": [partition for _, partition in slots or ()],
        "offline": f"{OFFLINE_S} seconds",
    }
    rows = conn.execute(sql_text(_OPEN), said).fetchall()
    _due(conn, [(*row, row[3]) for row in rows])
    return bool(rows)


def come_back(conn: Connection, seen: Mapping[str, Seen]) -> None:
    """Every arrival ends the loss of its device and of its channel."""
    lost = {device for (device,) in conn.execute('SELECT device FROM lost WHERE "end" IS NULL')}
    ends: list[tuple[str, str, Any]] = []
    for each in (seen[device] for device in lost & seen.keys()):
        if each.last is not None:
            ends.append((each.device, "", moment(each.last)))
        ends += [(each.device, channel, moment(at)) for channel, at in each.channels.items()]
    if not ends:
        return
    rows = conn.execute(sql_text(_BACK), arrays(sorted(ends))).fetchall()
    _due(conn, rows)
    back = {device: end for device, _, channel, _, end in rows if not channel}
    if back:
        conn.cursor().executemany(
            "UPDATE device SET alive_since = %s WHERE device = %s",
            [(at, device) for device, at in sorted(back.items())],
        )


def unwatched(conn: Connection, now: int) -> None:
    """What is no longer watched is no longer lost."""
    _due(conn, conn.execute(sql_text(_UNWATCHED), (moment(now),)).fetchall())


def lookup(conn: Connection, names: Sequence[Name]) -> dict[Name, Segment]:
    """Losses as conditions, for telling."""
    if not names:
        return {}
    wanted = [(subject, kind, "" if what == DEVICE else what, moment(start)) for subject, what, kind, start, _ in names]
    found: dict[Name, Segment] = {}
    for device, kind, channel, start, end, last_seen, boot in conn.execute(
        sql_text(_FIND), [list(column) for column in zip(*wanted, strict=True)]
    ):
        data = {
            "last_seen": None if last_seen is None else last_seen.isoformat().replace("+00:00", "Z"),
            "boot": boot,
            **({"channel": channel} if channel else {}),
        }
        began = micros(start)
        segment = Segment(kind, began, None if end is None else micros(end), data, "", began)
        found[device, channel or DEVICE, kind, began, ""] = segment
    return found


def _due(conn: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Have the losses (device, kind, channel, start, at) looked at from `at` on."""
    note_due(
        conn,
        {
            ((device, channel or DEVICE), kind, micros(start), ""): micros(at)
            for device, kind, channel, start, at in rows
        },
    )

"""The archiver's panel, where the log is Kafka; on one where it is not, the panel shows nothing (`tests/e2e/test_dashboards.py`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from tests.support.boards import PANELS, frames
from tests.support.grafana import Range


def test_it_sums_what_is_not_in_the_book(database: str) -> None:
    (panel,) = [panel for panel in PANELS if panel.key == "platform: Archiver"]
    now = datetime.now(UTC)
    when = Range(now - timedelta(hours=1), now)
    with psycopg.connect(database, autocommit=True) as conn:
        ((empty,),) = [frame.rows for frame in frames(conn, panel, when, {})]
        assert set(empty.values()) == {None}
        conn.execute(
            "INSERT INTO book.generation (topic, generation, log, topic_id, partitions) VALUES ('meter', 7, 'kafka', 'id', 2)"
        )
        conn.execute(
            "INSERT INTO book.partition (topic, generation, partition, next_offset, head)"
            " SELECT 'meter', 7, p, 100, decode(repeat('00', 32), 'hex') FROM generate_series(0, 1) p"
        )
        conn.execute(
            "INSERT INTO book.archive (topic, generation, partition, log_start, log_end, oldest, seen, alarm) VALUES"
            " ('meter', 7, 0, 0, 130, now() - interval '90 s', now() - interval '20 s', NULL),"
            " ('meter', 7, 1, 150, 160, now() - interval '30 s', now() - interval '40 s', 'Kafka has dropped them')"
        )
        (frame,) = frames(conn, panel, when, {})
    behind, oldest, look, stopped = frame.rows[0].values()
    assert (behind, stopped) == (90, 1)
    assert 90 <= oldest < 150
    assert 40 <= look < 100

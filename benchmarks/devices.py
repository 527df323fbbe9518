"""What an event costs when few and when many devices send: CPU of the energy and liveness domains at 1,000, 10,000, 100,000.

    python -m benchmarks.devices [--events 200000] [--devices 1000,10000,100000] [--json] [--quick]

The same number of events in each case, one database each, taken from the book by the live projections. Batches hold 1,000
records, what gathers in a tenth of a second at 10,000 a second, and 5,000, a backlog (or liveness, which gathers a second): there a
thousand devices have five readings in each, and what is done once a device and batch is shared by them. A round of all devices
goes before what is measured, in which each is met for the first time. CPU is microseconds an event: of Python, and of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from benchmarks.frame import options, own_postgres, show
from benchmarks.log import Meter
from benchmarks.rebuild import Live, append
from benchmarks.tell import progress, say
from compound.log.open import open_log
from compound.settings import Settings
from compound.store.db import connect
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres

DOMAINS: Final = ("energy", "liveness")
BATCHES: Final = (1000, 5000)

# Straight into the registry's table: how long its own projection takes for so many is not the question here.
_REGISTER: Final = """
INSERT INTO registry.item (kind, id, valid_from, recorded, "offset", data)
SELECT kind, id, '2020-01-01 00:00+08', '2020-01-01 00:00+08', row_number() OVER (), data FROM (
    SELECT 'site' AS kind, 'demo' AS id, '{"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0}'::jsonb AS data
    UNION ALL SELECT 'point', 'here', '{"type": "meter", "site": "demo", "medium": "electricity"}'
    UNION ALL SELECT 'device', format('m%%s', to_char(n, 'FM000000')),
                     '{"kind": "meter", "site": "demo", "point": "here", "rated_w": 100000}'
    FROM generate_series(0, %(count)s - 1) n) AS told
"""


def measure(postgres: EmbeddedPostgres, counts: list[int], events: int) -> list[dict[str, Any]]:
    """The figures of each number of devices, domain and size of batch."""
    assert postgres.process is not None
    meter = Meter(postgres.process.pid)
    return [figures for count in counts for figures in _case(postgres, meter, count, events)]


def _case(postgres: EmbeddedPostgres, meter: Meter, count: int, events: int) -> Iterator[dict[str, Any]]:
    """One number of devices on a database of its own: met once, then a part of the events by each size of batch."""
    settings = Settings(database_url=postgres.make(f"devices_{count}"), processors_batch=20_000)
    migrate(settings.database_url)
    log = open_log("", settings.database_url, settings.log_partitions)
    with connect(settings.database_url, "benchmark") as conn:
        conn.execute(_REGISTER, {"count": count})
        conn.execute("UPDATE registry.version SET version = version + 1")
    part = max(events // len(BATCHES) // count, 1) * count
    append(log, count, 0, count + len(BATCHES) * part)
    for domain in DOMAINS:
        projection = Live(settings, log, domain)
        with progress(f"{domain}, {count:,} devices are met", count) as done:
            projection.take(count, min(count, max(BATCHES)), done)
        for number, size in enumerate(BATCHES, 1):
            with progress(f"{domain}, {count:,} devices, {size:,} a batch", part) as done:
                meter.start()
                taken = projection.take(count + number * part, size, done)
                figures = meter.stop(taken)
            used = figures["cpu_us"] + figures["server_us"]
            say(f"{used:.1f} µs an event")
            yield {"devices": count, "domain": domain, "batch": size, "events": taken, "us": used, **figures}
        projection.close()
    log.close()


def main() -> None:
    parser = options(__doc__, "20,000 events of 500 and of 5,000 devices")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--devices", default="1000,10000,100000")
    asked = parser.parse_args()
    counts = [500, 5000] if asked.quick else [int(count) for count in asked.devices.split(",")]
    with own_postgres() as postgres:
        show(measure(postgres, counts, 20_000 if asked.quick else asked.events), asked)


if __name__ == "__main__":
    main()

"""An appender as its own process, to be killed: `appender.py URL DATABASE_URL NAME TOPIC`.

Appends batches without pause; after each, tells the values that were acknowledged, on a line.
"""

from __future__ import annotations

import itertools
import sys

from compound.log.kafka import KafkaLog
from compound.log.port import Record
from compound.log.postgres import PostgresLog


def main(url: str, database_url: str, name: str, topic: str) -> None:
    log: KafkaLog | PostgresLog
    log = KafkaLog(url.removeprefix("kafka://"), database_url) if url.startswith("kafka:") else PostgresLog(url)
    for batch in itertools.count():
        values = [f"{name}-{batch}-{n}" for n in range(1 + batch % 40)]
        log.append([Record(topic, value.encode(), (), value.encode()) for value in values])
        print(*values, flush=True)


main(*sys.argv[1:])

"""A member of a group as its own process, to be killed or stopped: `member.py URL DATABASE_URL SESSION GROUP TOPIC`.

Each poll is told as one JSON line: what it reads now and what it got; an unavailable log, as a line with `away`.
Positions stay in the process: it starts at the beginning of every partition that it gets.
"""

from __future__ import annotations

import json
import sys
import time

from compound.log.kafka import KafkaLog
from compound.log.port import LogUnavailable
from compound.log.postgres import PostgresLog


def main(url: str, database_url: str, session: str, group: str, topic: str) -> None:
    log: KafkaLog | PostgresLog
    if url.startswith("kafka://"):
        log = KafkaLog(url.removeprefix("kafka://"), database_url, session=float(session))
    else:
        log = PostgresLog(url, session=float(session))
    reader = log.reader(group, [topic], lambda slots: {})
    while True:
        try:
            got = [(stored.partition, stored.offset) for stored in reader.poll(100, 0.2)]
            line = {"assigned": sorted(slot.partition for slot in reader.assigned()), "got": got}
        except LogUnavailable as error:
            line = {"away": str(error)}
            time.sleep(0.1)
        print(json.dumps(line), flush=True)


main(*sys.argv[1:])

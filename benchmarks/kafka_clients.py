"""confluent-kafka against aiokafka: CPU an event to produce and to consume, on one Kafka node and the same records.

    python -m benchmarks.kafka_clients [--events 100000] [--batch 500] [--rounds 3] [--json]

Each measurement is a process of its own; its CPU is user and system time of all its threads, from its first event to
its last, and the best of the rounds counts (other load on the machine only adds). An event: a key, a value of 170
bytes, and four headers, to one of four partitions said by us. Producing: idempotent, acks=all, in batches that are
awaited with the address of every event, as `Log.append` does. Consuming: every field of every event is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

PARTITIONS = 4
HEADERS: Any = [
    ("ce_id", b"0123456789abcdef0123456789abcdef"),
    ("ce_type", b"meter.reading.v1"),
    ("ce_time", b"2026-11-02T08:15:00Z"),
    ("ce_source", b"compound/v1/demo/meter/m-0001"),
]
VALUE = json.dumps(
    {
        "time": "2026-11-02T08:15:00.000000Z",
        "boot": 3,
        "seq": 123_456,
        "import_wh": 123_456_789,
        "export_wh": 4_321,
        "power_w": 12_345,
        "serial": "SN-0123456789ABCDEF-0123456789ABCDEF",
    }
).encode()


class Clock:
    """CPU and wall time since `start`."""

    def start(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def stop(self, events: int) -> dict[str, float]:
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return {"cpu_us": cpu / events * 1e6, "per_s": events / wall}


def confluent_produce(servers: str, topic: str, events: int, batch: int) -> dict[str, float]:
    from confluent_kafka import KafkaError, Producer

    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "acks": "all", "linger.ms": 1})
    producer.list_topics(topic, timeout=10)
    clock = Clock()
    clock.start()
    for start in range(0, events, batch):
        addresses: list[tuple[int, int]] = []

        def delivered(error: KafkaError | None, message: Any, addresses: list[Any] = addresses) -> None:
            assert error is None
            addresses.append((message.partition(), message.offset()))

        for number in range(start, start + batch):
            producer.produce(
                topic, VALUE, b"m-%04d" % (number % 1000), number % PARTITIONS, headers=HEADERS, on_delivery=delivered
            )
        while len(addresses) < batch:
            producer.poll(0.1)
    return clock.stop(events)


def confluent_consume(servers: str, topic: str, events: int, batch: int) -> dict[str, float]:
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    clock, got = Clock(), 0
    clock.start()
    while got < events:
        first = consumer.poll(1)
        if first is None:
            continue
        for message in [first, *consumer.consume(batch - 1, 0)]:
            assert message.error() is None
            fields = (
                message.partition(),
                message.offset(),
                message.timestamp(),
                message.key(),
                message.headers(),
                message.value(),
            )
            assert len(fields) == 6
            got += 1
    found = clock.stop(events)
    consumer.close()
    return found


async def aiokafka_produce(servers: str, topic: str, events: int, batch: int) -> dict[str, float]:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True, acks="all", linger_ms=1)
    await producer.start()
    await producer.partitions_for(topic)
    clock = Clock()
    clock.start()
    for start in range(0, events, batch):
        sent = [
            await producer.send(
                topic, VALUE, key=b"m-%04d" % (number % 1000), partition=number % PARTITIONS, headers=HEADERS
            )
            for number in range(start, start + batch)
        ]
        addresses = [(found.partition, found.offset) for found in await asyncio.gather(*sent)]
        assert len(addresses) == batch
    found = clock.stop(events)
    await producer.stop()
    return found


async def aiokafka_consume(servers: str, topic: str, events: int, batch: int) -> dict[str, float]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=None, auto_offset_reset="none")
    await consumer.start()
    slots = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer.assign(slots)
    for slot in slots:
        consumer.seek(slot, 0)
    clock, got = Clock(), 0
    clock.start()
    while got < events:
        for messages in (await consumer.getmany(timeout_ms=1000, max_records=batch)).values():
            for message in messages:
                fields = (
                    message.partition,
                    message.offset,
                    message.timestamp,
                    message.key,
                    message.headers,
                    message.value,
                )
                assert len(fields) == 6
                got += 1
    found = clock.stop(events)
    await consumer.stop()
    return found


def waited(work: Callable[..., Awaitable[dict[str, float]]]) -> Callable[..., dict[str, float]]:
    """Run asyncio's on uvloop, as its users would."""
    import uvloop

    return lambda *args: uvloop.run(work(*args))  # type: ignore[arg-type]


WORK: dict[str, Callable[..., dict[str, float]]] = {
    "confluent-kafka produce": confluent_produce,
    "aiokafka produce": waited(aiokafka_produce),
    "confluent-kafka consume": confluent_consume,
    "aiokafka consume": waited(aiokafka_consume),
}


def measure(servers: str, events: int, batch: int, rounds: int) -> dict[str, dict[str, float]]:
    """The best round of each work; what is consumed was produced by confluent-kafka."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        topics = {"confluent-kafka": make_topic(servers), "aiokafka": make_topic(servers)}
        for name in WORK:
            topic = topics["confluent-kafka"] if "consume" in name else topics[name.split()[0]]
            args = [sys.executable, "-m", "benchmarks.kafka_clients", "--work", name, servers, topic]
            options = ["--events", str(events), "--batch", str(batch)]
            told = subprocess.run([*args, *options], check=True, capture_output=True, text=True).stdout
            found = json.loads(told)
            if name not in best or found["cpu_us"] < best[name]["cpu_us"]:
                best[name] = found
    return best


def make_topic(servers: str) -> str:
    from compound.log.kafka import KafkaLog

    name = f"clients-{uuid4().hex[:8]}"
    log = KafkaLog(servers, None)
    log.ensure_topics({name: PARTITIONS})
    log.close()
    return name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, servers, topic = options.work
        print(json.dumps(WORK[name](servers, topic, options.events, options.batch)))
        return

    from tests.services.kafka_node import KafkaNode

    with tempfile.TemporaryDirectory() as folder:
        node = KafkaNode(Path(folder) / "kafka")
        node.start()
        try:
            found = measure(node.bootstrap, options.events, options.batch, options.rounds)
        finally:
            node.kill()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{options.events:,} events of {len(VALUE)} bytes and {len(HEADERS)} headers, in batches of {options.batch}")
    for name, figures in found.items():
        print(f"{name:26} {figures['cpu_us']:6.1f} µs CPU an event {figures['per_s']:10,.0f} events/s")


if __name__ == "__main__":
    main()

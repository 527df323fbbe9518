"""The log in Kafka: the contract, and what only this adapter has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from compound.archive.archiver import Archiver
from compound.archive.metrics import Metrics
from compound.log import pages
from compound.log.generations import LogMisplaced
from compound.log.kafka import KafkaLog
from compound.log.port import LogUnavailable, OffsetLost, Slot
from compound.log.postgres import PostgresLog
from tests.integration.log.contract import PARTITIONS, LogContract, OpenLog, Owner, eventually, record, tries
from tests.services.databases import ON_TIMESCALEDB
from tests.services.kafka_node import KafkaNode


class KafkaOutage:
    """A Kafka of the test's own, to be taken away; the database stays."""

    def __init__(self, node: KafkaNode, database: str) -> None:
        self.url = f"kafka://{node.bootstrap}"
        self.database = database
        self.start, self.stop = node.start, node.kill


@ON_TIMESCALEDB
class TestKafkaLog(LogContract):
    session = 2.0

    @pytest.fixture
    def url(self, kafka_bootstrap: str) -> str:
        return f"kafka://{kafka_bootstrap}"

    @pytest.fixture
    def open_log(self, url: str, database: str) -> Iterator[OpenLog]:
        logs: list[KafkaLog] = []

        def opened(url: str = url, database: str | None = database, **settings: float) -> KafkaLog:
            servers = url.removeprefix("kafka://")
            logs.append(KafkaLog(servers, database, session=self.session, **settings))
            return logs[-1]

        yield opened
        for log in logs:
            log.close()

    @pytest.fixture
    def outage(self, own_kafka: KafkaNode, database: str) -> KafkaOutage:
        return KafkaOutage(own_kafka, database)

    @pytest.fixture
    def admin(self, url: str) -> AdminClient:
        return AdminClient({"bootstrap.servers": url.removeprefix("kafka://")})

    @pytest.fixture
    def archive(self, log: KafkaLog, database: str) -> Callable[[str], None]:
        """Copy all of a topic into the book."""

        def copied(topic: str) -> None:
            archiver = Archiver(log, database, [topic], 7, Metrics())
            reader = log.tail(f"archiver-{topic}", [topic], archiver._positions)
            with psycopg.connect(database, autocommit=True) as conn:
                while log.heads([topic]) != pages.ends(conn, log.heads([topic])):
                    archiver.turn(reader)
            reader.close()
            archiver.close()

        return copied

    @pytest.fixture
    def let_go(self, archive: Callable[[str], None], log: KafkaLog, admin: AdminClient) -> Callable[[str, int], None]:
        def dropped(topic: str, offset: int) -> None:
            archive(topic)
            ends = {slot.partition: end for slot, end in log.heads([topic]).items()}
            wanted = [TopicPartition(topic, partition, min(offset, end)) for partition, end in ends.items()]
            for future in admin.delete_records(wanted).values():
                future.result(60)

        return dropped

    @pytest.fixture
    def recreate(self, archive: Callable[[str], None], log: KafkaLog, admin: AdminClient) -> Callable[[str, int], None]:
        def made(topic: str, partitions: int) -> None:
            archive(topic)
            admin.delete_topics([topic])[topic].result(60)

            def there() -> bool:
                try:
                    log.ensure_topics({topic: partitions})
                except LogUnavailable:  # it is still being deleted
                    return False
                return log.generation(topic) == 2

            eventually(there)

        return made

    def test_appending_needs_no_database(self, open_log, topic, url):
        without, away = open_log(url, None), open_log(url, "postgresql://nobody@127.0.0.1:1/none")
        for log in (without, away):
            log.ensure_topics({topic: PARTITIONS})
            assert log.append([record(topic, "x")])[0].generation == 0
        with pytest.raises(LogUnavailable):
            away.generation(topic)
        with pytest.raises(ValueError, match="needs the database"):
            without.reader("g", [topic], lambda slots: {})

    def test_a_running_reader_goes_on_with_a_recreated_topic(self, log, topic, join, recreate):
        log.append([record(topic, f"k{n}", n) for n in range(400)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 400)
        recreate(topic, 2)
        assert log.partitions(topic) == 2
        addresses = log.append([record(topic, f"k{n}", "new") for n in range(30)])
        assert {at.generation for at in addresses} == {2}
        for _ in tries(60):
            try:
                owner.poll(reader, timeout=0.2)
            except LogUnavailable:
                continue
            if len(owner.got) == 430:
                break
        assert {stored.generation for stored in owner.got[400:]} == {2}

    def test_a_key_is_read_in_its_order_across_generations(self, log, topic, join, recreate):
        log.append([record(topic, f"k{n % 7}", n) for n in range(210)])
        recreate(topic, PARTITIONS)
        log.append([record(topic, f"k{n % 7}", n) for n in range(210, 280)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 280)
        by_key: dict[bytes, list[int]] = {}
        for stored in owner.got:
            by_key.setdefault(stored.key, []).append(int(stored.value))
        assert all(values == sorted(values) for values in by_key.values())

    def test_a_reader_of_the_log_in_the_database_goes_on_in_kafka(self, log, database, topic, group):
        name = f"{topic}-moved"
        first = PostgresLog(database, session=self.session)
        first.ensure_topics({name: PARTITIONS})
        first.append([record(name, f"k{n}", n) for n in range(60)])
        owner = Owner()
        reader = first.reader(group, [name], owner.ask)
        while len(owner.got) < 25:
            owner.poll(reader, limit=5)
        reader.close()
        first.close()
        log.ensure_topics({name: PARTITIONS})
        log.append([record(name, f"k{n}", n) for n in range(60, 100)])
        following = log.reader(group, [name], owner.ask)
        owner.until([following], lambda: len(owner.got) == 100)
        following.close()
        assert sorted(int(stored.value) for stored in owner.got) == list(range(100))

    def test_partitions_added_in_place_are_refused(self, log, topic, admin, database):
        admin.create_partitions([NewPartitions(topic, PARTITIONS + 1)])[topic].result(60)
        for _ in tries(120):
            try:
                log.generation(topic)
            except LogMisplaced as error:
                assert "recreate it" in str(error)  # noqa: PT017 - it may take a moment until Kafka says so
                break

    def test_a_topic_without_the_brokers_times_is_refused(self, log, topic, admin):
        name = f"{topic}-other"
        admin.create_topics([NewTopic(name, 1)])[name].result(60)
        with pytest.raises(LogMisplaced, match=r"message\.timestamp\.type=CreateTime"):
            log.ensure_topics({name: 1})

    def test_moving_from_postgresql_and_back(self, log, database, topic):
        name = f"{topic}-moved"
        first = PostgresLog(database)
        first.ensure_topics({name: PARTITIONS})
        first.append([record(name, f"k{n}") for n in range(10)])
        log.ensure_topics({name: PARTITIONS})
        assert log.generation(name) == 2
        assert log.append([record(name, "x")])[0].generation == 2
        with pytest.raises(LogUnavailable, match="has moved to kafka"):
            first.append([record(name, "x")])
        first.ensure_topics({name: PARTITIONS})
        assert first.append([record(name, "x")])[0].generation == 3
        with pytest.raises(LogMisplaced, match="is generation 2, which was left"):
            log.generation(name)
        first.close()

    def test_a_record_too_large_is_said_so(self, log, topic):
        with pytest.raises(ValueError, match="2000000 bytes is larger"):
            log.append([record(topic, "x", "y" * 2_000_000)])
        assert log.append([record(topic, "x")])

    def test_both_logs_put_a_key_into_the_same_partition(self, log, topic, database):
        other = PostgresLog(database)
        name = f"{topic}-beside"
        other.ensure_topics({name: PARTITIONS})
        keys = [f"设备-{n}" for n in range(50)] + ["", "a", "ab", "abc"]
        here = log.append([record(topic, key) for key in keys])
        there = other.append([record(name, key) for key in keys])
        assert [at.partition for at in here] == [at.partition for at in there]
        other.close()

    def test_what_neither_kafka_nor_the_book_holds_is_lost(self, log, topic, admin, join):
        at = log.append([record(topic, "one", n) for n in range(10)])[0]
        where = TopicPartition(topic, at.partition, 5)
        for future in admin.delete_records([where]).values():
            future.result(60)
        owner = Owner()
        reader = join(owner)
        with pytest.raises(OffsetLost, match="Kafka holds 5 to 10, and the book ends at 0"):
            owner.until([reader], lambda: False)
        slot = Slot(topic, 1, at.partition)
        owner.positions[slot] = 5
        reader.seek(slot, 5)
        owner.until([reader], lambda: len(owner.got) == 5)

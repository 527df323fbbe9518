"""What both logs promise: one suite, subclassed by adapter (`test_postgres_log.py`, `test_kafka_log.py`)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compound.log.partition import partition_of
from compound.log.port import Address, Log, LogUnavailable, OffsetLost, Reader, Record, Slot, Stored

PARTITIONS = 4
MEMBER = Path(__file__).with_name("member.py")
APPENDER = Path(__file__).with_name("appender.py")


class TestedLog(Log, Protocol):
    """A log with what opens it: both adapters can make topics."""

    def ensure_topics(self, topics: Mapping[str, int]) -> None: ...


class Outage(Protocol):
    """A server of its own that a test takes away and brings back."""

    url: str
    database: str

    def stop(self) -> None: ...

    def start(self) -> None: ...


OpenLog = Callable[..., TestedLog]


class Owner:
    """Whoever reads and keeps the positions: shared among the members of a group, as the database is."""

    def __init__(self) -> None:
        self.positions: dict[Slot, int] = {}
        self.got: list[Stored] = []

    def ask(self, slots: Sequence[Slot]) -> Mapping[Slot, int]:
        return {slot: self.positions[slot] for slot in slots if slot in self.positions}

    def poll(self, reader: Reader, limit: int = 100, timeout: float = 0.05) -> list[Stored]:
        got = reader.poll(limit, timeout)
        for stored in got:
            slot = Slot(stored.topic, stored.generation, stored.partition)
            assert slot in reader.assigned()
            assert stored.offset == self.positions.get(slot, 0), "delivered in order, no gap, nothing twice"
            self.positions[slot] = stored.offset + 1
        self.got += got
        return got

    def until(self, readers: Sequence[Reader], done: Callable[[], bool], timeout: float = 90) -> None:
        """Poll all `readers` in turn until `done`."""
        deadline = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < deadline, f"not done in {timeout} s; {len(self.got)} records"
            for reader in readers:
                self.poll(reader)


def record(topic: str, key: str, value: object = "", headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    return Record(topic, key.encode(), headers or (("ce_id", uuid4().hex.encode()),), str(value).encode())


def keys_of(partition: int) -> Iterator[str]:
    """Keys that go to `partition` of PARTITIONS."""
    return (f"k{n}" for n in range(10_000) if partition_of(b"k%d" % n, PARTITIONS) == partition)


def tries(seconds: float) -> Iterator[None]:
    """Rounds of a loop that has to be left in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
    raise AssertionError(f"not in {seconds} s")


def eventually(check: Callable[[], bool], timeout: float = 90.0) -> None:
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


class Member:
    """`member.py` in a process; what it told is in `assigned`, `got` and `away`."""

    def __init__(self, *args: str) -> None:
        command = [sys.executable, str(MEMBER), *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.assigned: set[int] = set()
        self.got: list[tuple[int, int]] = []
        self.away: list[str] = []
        self.polls = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, Any] = json.loads(line)
            self.assigned = set(told.get("assigned", ()))
            self.got += [(partition, offset) for partition, offset in told.get("got", ())]
            self.away += [told["away"]] if "away" in told else []
            self.polls += 1

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class LogContract:
    """The promises of `compound.log.port`. A subclass gives the fixtures `url`, `open_log` and `outage`."""

    session: float
    """Seconds without a sign of life after which a member loses its partitions, as the tests set it."""

    @pytest.fixture
    def open_log(self, url: str, database: str) -> Iterator[OpenLog]:
        raise NotImplementedError

    @pytest.fixture
    def log(self, open_log: OpenLog) -> TestedLog:
        return open_log()

    @pytest.fixture
    def topic(self, log: TestedLog) -> str:
        name = f"t{uuid4().hex[:12]}"
        log.ensure_topics({name: PARTITIONS})
        return name

    @pytest.fixture
    def group(self) -> str:
        return f"g{uuid4().hex[:12]}"

    @pytest.fixture
    def join(self, log: TestedLog, group: str, topic: str) -> Iterator[Callable[[Owner], Reader]]:
        """Join the group with the positions of an owner; all leave at the end."""
        readers: list[Reader] = []

        def joined(owner: Owner) -> Reader:
            readers.append(log.reader(group, [topic], owner.ask))
            return readers[-1]

        yield joined
        for reader in readers:
            reader.close()

    @pytest.fixture
    def member(self, url: str, database: str, group: str, topic: str) -> Iterator[Callable[[], Member]]:
        """Start a member of the group as a process; killed at the end."""
        members: list[Member] = []

        def started() -> Member:
            members.append(Member(url, database, str(self.session), group, topic))
            return members[-1]

        yield started
        for one in members:
            one.kill()

    # Appending and reading

    def test_what_is_appended_is_read_in_order_at_its_address(self, log, topic, join):
        records = [record(topic, f"device-{n % 13}", n) for n in range(300)]
        addresses = log.append(records[:250]) + log.append(records[250:])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 300)

        read = {stored.address: stored for stored in owner.got}
        assert [(read[at].key, read[at].headers, read[at].value) for at in addresses] == [
            (sent.key, sent.headers, sent.value) for sent in records
        ]
        by_key: dict[bytes, list[int]] = {}
        for stored in owner.got:
            by_key.setdefault(stored.key, []).append(int(stored.value))
        assert all(values == sorted(values) for values in by_key.values())

    def test_the_partition_is_kafkas_of_the_key(self, log, topic):
        keys = [b"21", b"foobar", b"abc", b"", b"\x00\xff", "阀".encode()]
        addresses = log.append([Record(topic, key, (), b"") for key in keys])
        # murmur2 of the Java client's own tests, as unsigned numbers below 2**31
        assert [at.partition for at in addresses[:3]] == [
            known % PARTITIONS for known in (1173551340, 1357151166, 479470107)
        ]
        assert [at.partition for at in addresses] == [partition_of(key, PARTITIONS) for key in keys]

    def test_nothing_to_append(self, log):
        assert log.append([]) == []

    def test_records_come_back_byte_for_byte(self, log, topic, join):
        owner = Owner()
        reader = join(owner)
        names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
        headers = st.lists(st.tuples(names, st.binary(max_size=40)), max_size=5).map(tuple)
        records = st.lists(
            st.builds(Record, st.just(topic), st.binary(max_size=30), headers, st.binary(max_size=300)), max_size=8
        )

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(records)
        def check(sent: list[Record]) -> None:
            owner.got.clear()
            addresses = log.append(sent)
            owner.until([reader], lambda: len(owner.got) == len(sent))
            read = {stored.address: stored for stored in owner.got}
            assert [Record(topic, *read[at][5:]) for at in addresses] == sent

        check()

    def test_a_big_record(self, log, topic, join):
        sent = Record(topic, b"k", (("big", b"\x00\x01" * 10_000),), bytes(range(256)) * 2_000)
        owner = Owner()
        reader = join(owner)
        log.append([sent])
        owner.until([reader], lambda: len(owner.got) == 1)
        assert Record(topic, *owner.got[0][5:]) == sent

    def test_recordedtime_is_the_logs_and_grows_with_the_offset(self, log, topic, join):
        before = time.time()
        for n in range(5):
            log.append([record(topic, "one", n), record(topic, "one", n)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 10)
        times = [stored.recorded for stored in owner.got]
        assert times == sorted(times)
        assert before - 1 < times[0] / 1e6 <= times[-1] / 1e6 < time.time() + 1

    def test_two_groups_read_everything_each(self, log, topic):
        log.append([record(topic, f"k{n}") for n in range(40)])
        for name in ("a", "b"):
            owner = Owner()
            reader = log.reader(f"{topic}-{name}", [topic], owner.ask)
            while len(owner.got) < 40:
                owner.poll(reader)
            reader.close()

    def test_a_poll_gives_at_most_what_was_asked_for_and_serves_all_partitions(self, log, topic, join):
        log.append(
            [record(topic, key) for n in range(PARTITIONS) for key, _ in zip(keys_of(n), range(50), strict=False)]
        )
        owner = Owner()
        reader = join(owner)
        for _ in tries(90):
            assert len(owner.poll(reader, limit=7)) <= 7
            if len(owner.got) == 50 * PARTITIONS:
                break
        assert Counter(stored.partition for stored in owner.got) == dict.fromkeys(range(PARTITIONS), 50)

    def test_heads_say_where_the_log_ends(self, log, topic):
        assert log.heads([topic]) == {Slot(topic, 1, n): 0 for n in range(PARTITIONS)}
        at = log.append([record(topic, "x"), record(topic, "x")])[-1]
        assert log.heads([topic])[Slot(topic, 1, at.partition)] == 2
        assert (log.partitions(topic), log.generation(topic)) == (PARTITIONS, 1)

    def test_a_topic_that_exists_keeps_its_partitions(self, open_log, topic):
        other = open_log()
        other.ensure_topics({topic: PARTITIONS * 2})
        assert (other.partitions(topic), other.generation(topic)) == (PARTITIONS, 1)

    # Positions

    def test_reading_goes_on_where_the_owner_was(self, log, topic, join):
        log.append([record(topic, f"k{n}", n) for n in range(60)])
        owner = Owner()
        first = join(owner)
        while len(owner.got) < 20:
            owner.poll(first, limit=5)
        first.close()
        second = join(owner)
        owner.until([second], lambda: len(owner.got) == 60)
        assert sorted(int(stored.value) for stored in owner.got) == list(range(60))

    def test_seek_reads_again_and_the_end_is_known(self, log, topic, join):
        log.append([record(topic, "one", n) for n in range(10)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 10)
        slot = Slot(topic, 1, owner.got[0].partition)
        owner.until([reader], lambda: all(reader.at_end(each) for each in reader.assigned()))
        assert len(reader.assigned()) == PARTITIONS
        assert set(reader.lag().values()) == {0}

        owner.positions[slot] = 4
        reader.seek(slot, 4)
        assert not reader.at_end(slot)
        assert reader.lag()[slot] == 6
        owner.until([reader], lambda: len(owner.got) == 16)
        assert [int(stored.value) for stored in owner.got[10:]] == list(range(4, 10))
        owner.until([reader], lambda: reader.at_end(slot))
        assert not reader.at_end(Slot("never", 1, 0))
        reader.seek(Slot("never", 1, 0), 7)
        assert Slot("never", 1, 0) not in reader.assigned()

    def test_seek_right_after_the_assignment(self, log, topic, join):
        log.append([record(topic, "one", n) for n in range(10)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS)
        for slot in reader.assigned():
            reader.seek(slot, owner.positions.get(slot, 0))
        owner.until([reader], lambda: len(owner.got) >= 10)

    def test_a_position_past_the_end_is_lost_never_moved(self, log, topic, join):
        at = log.append([record(topic, "one", n) for n in range(3)])[0]
        slot = Slot(topic, 1, at.partition)
        owner = Owner()
        owner.positions = {slot: 1000}
        reader = join(owner)
        with pytest.raises(OffsetLost, match=topic):
            _poll_until_it_raises(reader)
        with pytest.raises(OffsetLost):  # it stays lost until the owner has decided
            reader.poll(10, 0.2)
        owner.positions[slot] = 1
        reader.seek(slot, 1)
        owner.until([reader], lambda: len(owner.got) == 2)

    # What the log let go of, and earlier generations

    @pytest.fixture
    def let_go(self) -> Callable[[str, int], None]:
        """Have the book hold all of a topic, and the log nothing below this offset in any of its partitions."""
        raise NotImplementedError

    @pytest.fixture
    def recreate(self) -> Callable[[str, int], None]:
        """Start a topic's next generation with so many partitions; the book holds all of the one before."""
        raise NotImplementedError

    def test_what_the_log_let_go_of_is_read_all_the_same(self, log, topic, join, let_go):
        sent = [record(topic, f"k{n}", n) for n in range(400)]
        addresses = log.append(sent[:300])
        let_go(topic, 40)
        addresses += log.append(sent[300:])
        owner = Owner()
        reader = join(owner)

        def done() -> bool:
            complete = len(reader.assigned()) == PARTITIONS and all(reader.at_end(slot) for slot in reader.assigned())
            assert not complete or len(owner.got) == len(sent)
            return complete

        owner.until([reader], done)
        assert set(reader.lag().values()) == {0}
        read = {stored.address: Record(topic, *stored[5:]) for stored in owner.got}
        assert [read[at] for at in addresses] == sent
        times = {stored.address: stored.recorded for stored in owner.got}
        for before, after in zip(sorted(times), sorted(times)[1:], strict=False):
            assert before[:3] != after[:3] or times[before] <= times[after]

        log.append([record(topic, f"k{n}", n) for n in range(400, 440)])
        owner.until([reader], lambda: len(owner.got) == 440)

    def test_seek_back_to_what_the_log_let_go_of(self, log, topic, join, let_go):
        log.append([record(topic, "one", n) for n in range(20)])
        slot = Slot(topic, 1, partition_of(b"one", PARTITIONS))
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 20)
        let_go(topic, 15)
        for offset in (3, 17, 0):
            owner.got.clear()
            owner.positions[slot] = offset
            reader.seek(slot, offset)
            assert not reader.at_end(slot)
            owner.until([reader], lambda: reader.at_end(slot))
            assert [int(stored.value) for stored in owner.got] == list(range(offset, 20))

    def test_what_is_read_from_the_book_lags_until_it_is_read(self, log, topic, join, let_go):
        log.append([record(topic, "one", n) for n in range(100)])
        let_go(topic, 50)
        log.append([record(topic, "one", n) for n in range(100, 120)])
        slot = Slot(topic, 1, partition_of(b"one", PARTITIONS))
        owner = Owner()
        reader = join(owner)
        while not owner.poll(reader, limit=10):
            pass
        for _ in tries(60):
            assert owner.positions[slot] == len(owner.got)
            assert reader.at_end(slot) == (len(owner.got) == 120)
            if len(owner.got) < 50:
                assert reader.lag()[slot] == 120 - len(owner.got)
            if len(owner.got) == 120:
                break
            owner.poll(reader, limit=10)

    @pytest.mark.parametrize("partitions", [PARTITIONS, 2, 6])
    def test_earlier_generations_are_read_too(self, log, open_log, topic, join, recreate, partitions):
        log.append([record(topic, f"k{n}", n) for n in range(200)])
        recreate(topic, partitions)
        open_log().append([record(topic, f"k{n}", n) for n in range(200, 300)])
        owner = Owner()
        owner.positions = {Slot(topic, 1, 1): 5}  # it has read some of it already
        readers = [join(owner), join(owner)]
        expected = 300 - 5
        owner.until(readers, lambda: len(owner.got) == expected and all(_shares(readers, partitions)))
        owner.until(readers, lambda: all(reader.at_end(slot) for reader in readers for slot in reader.assigned()))
        assert len(owner.got) == expected
        slots = [slot for reader in readers for slot in reader.assigned()]
        assert len(slots) == len(set(slots)) == PARTITIONS + partitions, "each is read by one member"
        assert {stored.generation for stored in owner.got} == {1, 2}

    def test_an_earlier_generation_is_gone_on_with_after_a_seek(self, log, topic, join, recreate):
        log.append([record(topic, "one", n) for n in range(20)])
        recreate(topic, PARTITIONS)
        log.append([record(topic, "one", n) for n in range(20, 30)])
        slot = Slot(topic, 1, partition_of(b"one", PARTITIONS))
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 30)
        owner.got.clear()
        owner.positions[slot] = 12
        reader.seek(slot, 12)
        assert not reader.at_end(slot)
        assert reader.lag()[slot] == 8
        owner.until([reader], lambda: reader.at_end(slot))
        assert [int(stored.value) for stored in owner.got] == list(range(12, 20))

    # Waiting

    def test_a_poll_waits_for_what_comes_and_not_longer(self, log, topic, join):
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS)
        owner.until([reader], lambda: all(reader.at_end(slot) for slot in reader.assigned()))
        start = time.monotonic()
        assert owner.poll(reader, timeout=0.3) == []
        assert 0.25 < time.monotonic() - start < 30

        appended: list[float] = []

        def append() -> None:
            time.sleep(0.2)
            log.append([record(topic, "soon")])
            appended.append(time.monotonic())

        thread = threading.Thread(target=append)
        thread.start()
        got = owner.poll(reader, timeout=90)
        now = time.monotonic()
        thread.join()
        assert len(got) == 1
        assert now - appended[0] < 30

    # Groups

    def test_members_share_the_partitions_as_they_join_and_leave(self, log, topic, join):
        owner = Owner()
        readers = [join(owner)]
        owner.until(readers, lambda: len(readers[0].assigned()) == PARTITIONS)
        for size in (2, 3):
            readers.append(join(owner))
            owner.until(readers, lambda: _shared(readers))
            assert {len(reader.assigned()) for reader in readers} <= {PARTITIONS // size, -(-PARTITIONS // size)}
            log.append([record(topic, f"k{n}") for n in range(50)])
        owner.until(readers, lambda: len(owner.got) == 100)
        readers.pop(0).close()
        log.append([record(topic, f"k{n}") for n in range(50)])
        owner.until(readers, lambda: len(owner.got) == 150 and _shared(readers))

    def test_more_members_than_partitions(self, log, group):
        name = f"{group}-one"
        log.ensure_topics({name: 1})
        owner = Owner()
        readers = [log.reader(group, [name], owner.ask) for _ in range(2)]
        owner.until(readers, lambda: sorted(len(reader.assigned()) for reader in readers) == [0, 1])
        log.append([record(name, "x")])
        owner.until(readers, lambda: len(owner.got) == 1)
        for reader in readers:
            reader.close()

    def test_the_partitions_of_a_killed_member_are_taken_over(self, log, topic, join, member):
        log.append([record(topic, f"k{n}") for n in range(40)])
        killed = member()
        eventually(lambda: len(killed.got) == 40)
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS // 2)
        killed.kill()
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS and len(owner.got) == 40, self.session + 90)

    def test_a_stopped_member_is_given_up_and_shares_again_when_it_goes_on(self, log, topic, join, member):
        zombie = member()
        eventually(lambda: len(zombie.assigned) == PARTITIONS)
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS // 2)
        zombie.process.send_signal(signal.SIGSTOP)
        log.append([record(topic, f"k{n}") for n in range(40)])
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS and len(owner.got) == 40, self.session + 90)
        zombie.process.send_signal(signal.SIGCONT)
        polls = zombie.polls
        owner.until([reader], lambda: zombie.polls > polls + 3 and len(reader.assigned()) == PARTITIONS // 2)
        read_here = {slot.partition for slot in reader.assigned()}
        eventually(lambda: zombie.assigned == set(range(PARTITIONS)) - read_here)

    # Several appenders

    def test_no_record_is_skipped_while_many_append(self, open_log, topic, join):
        each, appenders = 15, 3

        def append(number: int) -> None:
            log = open_log()
            for n in range(each):
                log.append([record(topic, f"{number}-{n}-{m}", f"{number}-{n}-{m}") for m in range(1 + n % 7)])

        threads = [threading.Thread(target=append, args=(number,)) for number in range(appenders)]
        expected = {f"{a}-{n}-{m}".encode() for a in range(appenders) for n in range(each) for m in range(1 + n % 7)}
        owner = Owner()
        reader = join(owner)
        for thread in threads:
            thread.start()
        owner.until([reader], lambda: len(owner.got) == len(expected))
        for thread in threads:
            thread.join()
        assert {stored.value for stored in owner.got} == expected
        assert owner.poll(reader, timeout=0.3) == []

    def test_what_a_killed_appender_acknowledged_is_there(self, url, database, topic, join):
        owner = Owner()
        reader = join(owner)
        acknowledged: set[bytes] = set()
        for name in ("a", "b", "c"):
            command = [sys.executable, str(APPENDER), url, database, name, topic]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as appender:
                assert appender.stdout is not None
                acknowledged |= set(appender.stdout.readline().split())
                time.sleep(0.2)
                appender.kill()
                lines = appender.stdout.read().splitlines(keepends=True)
                acknowledged |= {value for line in lines if line.endswith(b"\n") for value in line.split()}
        owner.until([reader], lambda: acknowledged <= {stored.value for stored in owner.got})
        values = [stored.value for stored in owner.got]
        assert len(values) == len(set(values))

    def test_threads_share_a_log(self, log, topic, join):
        addresses: list[Address] = []

        def append(number: int) -> None:
            for n in range(10):
                addresses.extend(log.append([record(topic, f"k{number}-{m}") for m in range(n)]))

        threads = [threading.Thread(target=append, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(addresses)) == 3 * 45
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: {stored.address for stored in owner.got} == set(addresses))

    # Failures

    def test_an_error_of_the_owner_reaches_it_and_reading_goes_on_after(self, log, topic, group):
        log.append([record(topic, "x")])
        calls: list[int] = []

        def positions(slots: Sequence[Slot]) -> Mapping[Slot, int]:
            calls.append(len(slots))
            if len(calls) == 1:
                raise ArithmeticError("the owner's own")
            return {}

        reader = log.reader(group, [topic], positions)
        with pytest.raises(ArithmeticError):
            _poll_until_it_raises(reader)
        got: list[Stored] = []
        for _ in tries(120):
            if got := reader.poll(10, 0.2):
                break
        reader.close()
        assert len(got) == 1

    def test_it_works_again_after_the_server_was_away(self, outage: Outage, open_log, group, topic):
        log = open_log(outage.url, outage.database, patience=3.0)
        log.ensure_topics({topic: PARTITIONS})
        owner = Owner()
        reader = log.reader(group, [topic], owner.ask)
        log.append([record(topic, f"k{n}", n) for n in range(20)])
        owner.until([reader], lambda: len(owner.got) == 20)
        outage.stop()
        with pytest.raises(LogUnavailable):
            log.append([record(topic, "lost", "unacknowledged")])
        with pytest.raises(LogUnavailable):
            _poll_until_it_raises(reader)
        assert not any(reader.at_end(Slot(topic, 1, n)) for n in range(PARTITIONS))
        outage.start()

        def appended() -> bool:
            try:
                return bool(log.append([record(topic, "again", "acknowledged")]))
            except LogUnavailable:
                return False

        eventually(appended)
        for _ in tries(120):
            try:
                owner.poll(reader, timeout=0.2)
            except LogUnavailable:
                time.sleep(0.1)
            if any(stored.value == b"acknowledged" for stored in owner.got):
                break
        reader.close()
        assert {int(stored.value) for stored in owner.got if stored.value.isdigit()} == set(range(20))


def _shared(readers: Sequence[Reader]) -> bool:
    """Every partition is read, by one reader, and every reader has its part."""
    assigned = [slot for reader in readers for slot in reader.assigned()]
    return len(assigned) == len(set(assigned)) == PARTITIONS and all(reader.assigned() for reader in readers)


def _shares(readers: Sequence[Reader], partitions: int) -> list[bool]:
    """Whether each reader has its part of the newest generation, and all of it is read."""
    newest = [[slot for slot in reader.assigned() if slot.generation == 2] for reader in readers]
    return [bool(slots) for slots in newest] + [sum(map(len, newest)) == partitions]


def _poll_until_it_raises(reader: Reader) -> None:
    for _ in tries(120):
        assert reader.poll(10, 0.2) == []

from __future__ import annotations

import pytest

from compound.events import TOPICS
from compound.log.kafka import KafkaLog
from compound.log.open import open_log
from compound.log.port import LogUnavailable
from compound.log.postgres import PostgresLog


def test_the_databases_own_log(database):
    for url in ("", database):
        log = open_log(url, database, 3)
        assert isinstance(log, PostgresLog)
        assert {topic: log.partitions(topic) for topic in TOPICS} == {
            **dict.fromkeys(TOPICS, 3),
            **dict.fromkeys(("registry", "commands", "history", "quarantine"), 1),
        }
        log.close()


def test_kafka(database, kafka_bootstrap):
    log = open_log(f"kafka://{kafka_bootstrap}", database, 3)
    assert isinstance(log, KafkaLog)
    assert (log.partitions("meter"), log.partitions("history"), log.generation("meter")) == (3, 1, 1)
    log.close()


def test_the_servers_are_away(database):
    with pytest.raises(LogUnavailable):
        open_log("", "postgresql://nobody@127.0.0.1:1/none", 3)


@pytest.mark.parametrize("url", ["redis://127.0.0.1", "127.0.0.1:9092"])
def test_another_kind_of_url(url, database):
    with pytest.raises(ValueError, match="starts with kafka:// or postgresql://"):
        open_log(url, database, 3)

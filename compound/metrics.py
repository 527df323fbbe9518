"""The names of all Prometheus metrics: one frozen descriptor each. Roles make their metrics from these and from no other
name; docs/metrics.md is made from them, and a test scrapes every role for exactly these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

Role = Literal["ingest", "processors", "archiver", "api"]
M = TypeVar("M", Counter, Gauge, Histogram)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter that nobody asks for


@dataclass(frozen=True, slots=True)
class Metric(Generic[M]):
    """A metric's name and meaning. `name` is as scraped, but for the suffixes of a histogram; a counter's ends in _total."""

    role: Role
    type: type[M]
    name: str
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, in `unit`; its own defaults where empty."""

    def made(self, registry: CollectorRegistry) -> M:
        """The metric itself, in `registry`. Raises ValueError where the registry has it already."""
        more: dict[str, Any] = {"buckets": self.buckets} if self.buckets else {}
        return self.type(self.name, self.help, self.labels, registry=registry, **more)


def registry() -> CollectorRegistry:
    """A new registry; it holds the process's own figures (process_…: memory, CPU, file descriptors) already."""
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    return made


INGEST_RECEIVED = Metric(
    "ingest", Counter, "compound_ingest_messages_received_total", "messages", "MQTT messages received."
)
INGEST_ACKNOWLEDGED = Metric(
    "ingest",
    Counter,
    "compound_ingest_messages_acknowledged_total",
    "messages",
    "MQTT messages acknowledged to the broker, each after the log held it.",
)
INGEST_APPENDED = Metric(
    "ingest", Counter, "compound_ingest_records_appended_total", "records", "Records that the log holds.", ("topic",)
)
INGEST_QUARANTINED = Metric(
    "ingest",
    Counter,
    "compound_ingest_records_quarantined_total",
    "records",
    "Records put into quarantine.",
    ("reason",),
)
INGEST_IN_FLIGHT = Metric(
    "ingest", Gauge, "compound_ingest_in_flight", "messages", "Messages received and not yet acknowledged."
)
INGEST_APPEND_SECONDS = Metric(
    "ingest",
    Histogram,
    "compound_ingest_append_seconds",
    "seconds",
    "Time until the log held a batch, waiting for it included.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 30),
)
INGEST_BATCH_RECORDS = Metric(
    "ingest",
    Histogram,
    "compound_ingest_batch_records",
    "records",
    "Records in an appended batch.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
INGEST_CONNECTIONS = Metric(
    "ingest", Counter, "compound_ingest_connections_total", "connections", "Connections made to the broker."
)
INGEST_CONNECTED = Metric("ingest", Gauge, "compound_ingest_connected", "0 or 1", "1 while subscribed at the broker.")
INGEST_LOG_UNAVAILABLE = Metric(
    "ingest",
    Counter,
    "compound_ingest_log_unavailable_total",
    "attempts",
    "Attempts to append that the log could not take; nothing is acknowledged meanwhile.",
)
INGEST_BROKER_MESSAGES = Metric(
    "ingest",
    Gauge,
    "compound_ingest_broker_messages",
    "messages",
    "Messages that wait at the broker for some session; 0 where it does not say (Mosquitto does).",
)
INGEST_BROKER_SHARE = Metric(
    "ingest",
    Gauge,
    "compound_ingest_broker_share",
    "share",
    "The same as a share of COMPOUND_MQTT_QUEUE: at 1 the broker drops what is sent.",
)

PROCESSOR_EVENTS = Metric(
    "processors", Counter, "compound_processor_events_total", "records", "Records taken in by a domain.", ("domain",)
)
PROCESSOR_UNREADABLE = Metric(
    "processors",
    Counter,
    "compound_processor_unreadable_total",
    "records",
    "Records that are no event, or no point of the domain; they stay in the log.",
    ("domain",),
)
PROCESSOR_LAG = Metric(
    "processors",
    Gauge,
    "compound_processor_lag",
    "records",
    "Records not yet taken in, of the partitions that this process reads.",
    ("domain", "topic", "partition"),
)
PROCESSOR_BATCH_SECONDS = Metric(
    "processors", Histogram, "compound_processor_batch_seconds", "seconds", "Time of one transaction.", ("domain",)
)
PROCESSOR_WAITING = Metric(
    "processors",
    Gauge,
    "compound_processor_waiting",
    "0 or 1",
    "1 while a domain waits for the database or the log.",
    ("domain",),
)
PROCESSOR_FENCES_LOST = Metric(
    "processors",
    Counter,
    "compound_processor_fences_lost_total",
    "transactions",
    "Transactions rolled back since another worker had moved a position, or by a deadlock.",
    ("domain",),
)
OUTBOX_ROWS = Metric("processors", Gauge, "compound_outbox_rows", "rows", "History waiting for the log, 1,000 at most.")

ARCHIVER_RECORDS = Metric(
    "archiver", Counter, "compound_archiver_records_total", "records", "Records copied into the book.", ("topic",)
)
ARCHIVER_BATCH_SECONDS = Metric(
    "archiver", Histogram, "compound_archiver_batch_seconds", "seconds", "Time of one transaction."
)
ARCHIVER_LAG = Metric(
    "archiver",
    Gauge,
    "compound_archiver_lag_records",
    "records",
    "Records that Kafka holds and the book does not yet, of the partitions that this process copies.",
)
ARCHIVER_LAG_SECONDS = Metric(
    "archiver", Gauge, "compound_archiver_lag_seconds", "seconds", "Age of the oldest of them; 0 while there is none."
)
ARCHIVER_RETENTION_SHARE = Metric(
    "archiver",
    Gauge,
    "compound_archiver_retention_share",
    "share",
    "That age as a share of Kafka's retention: at 1 Kafka drops what the book does not hold.",
)

API_REQUESTS = Metric(
    "api",
    Counter,
    "compound_api_requests_total",
    "requests",
    "Requests answered.",
    ("method", "route", "status"),
)
API_REQUEST_SECONDS = Metric(
    "api",
    Histogram,
    "compound_api_request_seconds",
    "seconds",
    "Time to the end of the answer (live streams apart).",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
API_STREAMS = Metric("api", Gauge, "compound_api_streams", "clients", "Clients of the live stream now.")
API_CHANGES = Metric(
    "api",
    Counter,
    "compound_api_changes_total",
    "changes",
    "Changes received for the live stream.",
    ("domain",),
)
API_CONNECTIONS = Metric(
    "api", Gauge, "compound_api_database_connections", "connections", "Database connections in use."
)
API_DATABASE_UP = Metric(
    "api", Gauge, "compound_api_database_up", "0 or 1", "Whether the database answered this scrape."
)
LAG_RECORDS = Metric(
    "api",
    Gauge,
    "compound_lag_records",
    "records",
    "Records in the log that a domain has not read.",
    ("domain", "topic"),
)

ARCHIVE_LAG_RECORDS = Metric(
    "api",
    Gauge,
    "compound_archive_lag_records",
    "records",
    "Records that Kafka holds and the book does not yet; 0 where the log is the book.",
)
ARCHIVE_LAG_SECONDS = Metric(
    "api",
    Gauge,
    "compound_archive_lag_seconds",
    "seconds",
    "Age of the oldest of them, whether an archiver runs or not.",
)
ARCHIVE_RETENTION_SHARE = Metric(
    "api",
    Gauge,
    "compound_archive_retention_share",
    "share",
    "That age as a share of Kafka's retention: at 1 Kafka drops what the book does not hold.",
)
ARCHIVE_ALARMS = Metric(
    "api", Gauge, "compound_archive_alarms", "partitions", "Partitions that the archiver can't go on with."
)

METRICS: Final[tuple[Metric[Counter] | Metric[Gauge] | Metric[Histogram], ...]] = tuple(
    each for each in list(globals().values()) if isinstance(each, Metric)
)
"""All of them, in the order of this file."""

"""Settings of every role: environment variables `COMPOUND_…` (pydantic-settings). Nothing else configures the house."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from compound.errors import Mendable


class SettingsError(Mendable):
    """A setting is wrong; the text is one sentence that names it."""


class Settings(BaseSettings):
    """All settings with their defaults for one machine. Each is documented in docs/operations.md (tested)."""

    model_config = SettingsConfigDict(env_prefix="COMPOUND_", extra="ignore")

    database_url: str = Field(
        "postgresql://compound@127.0.0.1:5432/compound",
        repr=False,  # it may hold a password
        description="PostgreSQL or TimescaleDB, as a libpq URL.",
    )
    database_password_file: Path | None = Field(
        None, description="File with the password of the user in COMPOUND_DATABASE_URL, which then holds none."
    )
    reader_password_file: Path | None = Field(
        None,
        description="File with the password of compound_reader, the role that Grafana reads with; unset: it can't log in.",
    )
    columnstore_days: int = Field(
        45,
        ge=7,
        le=3650,
        description="TimescaleDB Community: days after which points go to the columnstore; longer than the longest backfill expected.",
    )
    log_url: str = Field(
        "", description="Event log: empty for the database's own, or kafka://host:port[,host:port] for Apache Kafka."
    )
    log_partitions: int = Field(4, ge=1, le=256, description="Partitions of each device topic, when it is made.")
    kafka_retention_days: int = Field(
        7,
        ge=1,
        le=3650,
        description="For how long Kafka keeps what the archiver has copied into the book, days; without an archiver, for ever.",
    )
    session_s: float = Field(
        20.0,
        ge=1,
        le=300,
        description="A process that was stopped for so long loses its partitions and open transactions to the others, seconds.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field(
        "json", description="Lines of the log: json, one object an event, or text for people."
    )

    processors_batch: int = Field(5000, ge=1, le=100_000, description="Most records of one processor transaction.")
    processors_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of a processors' process for metrics and health on 127.0.0.1; 0 for none."
    )
    processors_poll_s: float = Field(0.5, gt=0, le=10, description="Longest wait of a processor for records, seconds.")
    processors_gather_ms: float = Field(
        100.0,
        ge=0,
        le=10_000,
        description="How long records gather before a busy domain's next transaction (commit interval), milliseconds.",
    )
    processors_timelines: int = Field(
        20_000,
        ge=100,
        le=10_000_000,
        description="Most timelines of states that a domain keeps in memory; one that it has dropped is read again.",
    )
    quiet_s: float = Field(
        10.0,
        gt=0,
        le=600,
        description="A deadline passes by the clock when nothing of its device arrived for so long, seconds.",
    )
    late_s: float = Field(
        60.0,
        gt=0,
        description="A point that arrives so long after its own time belongs to a late burst: its device's deadlines wait for quiet.",
    )
    rebuild_batch: int = Field(20_000, ge=1, le=200_000, description="Most records of one transaction of a rebuild.")
    evaluate_s: float = Field(
        5.0, gt=0, description="Pause between two looks of the evaluator of group conditions, seconds."
    )

    mqtt_url: str = Field(
        "mqtt://127.0.0.1:1883",
        description="MQTT broker: mqtt://[user@]host[:port], or mqtts:// for TLS.",
        pattern=r"^mqtts?://([^@:/]+@)?(\[[0-9A-Fa-f:]+\]|[^@:/\[\]]+)(:\d{1,5})?/?$",
    )
    mqtt_password_file: Path | None = Field(
        None, description="File with the password of the user in COMPOUND_MQTT_URL."
    )
    mqtt_ca_file: Path | None = Field(
        None, description="File with the certificates that the broker's must be signed by; unset: the system's."
    )
    mqtt_client_id: str = Field(
        "compound-ingest",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Client id of ingest: its session at the broker hangs on it, so it stays; each of several ingests has its own.",
    )
    mqtt_share: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="Name of the shared subscription when several ingests share the messages; empty for one ingest.",
    )
    mqtt_session_expiry_s: int = Field(
        0xFFFFFFFF,
        ge=60,
        le=0xFFFFFFFF,
        description="How long the broker keeps the session of an ingest that is away, seconds; 4294967295: for ever.",
    )
    mqtt_queue: int = Field(
        600_000,
        ge=0,
        description="Messages the broker keeps for a session (max_queued_messages); from half of it on an alert is raised. 0: any number.",
    )
    mqtt_keepalive_s: int = Field(30, ge=5, le=3600, description="Longest silence towards the broker, seconds.")
    ingest_in_flight: int = Field(
        1000,
        ge=1,
        le=65535,
        description="Most messages the broker may send before it hears of one (receive maximum); bounds ingest's memory.",
    )
    ingest_batch: int = Field(500, ge=1, le=10_000, description="Most messages of one append to the log.")
    ingest_gather_ms: float = Field(
        3.0, ge=0, le=100, description="How long messages gather before they are read from the broker, milliseconds."
    )
    ingest_future_s: float = Field(
        300.0, ge=0, description="A message whose time is further ahead of ingest's clock goes to quarantine, seconds."
    )
    ingest_heartbeat_s: float = Field(
        10.0, gt=0, le=60, description="Pause between two signs of life of ingest in the history, seconds."
    )
    ingest_drain_s: float = Field(
        10.0,
        ge=0,
        le=300,
        description="Longest time ingest takes at its end to append and acknowledge what it holds, seconds.",
    )
    ingest_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of ingest's metrics and health on 127.0.0.1; 0 for none."
    )
    processors_late_s: float = Field(
        300.0,
        gt=0,
        description="An alert is raised when a domain's oldest unread record is so old and no fewer wait than a minute ago, seconds.",
    )
    flood_times: float = Field(
        100.0, gt=1, description="A device that sends so many times its registered rate floods, and an alert is raised."
    )
    unreadable_per_hour: int = Field(
        20, ge=1, description="An alert is raised when so many messages of a device within an hour can't be read."
    )
    clock_behind_s: float = Field(
        3600.0, gt=0, description="An alert is raised when a device's clock is steadily so far behind, seconds."
    )
    clock_jump_s: float = Field(5.0, gt=0, description="A server's clock that is set by more raises an alert, seconds.")
    archiver_late_s: float = Field(
        900.0,
        gt=0,
        description="An alert is raised when a record waits so long for the archiver, or half of Kafka's retention, seconds.",
    )
    archiver_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of the archiver's metrics and health on 127.0.0.1; 0 for none."
    )
    site_timezone: str = Field("Asia/Shanghai", description="Zone of the site; personal data's months run in it.")
    reset_hour: int = Field(
        3,
        ge=0,
        le=23,
        description="Hour of the night reset in the site's zone; a month of personal data starts with it.",
    )
    keys: Path = Field(
        Path(".data/compound/keys"),
        description="Folder of the keys of personal data, one a category and month; back it up apart.",
    )

    alert_webhook_url: str = Field(
        "",
        repr=False,
        pattern=r"^(https?://\S+)?$",
        description="Where alerts are sent by POST, as CloudEvents in JSON; it may hold a secret and is never logged. Empty: nowhere.",
    )
    alert_mqtt: bool = Field(
        False,
        description="Whether alerts are published on the broker, as compound/alerts/v1/{site}/{category}/{alert}.",
    )
    alert_timeout_s: float = Field(
        10.0, gt=0, le=120, description="Longest wait for the answer to an alert's delivery, seconds."
    )
    alert_attempts: int = Field(
        20, ge=1, le=1000, description="After so many attempts a delivery is given up, and shown as dead."
    )
    alert_age_s: float = Field(
        86400.0, gt=0, description="An alert read longer than this after it was raised is no longer sent, seconds."
    )

    api_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Where commands find the API of a compound that no `compound up` runs here, like http://127.0.0.1:8080.",
    )
    api_host: str = Field(
        "127.0.0.1", description="Address the API listens on; anything but loopback needs COMPOUND_API_TOKEN_FILE."
    )
    api_port: int = Field(8080, ge=0, le=65535, description="Port the API listens on; 0 takes a free one.")
    api_token_file: Path | None = Field(
        None,
        description="File with the token that the API asks for (Authorization: Bearer …); unset: none, loopback only.",
    )
    api_connections: int = Field(10, ge=2, le=100, description="Most database connections of one API process.")
    api_query_s: float = Field(10.0, gt=0, le=300, description="Longest time of one query of the API, seconds.")
    api_wait_s: float = Field(
        5.0, ge=0, le=60, description="How long a command waits for its projection before it answers 202, seconds."
    )
    api_known: int = Field(
        2, ge=1, le=20, description="Most questions as known at a time (known_at) worked on at once."
    )
    api_known_points: int = Field(
        2_000_000, ge=1, description="Most points that one question as known at a time may have derived again."
    )
    api_known_s: float = Field(
        60.0, gt=0, le=3600, description="Longest time of one query of a question as known at a time, seconds."
    )
    api_streams: int = Field(100, ge=1, le=10_000, description="Most clients of the live stream at once.")
    api_heartbeat_s: float = Field(
        15.0, gt=0, le=300, description="Pause between heartbeats of the live stream, seconds."
    )

    grafana_url: str = Field(
        "http://127.0.0.1:3000",
        pattern=r"^https?://[^\s@]+$",
        description="The Grafana that `compound grafana push` writes to.",
    )
    grafana_token_file: Path | None = Field(
        None, description="File with the token of a service account of Grafana with the role Admin."
    )
    grafana_user: str = Field("admin", description="User of Grafana, where there is no token.")
    grafana_password_file: Path | None = Field(None, description="File with the password of COMPOUND_GRAFANA_USER.")
    grafana_database: str = Field(
        "",
        pattern=r"^([^\s/@]+:\d{1,5})?$",
        description="The database as Grafana reaches it, host:port; empty: as in COMPOUND_DATABASE_URL.",
    )
    grafana_sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = Field(
        "disable", description="TLS between Grafana and the database."
    )
    grafana_receiver: Literal["compound-mail", "compound-webhook"] = Field(
        "compound-mail", description="Where Grafana's own alerts go; its page shows them in any case."
    )
    grafana_mail_to: str = Field(
        "root@localhost",
        description="Addresses for compound-mail, by ; separated. Grafana needs a mail server of its own.",
    )
    grafana_webhook_url_file: Path | None = Field(
        None, description="File with the address for compound-webhook; it may hold a secret."
    )

    @field_validator("site_timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("it is no zone of the tz database, like Asia/Shanghai")
        return name

    @model_validator(mode="after")
    def _with_password(self) -> Self:
        if self.database_password_file is not None:
            self.database_url = _with_password(self.database_url, secret(self.database_password_file))
        return self


def load() -> Settings:
    """Settings from the environment. Raises SettingsError with one sentence that names the wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """The first mistake as a sentence with the environment variable's name, without echoing a value (it may be secret)."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = "_".join(str(part) for part in first["loc"]).upper()
    return f"COMPOUND_{name} is wrong: {first['msg']}."


def secret(path: Path) -> str:
    """The content of a secret's file without the last line end. Raises SettingsError when it can't be read or is empty."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
    if not text:
        raise SettingsError(f"{path} is empty; put the secret in it.")
    return text


def _with_password(url: str, password: str) -> str:
    """`url` with the password for its user, as psycopg and asyncpg take it. Raises SettingsError."""
    scheme, _, rest = url.partition("://")
    user, at, where = rest.rpartition("@")
    if not at or ":" in user:
        what = "names no user" if not at else "holds a password"
        raise SettingsError(f"COMPOUND_DATABASE_URL {what}, so COMPOUND_DATABASE_PASSWORD_FILE can't be used with it.")
    return f"{scheme}://{user}:{quote(password, safe='')}@{where}"

"""Settings of every role: environment variables `COMPOUND_…` (pydantic-settings). Nothing else configures the house."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A setting is wrong; the text is one sentence that names it."""


class Settings(BaseSettings):
    """All settings with their defaults for one machine. Each is documented in docs/operations.md (tested)."""

    model_config = SettingsConfigDict(env_prefix="COMPOUND_", extra="ignore")

    database_url: str = Field(
        "postgresql://compound@127.0.0.1:5432/compound", description="PostgreSQL or TimescaleDB, as a libpq URL."
    )
    log_url: str = Field(
        "", description="Event log: empty for the database's own, or kafka://host:port[,host:port] for Apache Kafka."
    )
    log_partitions: int = Field(4, ge=1, le=256, description="Partitions of each device topic, when it is made.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    processors_batch: int = Field(5000, ge=1, le=100_000, description="Most records of one processor transaction.")
    processors_poll_s: float = Field(0.5, gt=0, le=10, description="Longest wait of a processor for records, seconds.")
    quiet_s: float = Field(
        10.0, gt=0, le=600, description="A deadline passes by the clock when nothing of its device arrived for so long, seconds."
    )
    late_s: float = Field(
        60.0,
        gt=0,
        description="A point that arrives so long after its own time belongs to a late burst: its device's deadlines wait for quiet.",
    )
    evaluate_s: float = Field(5.0, gt=0, description="Pause between two looks of the evaluator of group conditions, seconds.")

    api_host: str = Field(
        "127.0.0.1", description="Address the API listens on; anything but loopback needs COMPOUND_API_TOKEN_FILE."
    )
    api_port: int = Field(8080, ge=0, le=65535, description="Port the API listens on; 0 takes a free one.")
    api_token_file: Path | None = Field(
        None, description="File with the token that the API asks for (Authorization: Bearer …); unset: none, loopback only."
    )
    api_connections: int = Field(10, ge=2, le=100, description="Most database connections of one API process.")
    api_query_s: float = Field(10.0, gt=0, le=300, description="Longest time of one query of the API, seconds.")
    api_wait_s: float = Field(
        5.0, ge=0, le=60, description="How long a command waits for its projection before it answers 202, seconds."
    )
    api_streams: int = Field(100, ge=1, le=10_000, description="Most clients of the live stream at once.")
    api_heartbeat_s: float = Field(15.0, gt=0, le=300, description="Pause between heartbeats of the live stream, seconds.")


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

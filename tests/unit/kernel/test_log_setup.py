"""Lines of the log: one JSON object an event, of libraries too, and no password in any."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from compound.log_setup import configure, masked


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level, was = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**was)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    structlog.get_logger().debug("not this")
    structlog.get_logger(domain="energy").warning("waits", error="two\nlines")
    logging.getLogger("compound.log.kafka").warning("broker %s is down", 1)
    ours, theirs = _lines(capsys)
    assert (ours["event"], ours["level"], ours["domain"], ours["error"]) == ("waits", "warning", "energy", "two\nlines")
    assert (theirs["event"], theirs["logger"]) == ("broker 1 is down", "compound.log.kafka")
    assert theirs["timestamp"].endswith("Z")


def test_no_password_reaches_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    try:
        raise ValueError("no answer of postgresql://compound:s3cr%t@db:5432/compound")
    except ValueError as error:
        structlog.get_logger().exception("failed", error=str(error), url="mqtt://u:s3cr%t@b:1883")
        logging.getLogger("other").exception("password='s3cr%%t' host=%s", "db")
    text = capsys.readouterr().err
    assert "s3cr" not in text
    assert text.count("***") >= 4


def test_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text")
    structlog.get_logger().info("key destroyed", month="2026-01")
    assert "key destroyed" in (line := capsys.readouterr().err)
    assert "month=2026-01" in line
    assert "{" not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("http://127.0.0.1:8080/x?y=a@b", "http://127.0.0.1:8080/x?y=a@b"),
        ("host=h password=p user=u", "host=h password=*** user=u"),
        ("at 10:00, a@b", "at 10:00, a@b"),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown

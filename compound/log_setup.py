"""Logging of all roles: structlog, one line an event on stderr, so that a supervisor's file can be searched.

What libraries log through `logging` becomes lines of the same form. Passwords in addresses are masked whoever logs
them; personal data is never logged: what is logged of an event is its address, not its content.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Final, Literal

import structlog
from structlog.typing import EventDict, Processor

_CREDENTIALS: Final = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]+(?=@)")
_KEYWORD: Final = re.compile(r"(\bpassword=)('[^']*'|\S+)")


def configure(level: str, form: Literal["json", "text"] = "json") -> None:
    """Log from `level` on (debug, info, warning, error), a JSON object a line or text."""
    least = getattr(logging, level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    render: Processor = structlog.processors.JSONRenderer()
    if form == "text":
        render = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[lines], force=True)


def without_secrets(_: object, __: str, event: EventDict) -> EventDict:
    """Mask passwords in addresses and connection strings, in every text of the line."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = masked(value)
    return event


def masked(text: str) -> str:
    """`text` with the password of every address (scheme://user:…@host) and of `password=…` masked."""
    return _KEYWORD.sub(r"\1***", _CREDENTIALS.sub(r"\1***", text))

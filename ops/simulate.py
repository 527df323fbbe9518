"""What the commands that send share: the bar, a clean stop, speed, and how far the log is behind what was sent."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from compound.events import DEVICE_TOPICS, QUARANTINE
from ops.client import ApiError, Client
from simulators import pace


class Backlog:
    """How many objects the broker still holds: those sent, less those that the log has got since the start."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._begun = self._heads()

    def __call__(self, sent: int) -> int:
        return sent - (self._heads() - self._begun)

    def _heads(self) -> int:
        """Records in all topics of devices and in quarantine; 0 while nobody can say."""
        try:
            items = self._api.get("/v1/lag")["items"]
        except ApiError:
            return 0
        heads = {(item["topic"], item["generation"], item["partition"]): item["head"] or 0 for item in items}
        return sum(head for (topic, *_), head in heads.items() if topic in (*DEVICE_TOPICS, QUARANTINE))


class Current:
    """Whether every domain has read the log to its end, but for the last few records."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def __call__(self) -> bool:
        try:
            items = self._api.get("/v1/lag")["items"]
        except ApiError:
            return False
        return bool(items) and all(item["lag"] is not None and item["lag"] < _FEW for item in items)


_FEW = 100


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set while the block runs."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def speed_of(text: str) -> pace.Speed:
    """The speed that an option says. Raises typer.BadParameter."""
    try:
        return pace.speed(text)
    except ValueError:
        raise typer.BadParameter("max, realtime or a number above 0", param_hint="--speed") from None


def bar(out: Console) -> Progress:
    """The progress bar of these commands."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=out
    )

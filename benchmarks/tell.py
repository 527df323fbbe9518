"""What a benchmark says while it runs, on stderr: stdout is for its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

OUT: Final = Console(stderr=True)


def say(text: str) -> None:
    """A line."""
    OUT.print(text, highlight=False)


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of `total`; what it gives is called with how much more is done. Where nobody watches, a line at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=OUT) as bar:
        task = bar.add_task(text, total=total)
        yield lambda done: bar.advance(task, done)

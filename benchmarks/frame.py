"""What benchmarks of one process have in common: their options, a server of their own, and how they print."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.embedded.postgres import EmbeddedPostgres


def options(doc: str | None, quick: str) -> argparse.ArgumentParser:
    """A parser with --json and --quick; `quick` says what that does."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line")
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


@contextmanager
def own_postgres(settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A running embedded PostgreSQL in a folder that goes with it; nothing is migrated."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", settings=dict(settings or {}))
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()


def show(found: Any, asked: argparse.Namespace) -> None:
    """Print the figures."""
    print(json.dumps(found, indent=None if asked.json else 2))

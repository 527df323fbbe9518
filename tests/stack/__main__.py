"""`python -m tests.stack [DAYS]`: run docker-compose.yml natively with the demo compound, then say what it takes. As root."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.stack.container import Container
from tests.stack.stack import Stack

_EVENTS = "SELECT count(*), pg_database_size(current_database()) FROM book.event"


def main(days: str) -> None:
    """Start all, wait until history of `days` is in, print the memory of each service and bytes an event, end all."""
    folder = Path(tempfile.mkdtemp(prefix="compound-stack-"))
    stack = Stack(folder, {"COMPOUND_HISTORY": days})
    try:
        stack.start()
        begun = time.monotonic()
        most: dict[str, int] = {}
        while not _live(stack.containers["simulators"]) or sum(stack.json("api", "status")["behind"].values()):
            for name, container in stack.containers.items():
                most[name] = max(most.get(name, 0), _pss(container.pid))
            time.sleep(1)
        print(f"{days} days of history in {time.monotonic() - begun:.0f} s; PSS at its highest:")
        for name, kilobytes in most.items():
            print(f"  {name:14} {kilobytes / 1024:6.0f} MB")
        psql = ("psql", "-U", "compound", "-d", "compound", "-At", "-F", " ", "-c", _EVENTS)
        events, size = map(int, stack.containers["timescaledb"].run(*psql).stdout.split())
        print(f"{events:,} events, {size:,} bytes of database: {size / events:.0f} bytes an event")
    finally:
        stack.stop()
        shutil.rmtree(folder)


def _live(simulators: Container) -> bool:
    said = simulators.run("cat", "/var/lib/compound/simulate.json").stdout
    return bool(said) and bool(json.loads(said)["live"])


def _pss(pid: int) -> int:
    """Kilobytes of a process and its children, what they share counted once; 0 when it has ended."""
    try:
        own = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    return (int(own[1]) if own else 0) + sum(_pss(int(child)) for child in children)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "5")

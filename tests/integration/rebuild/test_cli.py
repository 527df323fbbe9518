"""The command itself: a run that was killed goes on, --clean, --swap, --drop-old, and --with a file that nobody has applied."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from compound.registry.file import read
from compound.timeutil import HOUR, text
from ops.cli import command_line
from ops.cli_registry import apply_file
from processors.rebuild import swap
from processors.rebuild.build import Build, RebuildError, positions_of
from tests.properties.events import START, message
from tests.support.rebuild_rig import Compound, events, killed_half_way

pytestmark = pytest.mark.timeout(1800)

DAY = 24 * HOUR
MIDNIGHT = START - 12 * HOUR
"""A local one."""
Run = Callable[..., Result]


@pytest.fixture
def compound(database: str) -> Iterator[Compound]:
    with Compound(database, only=("registry", "energy", "parking")) as made:
        yield made


@pytest.fixture
def run(compound: Compound, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`compound rebuild ARGS` on the compound's database."""
    monkeypatch.setenv("COMPOUND_DATABASE_URL", compound.url)
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: CliRunner().invoke(command_line(), ["rebuild", "--data", str(tmp_path), *arguments])


def test_killed_half_way_gone_on_cleaned_swapped_and_dropped(compound: Compound, run: Run) -> None:
    compound.append(events(Random(11), 1500))
    compound.settle()
    compound.stop()
    killed_half_way(compound)
    started = compound.rows("SELECT started FROM runtime.rebuild")
    again = run("parking")
    assert (again.exit_code, "parking: no difference" in again.stdout) == (0, True)
    assert compound.rows("SELECT started FROM runtime.rebuild") == started
    assert "parking: a rebuild dropped." in run("parking", "--clean").stdout
    assert "parking: there is none." in run("parking", "--clean").stdout
    right = compound.rows("SELECT count(*) FROM parking.segment")
    compound.do("DELETE FROM parking.segment WHERE start = (SELECT min(start) FROM parking.segment)")
    found = run("parking")
    assert (found.exit_code, "no row" in found.stdout) == (1, True)
    swapped = run("parking", "--swap")
    assert (swapped.exit_code, "Swapped in" in swapped.stdout) == (0, True)
    assert compound.rows("SELECT count(*) FROM parking.segment") == right
    assert isinstance(run("parking", "--swap").exception, RebuildError)
    assert "parking: a rebuild dropped." in run("parking", "--clean").stdout
    assert "parking: tables out of use dropped." in run("parking", "--drop-old").stdout
    assert "parking: there is none." in run("parking", "--drop-old").stdout
    assert run("parking").exit_code == 0


@pytest.mark.parametrize("other", ["--swap", "--drop-old", "--clean"])
def test_one_thing_at_a_time(run: Run, ratio: Path, other: str) -> None:
    """Above all, what does not hold is never swapped in."""
    assert run("energy", "--with", str(ratio), other).exit_code == 2


@pytest.fixture
def ratio(tmp_path: Path) -> Path:
    """The transformer of m2 was changed on the third day, and nobody said so."""
    file = tmp_path / "ratio.yaml"
    file.write_text(
        f"from: {text(MIDNIGHT + 2 * DAY)}\n"
        "device: {m2: {kind: meter, site: s, rated_w: 10000, digits: 6, step: 100, point: p-sub, ct: '4'}}\n"
    )
    return file


def readings(compound: Compound) -> None:
    """Four days of two meters, an hour a reading, midnights among them."""
    compound.append(
        [
            message(
                "meter", "reading", meter, MIDNIGHT + hour * HOUR, {"boot": 1, "seq": hour, "import_wh": hour * 1000}
            )
            for hour in range(4 * 24 + 1)
            for meter in ("m1", "m2")
        ]
    )
    compound.settle()


FACTS = {
    "day": "SELECT s.subject, t.day::text, t.quantity, t.covered FROM {0}.day t JOIN {0}.series s ON s.id = t.series ORDER BY 1, 2",
    "quarter": "SELECT s.subject, t.start, t.quantity FROM {0}.quarter t JOIN {0}.series s ON s.id = t.series"
    " WHERE (t.quantity, t.covered) <> (0, 0) ORDER BY 1, 2",
}


def facts(compound: Compound, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """Totals in a schema."""
    return {name: compound.rows(query.format(schema)) for name, query in FACTS.items()}


def test_a_ratio_corrected_in_the_past_is_shown_before_it_is_published(
    compound: Compound, run: Run, ratio: Path
) -> None:
    """Exactly the meter and the days that it changes; nothing is appended and nothing stays; applied, it is what was shown."""
    readings(compound)
    before, ends = (
        facts(compound, "energy"),
        compound.rows("SELECT topic, next_offset FROM book.partition ORDER BY 1, 2"),
    )
    shown = run("energy", "parking", "--with", str(ratio), "--each", "1000", "--json")
    assert shown.exit_code == 1
    energy, parking = json.loads(shown.stdout)
    assert parking["differences"] == []
    days = {
        (one["subject"], example["key"]["day"]): (int(example["live"]["quantity"]), int(example["built"]["quantity"]))
        for one in energy["differences"]
        if one["table"] == "day"
        for example in one["examples"]
    }
    assert days == {("m2", "2026-09-23"): (48_000, 96_000), ("m2", "2026-09-24"): (48_000, 96_000)}
    assert {one["subject"] for one in energy["differences"]} == {"m2"}
    assert facts(compound, "energy") == before
    assert compound.rows("SELECT topic, next_offset FROM book.partition ORDER BY 1, 2") == ends
    assert compound.rows("SELECT FROM pg_namespace WHERE nspname LIKE '%\\_next'") == []
    assert "compound apply" in shown.stderr
    apply_file(ratio, compound.url, "", dry_run=False, out=Console(quiet=True))
    compound.settle()
    changed = {(row[0], row[1]): row[2] for row in facts(compound, "energy")["day"] if row not in before["day"]}
    assert changed == {of: built for of, (_, built) in days.items()}
    held = run("energy", "--with", str(ratio))
    assert (held.exit_code, "hold already" in held.stderr) == (0, True)


def test_what_was_built_with_a_file_is_the_live_tables_after_it_is_applied(compound: Compound, ratio: Path) -> None:
    """Row by row; and it is taken for nothing else: neither swapped in nor gone on with without the file."""
    readings(compound)
    with Build(compound.settings, "energy", read(ratio)) as build:
        targets = positions_of(build.connection, "energy")
        build.connection.rollback()
        build.run_to(targets)
        built = facts(compound, "energy_next")
        with pytest.raises(RebuildError, match="apply them instead"):
            swap.swap(compound.settings, build)
    with pytest.raises(RebuildError, match="another registry"):
        Build(compound.settings, "energy")
    with Build(compound.settings, "energy", read(ratio)) as build:
        assert build.positions == targets
    assert built != facts(compound, "energy")
    apply_file(ratio, compound.url, "", dry_run=False, out=Console(quiet=True))
    compound.settle()
    assert facts(compound, "energy") == built

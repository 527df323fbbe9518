"""Example 18 over the whole way: a real year of quarter hours by MQTT, exact to the watt-hour, whatever happens between."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import pytest

from tests.e2e.running import ROOT, Running

FILE = ROOT / "tests" / "data" / "meter-15min-2018.csv.gz"
SENT = ("--time-column", "interval_end", "--value-column", "active_kwh", "--as", "interval-end", "--unit", "kWh")
REGISTERED = ("--timezone", "Asia/Seoul", "--register-as", "meter", "--rated", "2000")


def _site(path: Path, zone: str) -> Path:
    file = path / "site.yaml"
    file.write_text(f"from: 2017-01-01\nsite: {{works: {{timezone: {zone}, latitude: 34.9, longitude: 127.7}}}}\n")
    return file


def _kwh(up: Running, month: str, until: str) -> str:
    rows = up.json("energy", "m-real", "--from", month, "--to", until, "--by", "month")
    return f"{sum(row['wh'] for row in rows if row['wh'] is not None) / 1000:.2f}"


def _plain(up: Running, file: Path) -> None:
    up.run("simulate", "csv", str(file), "--device", "m-real", *SENT, *REGISTERED)


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The file's rows in random order, in two halves that overlap: rows of both are sent twice."""
    folder = tmp_path_factory.mktemp("rows")
    with gzip.open(FILE, "rt") as source:
        header, *rows = list(csv.reader(source))
    random.Random(2018).shuffle(rows)
    halves = []
    for number, part in enumerate((rows[: len(rows) * 2 // 3], rows[len(rows) // 3 :])):
        path = folder / f"part{number}.csv"
        with path.open("w", newline="") as out:
            csv.writer(out).writerows([header, *part])
        halves.append(path)
    return halves


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Seoul", {"year": "959636.71", "january": "126238.29", "december": "59436.78", "before": "0.00"}),
        ("Asia/Shanghai", {"january": "126549.29", "before": "13.72"}),
    ],
)
def test_example_18_by_mqtt(tmp_path: Path, shuffled: list[Path], zone: str, expected: dict[str, str]) -> None:
    """Seoul: in order. Shanghai: shuffled, a third twice, in two runs with SIGKILL of ingest and of processors between."""
    with Running(tmp_path / "data", "--no-simulate", "--api-port", "0", "--mqtt-port", "0") as up:
        up.run("apply", str(_site(tmp_path, zone)))
        if zone == "Asia/Seoul":
            _plain(up, FILE)
        else:
            _plain(up, shuffled[0])
            up.kill("ingest")
            up.kill("processors --only energy")
            _plain(up, shuffled[1])
        up.settle()
        spans = {
            "year": ("2018-01-01", "2019-01-01"),
            "january": ("2018-01-01", "2018-02-01"),
            "december": ("2018-12-01", "2019-01-01"),
            "before": ("2017-12-01", "2018-01-01"),
        }
        assert {name: _kwh(up, *spans[name]) for name in expected} == expected

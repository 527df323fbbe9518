"""CSV sources: exact to the watt-hour, every row sent or named."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.schema import MeterReading
from simulators import clock
from simulators.csv_source import UNITS, CsvError, Rejected, Row, Source, body

REAL = Path(__file__).parents[2] / "data" / "meter-15min-2018.csv.gz"
NUMBERS = st.decimals(0, 10**6, allow_nan=False, places=3)


def _source(file: Path, **more: object) -> Source:
    fields: dict[str, object] = {"time_column": "t", "value_column": "v", "kind": "interval-end", "unit": "kWh", **more}
    return Source(file=file, **fields)  # type: ignore[arg-type]


def _file(folder: Path, *lines: str, header: str = "t,v") -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def _rows(source: Source, interval_s: int = 900) -> list[Row | Rejected]:
    source.check()
    return list(source.rows(interval_s))


def test_the_real_year_is_whole() -> None:
    source = Source(REAL, "interval_end", "active_kwh", "interval-end", "kWh", timezone="Asia/Seoul")
    assert source.interval() == 900
    rows = _rows(source)
    assert len(rows) == 35_040
    assert all(isinstance(row, Row) for row in rows)
    assert sum(row.value for row in rows if isinstance(row, Row)) == 959_636_710


@settings(max_examples=50)
@given(values=st.lists(NUMBERS, min_size=1, max_size=20), unit=st.sampled_from(["Wh", "kWh", "MWh", "l", "m3"]))
def test_sums_are_exact_and_nothing_is_dropped(
    tmp_path_factory: pytest.TempPathFactory, values: list[Decimal], unit: str
) -> None:
    lines = [f"2026-01-01T{n:02d}:15:00+08:00,{value}" for n, value in enumerate(values)]
    rows = _rows(_source(_file(tmp_path_factory.mktemp("csv"), *lines), unit=unit))
    factor = UNITS[unit][1]
    assert factor is not None
    assert [row.line for row in rows] == list(range(2, len(values) + 2))
    for value, row in zip(values, rows, strict=True):
        exact = value * factor
        if exact == exact.to_integral_value():
            assert isinstance(row, Row)
            assert row.value == exact
        else:
            assert isinstance(row, Rejected)
            assert "finer than 1" in row.reason


@given(st.decimals(0, 10**9, places=6), st.sampled_from([1, 60, 900, 3600]))
def test_power_becomes_energy_rounded_only_when_asked(
    tmp_path_factory: pytest.TempPathFactory, value: Decimal, length: int
) -> None:
    file = _file(tmp_path_factory.mktemp("csv"), f"2026-01-01T00:15:00Z,{value}")
    exact = value * 1000 * length / 3600
    (row,) = _rows(_source(file, kind="power", unit="kW", rounding="half-up"), length)
    assert isinstance(row, Row)
    assert abs(row.value - exact) <= Decimal("0.5")
    (plain,) = _rows(_source(file, kind="power", unit="kW"), length)
    assert isinstance(plain, Row) == (value * 1000 * length % 3600 == 0)


def test_joules_and_a_multiplier_are_exact(tmp_path: Path) -> None:
    file = _file(tmp_path, "2026-01-01T00:15:00Z,3.6", "2026-01-01T00:30:00Z,1")
    assert _rows(_source(file, unit="MJ", multiply=Decimal("0.5"))) == [
        Row(2, clock.micros(datetime.fromisoformat("2026-01-01T00:15:00Z")), 500),
        Rejected(3, "finer than 1 Wh: 1 (--rounding half-up rounds such values)"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-01-01T00:15:00Z,", "no value"),
        ("2026-01-01T00:15:00Z,NaN", "no number: 'NaN'"),
        ("2026-01-01T00:15:00Z,1e40", "out of range: 1e40"),
        ("2026-01-01T00:15:00Z,1e-40", "out of range: 1e-40"),
        ("2026-01-01T00:15:00Z,9e18", "out of range: 9e18"),
        ("2026-01-01T00:15:00Z,-1", "negative: -1"),
        ("2026-01-01T00:15:00Z,x", "no number: 'x'"),
        ("yesterday,1", "no time: 'yesterday'"),
        ("2026-01-01T00:15:00,1", "time without offset: '2026-01-01T00:15:00' (say --timezone)"),
        ("2026-01-01T00:15:00Z,1,2", "3 columns, the header has 2"),
        ("   ", "blank line"),
    ],
)
def test_a_row_that_cannot_be_sent_is_named(tmp_path: Path, line: str, reason: str) -> None:
    file = _file(tmp_path, "2026-01-01T00:00:00Z,1", line, "2026-01-01T00:30:00Z,2")
    first, odd, last = _rows(_source(file))
    assert isinstance(first, Row)
    assert isinstance(last, Row)
    assert odd == Rejected(3, reason)


@pytest.mark.parametrize(("text", "word"), [("2026-03-29T02:30:00", "is not"), ("2026-10-25T02:30:00", "is twice")])
def test_daylight_saving_is_not_guessed(tmp_path: Path, text: str, word: str) -> None:
    (row,) = _rows(_source(_file(tmp_path, f"{text},1"), timezone="Europe/Berlin"))
    assert isinstance(row, Rejected)
    assert word in row.reason


def test_a_start_is_an_end_one_interval_later(tmp_path: Path) -> None:
    file = _file(tmp_path, "2026-01-01T00:00:00,1", "2026-01-01T00:30:00,1", "2026-01-01T01:00:00,1")
    end, start = (_source(file, kind=kind, timezone="Asia/Seoul") for kind in ("interval-end", "interval-start"))
    assert start.interval() == 1800
    assert [b.time - a.time for a, b in zip(_rows(end, 1800), _rows(start, 1800), strict=True)] == [1_800_000_000] * 3  # type: ignore[union-attr]


def test_times_in_other_shapes(tmp_path: Path) -> None:
    epoch = _rows(_source(_file(tmp_path, "1767225600.5,1"), time_format="epoch"))
    assert epoch == [Row(2, 1_767_225_600_500_000, 1000)]
    shape = _rows(_source(_file(tmp_path, "01/02/2026 00:00,1"), time_format="%d/%m/%Y %H:%M", timezone="UTC"))
    assert shape == [Row(2, clock.midnight(date(2026, 2, 1), "UTC"), 1000)]


def test_plain_zipped_and_marked_files_read_the_same(tmp_path: Path) -> None:
    text = "\ufefft;v\n2026-01-01T00:00:00Z;1.5\n"
    plain, zipped = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    plain.write_text(text, encoding="utf-8")
    with gzip.open(zipped, "wt", encoding="utf-8") as out:
        out.write(text)
    assert _rows(_source(plain, delimiter=";")) == _rows(_source(zipped, delimiter=";"))


def test_what_can_not_be_used_is_said_in_a_sentence(tmp_path: Path) -> None:
    file = _file(tmp_path, "2026-01-01T00:00:00Z,1")
    for source, words in (
        (_source(file, unit="bushel"), "unit 'bushel' is not known"),
        (_source(file, unit="kW"), "--as interval-end does not go with the unit kW"),
        (_source(file, timezone="Mars/Olympus"), "there is no time zone 'Mars/Olympus'"),
        (_source(file, value_column="w"), "has no column 't' or 'w'; it has t, v"),
        (_source(tmp_path / "none.csv"), "can't be read"),
    ):
        with pytest.raises(CsvError, match=words):
            _rows(source)
    with pytest.raises(CsvError, match="say it by --interval"):
        _source(file).interval()


def test_the_same_row_is_the_same_contract_message(tmp_path: Path) -> None:
    source = _source(_file(tmp_path, "2026-01-01T08:15:00+08:00,1.5"))
    (row,) = source.rows(900)
    assert isinstance(row, Row)
    text = body(source, row, 900)
    assert text == body(source, row, 900)
    found = msgspec.json.decode(text, type=MeterReading)
    assert (found.boot, found.seq, found.interval_s, found.interval_wh) == (1, 2, 900, 1500)
    assert found.fault() is None
    water = _source(tmp_path / "rows.csv", kind="register", unit="m3")
    assert msgspec.json.decode(body(water, row, 900), type=MeterReading).volume_l == 1500


@pytest.mark.parametrize(
    ("text", "time_format"),
    [("1e20", "epoch"), ("-1e14", "epoch"), ("0001-01-01T00:00:00+14:00", None), ("9999-12-31T23:59:59", None)],
)
def test_a_time_outside_of_the_calendar_is_rejected_not_fatal(
    tmp_path: Path, text: str, time_format: str | None
) -> None:
    source = _source(
        _file(tmp_path, f"{text},1"), kind="interval-start", time_format=time_format, timezone="Asia/Seoul"
    )
    assert _rows(source) == [Rejected(2, f"no time: {text!r}")]

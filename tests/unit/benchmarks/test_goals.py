"""What is said of the goals: from figures as the benchmarks print them."""

import json

import pytest

from benchmarks import rebuild, report
from benchmarks.house import Figures
from benchmarks.way import Way

MACHINE = {"date": "today", "commit": "abc", "CPU": "one"}


def found(command: str, figures: object) -> report.Found:
    return report.Found(f"python -m {command}", MACHINE, 0.1, json.dumps(figures))


def figures(rate: float, p99: float) -> dict[str, object]:
    return {
        "readings": 1000, "rate": rate, "settled_s": 0.2, "behind_s": 0.0, "cpu": {"PostgreSQL": 40.0}, "postgres": {"log": 9.0},
        "generator_cpu": 2.0, "p50_ms": 12.0, "p99_ms": p99,
    }  # fmt: skip


def way(rate: float, p99: float) -> dict[str, object]:
    runs = {name: figures(rate, p99) for name in ("top", "held", "half", "tenth", "third")}
    return {"log": "Kafka, TimescaleDB", "each": 1, "meters": 1000, "domains": ["energy"], **runs}


def phase(to: int, rate: float) -> dict[str, float]:
    return {"to": to, "per_s": rate, "cpu_us": 20.0, "server_us": 10.0}


REBUILT = {
    "readings": 5_000_000, "meters": 1000, "live": phase(1_000_000, 20_000), "phases": [phase(1_000_000, 40_000), phase(5_000_000, 20_000)],
    "rows": 3_000_000, "compare_s": 9.0, "ratio": 2.0, "hours for 35 million": 0.49,
}  # fmt: skip


@pytest.mark.parametrize(("rate", "said"), [(10_000.0, "reached"), (9_999.0, "**missed**")])
def test_a_rate_reaches_its_goal_or_misses_it(rate, said):
    text = report.render({"way-timescale": found("benchmarks.way", [way(rate, 1500.0)])})
    assert f"| Kafka, TimescaleDB, 1 a message: 10,000 readings/s held | {rate:,.0f}/s | {said} |" in text
    assert "p99 < 1 s at a third of the top | 1500 ms" in text


def test_a_rebuild_says_its_ratio_and_that_hours_are_extrapolated():
    text = report.render({"rebuild": found("benchmarks.rebuild", REBUILT)})
    assert "| rebuild ≥ 10 × the live rate | 2.0 ×" in text
    assert "| 35 million readings rebuilt within an hour | 0.49 h, extrapolated from 5,000,000 | reached |" in text
    assert "| rebuild, from 1,000,000 to 5,000,000 | 20,000/s" in text


def test_what_was_not_run_is_extrapolated_at_the_last_rate():
    phases = [phase(1_000_000, 1000.0), phase(5_000_000, 2000.0)]
    assert rebuild.extrapolated(phases) == pytest.approx((1000 + 2000 + 15_000) / 3600)
    assert list(rebuild.phases(5_000_000, 1_000_000)) == [
        (0, 1_000_000),
        (1_000_000, 2_000_000),
        (2_000_000, 5_000_000),
    ]
    assert list(rebuild.phases(60_000, 20_000)) == [(0, 20_000), (20_000, 60_000)]


def test_devices_are_within_the_range_or_not():
    cases = [
        {"devices": count, "domain": "energy", "batch": 1000, "events": 5, "us": used, "cpu_us": used, "server_us": 0.0}
        for count, used in ((1000, 20.0), (10_000, 30.0))
    ]
    text = report.render({"devices": found("benchmarks.devices", cases)})
    assert "| CPU an event within ± 20 %: energy, 1,000 a batch | ± 20% | reached |" in text
    cases[1]["us"] = 40.0
    text = report.render({"devices": found("benchmarks.devices", cases)})
    assert "| ± 33% | **missed** |" in text


def test_one_part_leaves_the_sections_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "benchmarks.md")
    report.write({"rebuild": found("benchmarks.rebuild", REBUILT)})
    report.write({"way-timescale": found("benchmarks.way", [way(12_000.0, 500.0)])})
    text = report.DOCUMENT.read_text()
    assert text.count("## A rebuild of the energy domain") == 1
    assert text.count("## From MQTT to committed tables") == 1
    assert text.count("| `python -m benchmarks.rebuild` |") == 1
    assert text.count("| `python -m benchmarks.way` |") == 1
    report.write({"way-timescale": found("benchmarks.way", [way(12_000.0, 500.0)])})
    assert report.DOCUMENT.read_text() == text


def test_figures_of_before_the_third_was_measured_can_still_be_read():
    old = way(12_000.0, 500.0)
    del old["third"]
    (read,) = report.json_of(found("benchmarks.way", [old]), list[Way])
    assert read.third is None
    assert isinstance(read.top, Figures)

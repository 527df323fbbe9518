"""The demo compound: of the promised size, and as the registry reads it."""

from __future__ import annotations

from collections import Counter

import msgspec
import yaml

from compound.registry.file import read
from compound.registry.model import KINDS
from simulators.demo.meters import BY_KEY, CHILDREN, METERS
from simulators.demo.places import MONTH_WEIGHTS
from simulators.demo.registry import FILE, compound, dump


def test_the_committed_file_is_what_the_tables_say() -> None:
    assert FILE.read_text(encoding="utf-8") == dump(compound())


def test_every_item_is_one_of_the_registry() -> None:
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for kind, items in document.items():
        for item in items.values() if isinstance(items, dict) else ():
            msgspec.convert(item, KINDS[kind])
    assert len(read(FILE)) == sum(len(items) for items in document.values() if isinstance(items, dict))


def test_the_compound_is_of_a_believable_size() -> None:
    kinds = Counter(item["kind"] for item in compound()["device"].values())
    assert kinds == {"meter": 60, "inverter": 8, "weather": 1, "gate": 12, "locker": 4, "parking": 300}
    cells = [point["cells"] for point in compound()["point"].values() if point["type"] == "locker"]
    assert [len(bank) for bank in cells] == [48] * 4
    assert len(compound()["building"]) == 5
    assert len(compound()["department"]) == 8


def test_every_meter_has_a_load_or_children_and_hangs_in_the_tree() -> None:
    for meter in METERS:
        assert meter.use or CHILDREN[meter.key], meter.key
        assert meter.parent is None or BY_KEY[meter.parent].medium == meter.medium
        assert meter.rated > 0


def test_months_share_a_budget_wholly() -> None:
    assert sum(round(float(weight) * 100) for weight in MONTH_WEIGHTS) == 100

"""verify compares only what the platform has taken in whole, and says so where it has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from ops.verify import compare
from ops.verify.compare import Behind, settle
from ops.verify.truth import TruthReader

SENT = 10


class Truth:
    """So many objects were acknowledged."""

    def sent(self) -> int:
        return SENT


class Platform:
    """Answers of one look after the other: (log's end, read by energy, domains that derive again)."""

    def __init__(self, *looks: tuple[int, int, dict[str, int]]) -> None:
        self._looks = list(looks)
        self.asked = 0

    def get(self, path: str, **params: Any) -> Any:
        head, read, stale = self._looks[min(self.asked, len(self._looks) - 1)]
        if path == "/v1/status":
            self.asked += 1
            return {"stale": stale}
        if read < head:
            self.asked += 1
        place = {"topic": "meter", "generation": 1, "partition": 0}
        return {
            "records": {"meter": head, "history": 7},
            "items": [{**place, "domain": "energy", "head": head, "next_offset": read}],
        }

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "_LOOK_S", 0.0)


def test_it_waits_for_the_log_the_domains_and_what_is_derived_again() -> None:
    platform = Platform((4, 2, {}), (SENT, 4, {}), (SENT, SENT, {"energy": 3}), (SENT, SENT, {}))
    settle(platform, cast(TruthReader, Truth()), 60.0)
    assert platform.asked == 4


@pytest.mark.parametrize(
    ("look", "says"),
    [
        ((4, 2, {}), "10 objects were acknowledged to devices, the log holds 4"),
        ((SENT, 4, {}), "did not read the log to its end"),
        ((SENT, SENT, {"energy": 1}), "did not read the log to its end"),
    ],
)
def test_what_is_missing_is_said(look: tuple[int, int, dict[str, int]], says: str) -> None:
    with pytest.raises(Behind, match=says):
        settle(Platform(look), cast(TruthReader, Truth()), 0.05)

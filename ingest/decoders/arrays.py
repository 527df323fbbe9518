"""One JSON value or an array of them, each element judged on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from compound.keys import KeyLost
from ingest.decoders.base import Malformed, Observed, why

MOST_BAD: Final = 32
"""So many bad elements of one payload are told one by one; if there are more, it goes to quarantine as a whole too."""

Judge = Callable[[bytes, int], Observed | Malformed]
"""One element as it stands in the payload, and the latest time it may carry, to what it says; may raise."""

_SPACE = b" \t\r\n"
_array = msgspec.json.Decoder(list[msgspec.Raw])


def each(payload: bytes, latest: int, judge: Judge) -> Iterable[Observed | Malformed]:
    """What is in `payload`: one object or an array; the good elements, and the bad ones with index and reason."""
    payload = payload.strip(_SPACE)
    if payload[:1] != b"[":
        return (_one(payload, latest, judge),) if payload else (Malformed("empty payload"),)
    try:
        found = _array.decode(payload)
    except Exception as error:  # noqa: BLE001 - whatever a payload does, the next one must be read (P5)
        return (why(error),)
    if not found:
        return (Malformed("empty payload"),)
    return several([bytes(element) for element in found], latest, judge)


def several(
    elements: Sequence[bytes], latest: int, judge: Judge, alone: Callable[[bytes], bytes] = bytes
) -> list[Observed | Malformed]:
    """Every one of `elements`, judged on its own. `alone` makes an element a payload that can be retried.

    Where very many are bad there is one Malformed, of the whole payload, for all of them.
    """
    judged = [_one(element, latest, judge) for element in elements]
    bad = [item for item in judged if isinstance(item, Malformed)]
    if len(bad) > MOST_BAD:
        whole = Malformed(bad[0].reason, f"{len(bad)} of {len(judged)} elements are bad")
        return [*(item for item in judged if isinstance(item, Observed)), whole]
    if not bad:
        return judged
    return [
        item._replace(at=index, payload=alone(elements[index])) if isinstance(item, Malformed) else item
        for index, item in enumerate(judged)
    ]


def _one(element: bytes, latest: int, judge: Judge) -> Observed | Malformed:
    try:
        return judge(element, latest)
    except (OSError, KeyLost):
        raise  # it is the key folder that is wrong, not the payload
    except Exception as error:  # noqa: BLE001 - as above; the reason names the error's type
        return why(error)

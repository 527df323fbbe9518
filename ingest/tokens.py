"""Tokens: what stands in the log instead of a card number, a plate or a phone number."""

from __future__ import annotations

import hmac

from compound.keys import Keys, Months


class Tokens:
    """`tok:{category}:{YYYY-MM}:{hex}`: HMAC-SHA-256 (128 bits kept) under the key of the category and of the month
    of the event's own time. The same number has the same token within a month and category, and nothing links two.
    """

    def __init__(self, keys: Keys, months: Months) -> None:
        self._keys = keys
        self._months = months

    def token(self, category: str, value: str, time: int) -> str:
        """The token of `value` in an event of `time` (microseconds UTC). Raises OSError when a key can't be kept."""
        month = self._months.of(time)
        digest = hmac.digest(self._keys.get(category, month), value.encode(), "sha256")
        return f"tok:{category}:{month}:{digest[:16].hex()}"

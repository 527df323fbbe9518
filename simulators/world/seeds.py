"""One random generator a purpose and day, so that a change in one model leaves the others' figures alone."""

from __future__ import annotations

import hashlib
from datetime import date

import numpy as np


def generator(seed: int, purpose: str, day: date | None = None) -> np.random.Generator:
    """The generator of `purpose` on `day` (None: for all time)."""
    text = f"{seed}/{purpose}/{day or ''}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big"))

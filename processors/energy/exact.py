"""Integer arithmetic on arrays that is exact whatever the size of the product."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

_SAFE = float(2**62)


def muldiv(a: Ints, b: Ints, c: Ints) -> Ints:
    """floor(a * b / c) of each element; c > 0. The rare products beyond 64 bits are computed with Python's integers.

    Raises OverflowError when a result itself does not fit 64 bits.
    """
    large = np.abs(a.astype(np.float64) * b) >= _SAFE
    if not large.any():
        quotient: Ints = a * b // c
        return quotient
    a, b, c, large = np.broadcast_arrays(a, b, c, large)
    result = np.empty(large.shape, np.int64)
    small = ~large
    result[small] = a[small] * b[small] // c[small]
    result[large] = [int(x) * int(y) // int(z) for x, y, z in zip(a[large], b[large], c[large], strict=True)]
    return result


def previous(values: Ints, first: Bools, start: int) -> Ints:
    """Each element's left neighbour, `start` where a group begins (`first`)."""
    shifted = np.empty_like(values)
    shifted[1:] = values[:-1]
    shifted[first] = start
    return shifted


def totals(keys: tuple[Ints, ...], values: tuple[Ints, ...]) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """Sums of each of `values` over equal `keys`; the keys come back distinct and in order."""
    if not len(keys[0]):
        return keys, values
    order = np.lexsort(keys[::-1])
    ordered = [key[order] for key in keys]
    new = np.ones(len(order), np.bool_)
    new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in ordered])
    starts = np.flatnonzero(new)
    return tuple(key[starts] for key in ordered), tuple(np.add.reduceat(value[order], starts) for value in values)

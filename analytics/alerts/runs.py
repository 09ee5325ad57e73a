"""Equal neighbours taken together, so that nothing loops over samples."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def runs(codes: NDArray[np.uint8]) -> Iterator[tuple[int, int, int]]:
    """Cut an array, shape (n,), into runs of one value: (value, start, stop)."""
    if not codes.size:
        return
    edges = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), codes.size]
    for start, stop in itertools.pairwise(edges):
        yield int(codes[start]), start, stop

"""Rows that were generated against rows that were stored, one to one. Arrays in, counts out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 50
"""Rows that must agree for a waveform to be found again after a hole: a second, which noise does not repeat. Rows
between two holes that lie closer count as missing and as left over: the account errs to the strict side."""

_BLOCK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Rows:
    """A column of values with their times.

    Attributes
    ----------
    t_ms : array of float64, shape (n,)
        UTC, rising.
    values : array of int64, shape (n,)
        What a row must have to be the same.
    """

    t_ms: NDArray[np.float64]
    values: NDArray[np.int64]


def count_aligned(expected: Rows, kept: Rows, tolerance_ms: float, due_ms: float) -> tuple[int, int, int]:
    """Lay a dense waveform beside what was kept of it.

    Parameters
    ----------
    tolerance_ms : float
        The same value further apart in time is not the same row.
    due_ms : float
        Expected rows after this time may be missing.

    Returns
    -------
    Expected rows that were found, and those that are due and were not; kept rows that nothing was found for.
    """
    found = missing = left = 0
    i, j, n, m = 0, 0, expected.values.size, kept.values.size
    while i < n and j < m:
        run = _run(expected, kept, i, j, tolerance_ms)
        found += run
        i += run
        j += run
        if i == n or j == m:
            break
        hole = _hole(expected, kept, i, j, tolerance_ms)
        if hole is None:
            left += 1
            j += 1
            continue
        missing += int((expected.t_ms[i : i + hole] <= due_ms).sum())
        i += hole
    missing += int((expected.t_ms[i:] <= due_ms).sum())
    return found, missing, left + m - j


def _run(expected: Rows, kept: Rows, i: int, j: int, tolerance_ms: float) -> int:
    """How many rows agree from `i` and `j` on."""
    length = 0
    while True:
        size = min(_BLOCK, expected.values.size - i - length, kept.values.size - j - length)
        if size == 0:
            return length
        at, by = slice(i + length, i + length + size), slice(j + length, j + length + size)
        differ = (expected.values[at] != kept.values[by]) | (np.abs(expected.t_ms[at] - kept.t_ms[by]) > tolerance_ms)
        if differ.any():
            return length + int(differ.argmax())
        length += size


def _hole(expected: Rows, kept: Rows, i: int, j: int, tolerance_ms: float) -> int | None:
    """How many expected rows from `i` on are missing before the kept ones from `j` on; None: those are strangers."""
    window = kept.values[j : j + WINDOW]
    first, last = np.searchsorted(expected.t_ms, [kept.t_ms[j] - tolerance_ms, kept.t_ms[j] + tolerance_ms], "left")
    for at in range(max(i, int(first)), int(last) + 1):
        if np.array_equal(expected.values[at : at + window.size], window):
            return at - i
    return None


def count_sparse(expected: Rows, kept: Rows, tolerance_ms: float, slack: int, due_ms: float) -> tuple[int, int, int]:
    """Match rows minutes apart: values within `slack`, times within the tolerance, each once. Returns as above."""
    found = missing = j = 0
    for i in range(expected.values.size):
        while j < kept.values.size and kept.t_ms[j] < expected.t_ms[i] - tolerance_ms:
            j += 1
        at = j
        while at < kept.values.size and kept.t_ms[at] <= expected.t_ms[i] + tolerance_ms:
            if abs(int(kept.values[at]) - int(expected.values[i])) <= slack:
                break
            at += 1
        else:
            missing += bool(expected.t_ms[i] <= due_ms)
            continue
        found += 1
        j = at + 1
    return found, missing, kept.values.size - found

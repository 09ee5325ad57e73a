"""Fewer samples with the same look: every bucket of time keeps the extremes of every column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.wire.messages import Array


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Which samples to show.

    Attributes
    ----------
    index : array of int64, shape (m,)
        Places of the chosen samples, rising.
    bucket_ms : float
        Width of a bucket; 0 if every sample was chosen. Two chosen samples further apart than twice this (and than the
        sampling interval) have a gap between them.
    """

    index: NDArray[np.int64]
    bucket_ms: float


def choose(t_ms: NDArray[np.int64], columns: Sequence[Array], points: int) -> Choice:
    """Choose at most `points` samples that keep every bucket's minimum and maximum of each column.

    Real samples at their real times are chosen, never means: a nadir of one second stays visible in a night of eight
    hours, and its depth is the true one. An empty bucket (no contact) stays empty; of one without any valid value the
    first sample is kept, so that the gap shows.

    Parameters
    ----------
    t_ms : array of int64, shape (n,)
        Rising.
    columns : sequence of array, shape (n,) each
        Columns whose extremes count; NaN is no value. At least one.
    points : int
        At least ``2 * len(columns)``.

    Raises
    ------
    ValueError
        If `points` is too small or there is no column.
    """
    if not columns or points < 2 * len(columns):
        raise ValueError(f"{points} points cannot show the extremes of {len(columns)} columns")
    size = t_ms.size
    if size <= points:
        return Choice(np.arange(size, dtype=np.int64), 0.0)
    buckets = points // (2 * len(columns))
    span = int(t_ms[-1] - t_ms[0]) + 1
    # The bucket of a sample is floor((t - first) * buckets / span): where each begins takes no division for all.
    edges = t_ms[0] - (-np.arange(buckets, dtype=np.int64) * span // buckets)
    first = np.searchsorted(t_ms, edges)
    starts = first[np.append(first[1:] > first[:-1], first[-1] < size)]
    owner = np.repeat(np.arange(starts.size), np.diff(np.append(starts, size)))
    chosen = np.zeros(size, np.bool_)
    for column in columns:
        for extreme in (np.fmin, np.fmax):
            chosen[_first_equal(column, extreme.reduceat(column, starts), starts, owner)] = True
    return Choice(np.flatnonzero(chosen), span / buckets)


def _first_equal(
    column: Array, wanted: Array, starts: NDArray[np.int64], owner: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each bucket the place of the first sample that has its wanted value; the bucket's first if that is NaN."""
    found = starts.copy()
    hits = np.flatnonzero(column == wanted[owner])[::-1]
    found[owner[hits]] = hits  # of several in a bucket the last one written stays, which is the first in time
    return found

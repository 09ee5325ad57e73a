"""Nights from which on an index is another: at known steps of treatment, and elsewhere.

At a step its nights until the step before and after it are compared by ranks (Mann and Whitney). Between the steps an
unknown change is looked for where the ranks of both sides differ most (Pettitt, Appl. Stat. 28:126, 1979), and, once
found, in either part again. Sizes are ratios: nights differ by factors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.nights.model import POPULATIONS
from analytics.nights.ranks import mann_whitney_p, shift
from analytics.nights.records import PatientNight, TreatmentStep
from analytics.nights.summary import counting

Floats = NDArray[np.float64]
Cause = Literal["treatment_step", "unknown"]

LEAST_EACH: Final = 5
"""Nights on either side."""
STEP_P: Final = 0.05
UNKNOWN_P: Final = 0.01
"""Stricter: nobody named the night beforehand."""


class Change(msgspec.Struct, frozen=True):
    """A change of an index, or a known step without one.

    Attributes
    ----------
    night
        The first night after it: a step's own, or the likeliest.
    cause, advancement_mm
        Whether a step of treatment is known there, and its setting.
    nights_before, nights_after, median_before, median_after
        What is compared.
    ratio, low, high
        After over before (Hodges and Lehmann, on the scale of `model`) with its 95 % interval.
    p
        Of no change.
    changed
        `p` below `STEP_P` or, at an unknown one, `UNKNOWN_P`.
    """

    index: str
    night: date
    cause: Cause
    advancement_mm: float | None
    nights_before: int
    nights_after: int
    median_before: float
    median_after: float
    ratio: float
    low: float
    high: float
    p: float
    changed: bool


def changes(index: str, nights: Sequence[PatientNight], steps: Sequence[TreatmentStep]) -> tuple[Change, ...]:
    """All changes of an index, in order of time.

    Parameters
    ----------
    index
        One of `POPULATIONS`.
    nights
        In any order.
    steps
        Known steps of treatment, each date once; one with fewer than `LEAST_EACH` nights on a side says nothing yet.

    Raises
    ------
    ValueError
        For an unknown index.
    """
    if index not in POPULATIONS:
        raise ValueError(f"no model for index {index!r}: one of {', '.join(POPULATIONS)}")
    used = sorted(counting(nights, index), key=lambda night: night.night)
    dates = [night.night for night in used]
    values = np.array([night.index(index) for night in used])
    cuts = [(bisect_left(dates, step.night), step) for step in sorted(steps, key=lambda step: step.night)]
    edges = [0, *(at for at, _ in cuts), len(used)]
    found = []
    for i, (at, step) in enumerate(cuts):
        first, after = edges[i], edges[i + 2]
        if min(at - first, after - at) >= LEAST_EACH:
            p = mann_whitney_p(values[first:at], values[at:after])
            found.append(_change(index, dates, values, (first, at, after), p, step))
    for first, after in pairwise(edges):
        places = _unknown(values, first, after)
        bounds = [first, *(at for at, _ in places), after]
        found += [_change(index, dates, values, (bounds[i], at, bounds[i + 2]), p) for i, (at, p) in enumerate(places)]
    return tuple(sorted(found, key=lambda change: (change.night, change.cause)))


def _change(
    index: str,
    dates: Sequence[date],
    values: Floats,
    bounds: tuple[int, int, int],
    p: float,
    step: TreatmentStep | None = None,
) -> Change:
    """What differs between nights [first, at) and [at, after)."""
    first, at, after = bounds
    scaled = POPULATIONS[index].scaled(values)
    size, low, high = np.exp(shift(scaled[first:at], scaled[at:after])).tolist()
    return Change(
        index=index,
        night=step.night if step else dates[at],
        cause="treatment_step" if step else "unknown",
        advancement_mm=step.advancement_mm if step else None,
        nights_before=at - first,
        nights_after=after - at,
        median_before=float(np.median(values[first:at])),
        median_after=float(np.median(values[at:after])),
        ratio=size,
        low=low,
        high=high,
        p=p,
        changed=p < (STEP_P if step else UNKNOWN_P),
    )


def _unknown(values: Floats, first: int, after: int) -> list[tuple[int, float]]:
    """Where unknown changes lie in [first, after), in order, with the p of each."""
    if after - first < 2 * LEAST_EACH:
        return []
    at, p = _pettitt(values[first:after])
    if p >= UNKNOWN_P:
        return []
    at += first
    return [*_unknown(values, first, at), (at, p), *_unknown(values, at, after)]


def _pettitt(values: Floats) -> tuple[int, float]:
    """Likeliest first index of the later part, with `LEAST_EACH` on either side, and p of no change; shape (n,)."""
    n = values.size
    signs = np.sign(values[:, None] - values[None, :])
    # Over all pairs of an earlier and a later night: what lies across the cut.
    across = np.abs(np.cumsum(signs.sum(axis=1)))[:-1]
    inner = across[LEAST_EACH - 1 : n - LEAST_EACH]
    at = int(np.argmax(inner)) + LEAST_EACH
    largest = float(inner.max())
    return at, float(min(2.0 * np.exp(-6.0 * largest**2 / (n**3 + n**2)), 1.0))

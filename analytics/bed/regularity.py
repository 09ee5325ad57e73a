"""When somebody goes to bed and gets up, over weeks: how regular it is, and whether it has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RECENT: Final = 14
"""Nights that are compared with those before: two weeks, so that it is no holiday's weekend."""
USUAL: Final = 28
"""Nights before them that make what is usual, at most; a habit of last year is none."""
FEWEST: Final = 7
"""Nights on either side, at least, with a record."""
SHIFTED_MIN: Final = 90.0
"""Shift worth showing: bedtimes later by 1.5 h for weeks."""
_DAY_MIN: Final = 1440.0


@dataclass(frozen=True, slots=True)
class Regularity:
    """Of one clock time (bedtime or rise) over nights.

    Attributes
    ----------
    nights : int
        Nights with a record.
    usual_min : float or None
        Median of the nights before the recent ones, minutes after noon, 0 .. 1440; None with fewer than `FEWEST`.
    recent_min : float or None
        Median of the recent nights.
    spread_min : float or None
        Median absolute deviation over all nights, times 1.4826 (the SD of a normal spread); None below two nights.
    shift_min : float or None
        Recent less usual, later being positive.
    shifted : bool
        The shift is at least `SHIFTED_MIN`, and larger than the spread of what was usual.
    """

    nights: int
    usual_min: float | None
    recent_min: float | None
    spread_min: float | None
    shift_min: float | None
    shifted: bool


def regularity(minutes_after_noon: Sequence[float | None]) -> Regularity:
    """Judge the regularity of a clock time.

    Parameters
    ----------
    minutes_after_noon : sequence of float or None
        One value a night in order of date, the last being the latest: local minutes after the noon at which the night
        began (so that midnight is 720); None for a night without a record.

    Raises
    ------
    ValueError
        For a time outside of 0 .. 1500 (a night of 25 hours).
    """
    times = np.array([np.nan if time is None else time for time in minutes_after_noon], dtype=np.float64)
    if ((times < 0) | (times > _DAY_MIN + 60.0)).any():
        raise ValueError("times of a night are minutes after its noon, 0 to 1500")
    recent, before = _known(times[-RECENT:]), _known(times[-RECENT - USUAL : -RECENT])
    known = _known(times)
    usual_min = float(np.median(before)) if before.size >= FEWEST else None
    recent_min = float(np.median(recent)) if recent.size >= FEWEST else None
    shift_min = None if usual_min is None or recent_min is None else recent_min - usual_min
    return Regularity(
        nights=known.size,
        usual_min=usual_min,
        recent_min=recent_min,
        spread_min=_spread(known) if known.size >= 2 else None,
        shift_min=shift_min,
        shifted=shift_min is not None and abs(shift_min) >= max(SHIFTED_MIN, _spread(before)),
    )


def _known(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return times[~np.isnan(times)]


def _spread(times: NDArray[np.float64]) -> float:
    return 1.4826 * float(np.median(np.abs(times - np.median(times))))

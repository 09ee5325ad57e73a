"""Beat-to-beat interval around each tick, from how the envelope repeats itself.

For every lag the stretch before the tick is compared with the stretch of the same length after it (normalised
correlation of the envelope): a window that is just one interval long on each side needs only three beats and follows
sinus arrhythmia beat by beat (Bruser, Winter, Leonhardt 2013, IEEE J Biomed Health Inform 17: local interval
estimation). Two intervals repeat as well as one, which is how readings of half the rate come about; so the shortest lag
counts whose peak reaches `FIRST` of the best.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.bed.ticks import ENVELOPE_HZ, ENVELOPE_RING, ENVELOPES, FLAT_LAG, RING, ring

SHORTEST: Final = 8
LONGEST: Final = 55
"""Lags looked at, at 25 Hz: 0.32 to 2.2 s, 187 to 27 bpm."""
REACH: Final = 12
"""Ticks on each side that a lag may need."""
INTERVAL_LAG: Final = FLAT_LAG + REACH
FIRST: Final = 0.8
_LAGS: Final = LONGEST - SHORTEST + 3

HEART_DTYPE: Final = np.dtype(
    [("interval_s", "<f4", (RING,)), ("quality", "<f4", (RING,)), ("usual", "<f8")], align=True
)
"""Rings by tick: interval between beats in s, and the correlation it was found with; 0 where there is none. `usual`:
running mean of the epochs' rates, a minute; 0 before the first."""


@njit(cache=True)
def heart_tick(state: Any, ticks: Any, presence: Any, tick: int) -> None:
    """Find the interval around tick `tick - INTERVAL_LAG`."""
    centre = tick - INTERVAL_LAG
    at = ring(centre)
    state.interval_s[at] = 0.0
    state.quality[at] = 0.0
    if not presence.in_bed[at]:
        return
    for near in range(centre - REACH, centre + REACH + 1):
        place = ring(near)
        if not ticks.clean[place] or presence.moving[place]:
            return
    window = np.empty(2 * (LONGEST + 1), np.float64)
    middle = centre * ENVELOPES
    for i in range(window.shape[0]):
        window[i] = ticks.flat[(middle - LONGEST - 1 + i) & (ENVELOPE_RING - 1)]
    lag, quality = _interval(window)
    if lag > 0.0:
        state.interval_s[at] = lag / ENVELOPE_HZ
        state.quality[at] = quality


@njit(cache=True)
def _interval(window: Any) -> tuple[float, float]:
    """Lag in samples (0: none) and its correlation; `window` reaches `LONGEST` + 1 to either side of its middle."""
    middle = LONGEST + 1
    score = np.empty(_LAGS, np.float64)
    before = 0.0
    after = 0.0
    for i in range(SHORTEST - 2):
        before += window[middle - 1 - i] ** 2
        after += window[middle + i] ** 2
    best = 0.0
    for k in range(_LAGS):
        lag = SHORTEST - 1 + k
        before += window[middle - lag] ** 2
        after += window[middle + lag - 1] ** 2
        total = 0.0
        for i in range(lag):
            total += window[middle + i] * window[middle + i - lag]
        energy = np.sqrt(before * after)
        score[k] = total / energy if energy > 0.0 else 0.0
        best = max(best, score[k])
    for k in range(1, _LAGS - 1):
        left, top, right = score[k - 1], score[k], score[k + 1]
        if top >= FIRST * best and top > 0.0 and top >= left and top > right:
            bend = left - 2.0 * top + right
            shift = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
            return SHORTEST - 1 + k + min(max(shift, -0.5), 0.5), top
    return 0.0, 0.0

"""Respiratory disturbances: breathing that shrinks against what is usual around it for 10 s or more, and comes back.

Each second has an amplitude, the RMS of the breath band over 4.4 s about it. Usual is its `USUAL` quantile from
`BACK_S` before to `AHEAD_S` after: high, so that events in close order do not pull it down. A disturbance is a run of
seconds below `SHRUNK` of that, `SHORTEST_S` to `LONGEST_S` long, whose amplitude comes back to `RECOVERED` within
`RECOVERY_S` of its end. Breathing that stays small (another posture couples the chest less) is none.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.bed.breath import BREATH_LAG
from analytics.bed.ticks import TICK_HZ, TICK_MS, ring, select

HALF: Final = 11
"""Ticks to either side over which a second's amplitude is taken."""
BACK_S: Final = 100
AHEAD_S: Final = 60
USUAL: Final = 0.7
SHRUNK: Final = 0.66
RECOVERED: Final = 0.85
RECOVERY_S: Final = 12
SHORTEST_S: Final = 9
LONGEST_S: Final = 110
_RING: Final = 256
_KNOWN: Final = 40
"""Seconds with an amplitude that make a usual one."""
DELAY_S: Final = AHEAD_S + (BREATH_LAG + HALF) // TICK_HZ + 1

EVENT_DTYPE: Final = np.dtype([("start_ms", "<i8"), ("end_ms", "<i8"), ("left", "<f4"), ("before", "<f4")], align=True)
"""A disturbance: from, to, least amplitude left as a share of the usual; `before` is not used by any rule: it is the
usual amplitude in counts of gain step 0."""

DISTURBANCE_DTYPE: Final = np.dtype(
    [
        ("amplitude", "<f4", (_RING,)),
        ("run", "<i8"),
        ("least", "<f8"),
        ("gaps", "<i8"),
        ("usual", "<f8"),
    ],
    align=True,
)
"""`amplitude`: ring by second, -1 where unknown; `run`: seconds of the run that may become an event, `gaps` of them
unknown."""


@njit(cache=True)
def disturbance_tick(state: Any, breath: Any, tick: int, out: Any, made: int) -> int:
    """Take a tick; each whole second is judged `DELAY_S` later. Returns the number of rows of `out` now filled."""
    centre = tick - BREATH_LAG - HALF
    if centre % TICK_HZ != 0:
        return made
    second = centre // TICK_HZ
    total = 0.0
    number = 0
    for near in range(centre - HALF, centre + HALF + 1):
        if breath.sound[ring(near)]:
            total += breath.band[ring(near)] ** 2
            number += 1
    state.amplitude[second % _RING] = np.sqrt(total / number) if number >= HALF else -1.0
    return _judge(state, second - AHEAD_S, out, made)


@njit(cache=True)
def _judge(state: Any, second: int, out: Any, made: int) -> int:
    amplitude = state.amplitude
    around = np.empty(BACK_S + AHEAD_S + 1, np.float64)
    known = 0
    for near in range(second - BACK_S, second + AHEAD_S + 1):
        value = amplitude[near % _RING]
        if value >= 0.0:
            around[known] = value
            known += 1
    here = amplitude[second % _RING]
    usual = 0.0
    if known >= _KNOWN:
        usual = select(around, known, int(USUAL * (known - 1)))
    if usual > 0.0 and here >= 0.0 and here < SHRUNK * usual:
        if state.run == 0:
            state.least = 1.0
            state.gaps = 0
        state.run += 1
        state.least = min(state.least, here / usual)
        state.usual = usual
        return made
    if state.run > 0 and here < 0.0 and usual > 0.0:
        state.run += 1
        state.gaps += 1
        return made
    length = state.run - state.gaps
    if usual > 0.0 and length >= SHORTEST_S and state.run <= LONGEST_S and 2 * state.gaps <= length:
        for ahead in range(RECOVERY_S):
            if amplitude[(second + ahead) % _RING] >= RECOVERED * usual:
                out[made].start_ms = (second - state.run) * TICK_HZ * TICK_MS
                out[made].end_ms = second * TICK_HZ * TICK_MS
                out[made].left = state.least
                out[made].before = state.usual
                made += 1
                break
    state.run = 0
    return made

"""Breaths: the band 0.1..0.7 Hz, its crossings of zero, and how far the chest moves.

The input is a mean each 0.2 s; while the body moves, or the sensor saturates, the value before is held, so that a
movement does not ring in the filter. A breath is the way from one crossing to the next of the same direction, with a
swing beyond `SWING` of the usual height on either side between them: a held breath has none. Both directions are kept,
and a rate is the mean of what the two say.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.bed.ticks import HEART_LAG, RING, TICK_HZ, bandpass, noise_floor, ring

_TAPS_N: Final = 41
TAPS: Final = bandpass(_TAPS_N, 0.1, 0.7, TICK_HZ)
BREATH_LAG: Final = HEART_LAG + _TAPS_N // 2
"""Ticks by which the band comes late."""
SWING: Final = 0.3
_FOLLOW: Final = 1.0 / (30 * TICK_HZ)
"""Of the usual height's running mean square, a tick: 30 s."""
_NOISE: Final = 3.0
"""Height below which a swing is the sensor's: times the SD of its white noise in a tick's mean, drift included."""
CROSSINGS: Final = 64
SHORTEST: Final = 1.2 * TICK_HZ
LONGEST: Final = 12.0 * TICK_HZ
"""Length of a breath in ticks: 50 to 5 a minute."""
_NEAR: Final = 3
"""Ticks about a crossing in which a movement makes it worthless."""

BREATH_DTYPE: Final = np.dtype(
    [
        ("input", "<f4", (RING,)),
        ("band", "<f4", (RING,)),
        ("sound", "u1", (RING,)),
        ("begun", "<i8"),
        ("height", "<f8"),
        ("side", "<i8"),
        ("zero", "<f8", (2,)),
        ("crossing", "<f8", (2, CROSSINGS)),
        ("count", "<i8", (2,)),
    ],
    align=True,
)
"""Rings by tick: `input`, `band`, and whether the band is `sound` (no movement or hole in the tick). `height`: usual
mean square; `side` of zero last held; `zero`: last crossing up and down, in ticks, not yet confirmed by a swing;
`crossing`: confirmed ones, `count` of them ever."""


@njit(cache=True)
def breath_tick(state: Any, ticks: Any, presence: Any, tick: int) -> None:
    """Take tick `tick - HEART_LAG` in; the band of tick `tick - BREATH_LAG` follows."""
    fed = tick - HEART_LAG
    at = ring(fed)
    sound = ticks.usable[at] > 0 and presence.in_bed[at] and not presence.moving[at]
    if sound and not state.begun:
        state.begun = 1
        state.input[:] = ticks.mean[at]  # a strip that knows its weight does not begin with a leap
    state.input[at] = ticks.mean[at] if sound else state.input[ring(fed - 1)]
    state.sound[at] = 1 if sound else 0
    total = 0.0
    for j in range(_TAPS_N):
        total += TAPS[j] * state.input[ring(fed - j)]
    now = tick - BREATH_LAG
    before = state.band[ring(now - 1)]
    state.band[ring(now)] = total
    if state.sound[ring(now)]:
        state.height += _FOLLOW * (total * total - state.height)
    _crossing(state, now, before, total, _NOISE * noise_floor(ticks) / np.sqrt(10.0))


@njit(cache=True)
def _crossing(state: Any, now: int, before: float, value: float, noise: float) -> None:
    if before < 0.0 <= value:
        state.zero[0] = now - 1 + before / (before - value)
    elif before >= 0.0 > value:
        state.zero[1] = now - 1 + before / (before - value)
    swing = max(SWING * np.sqrt(2.0 * state.height), noise)
    side = 1 if value > swing else -1 if value < -swing else 0
    if side and side != state.side:
        way = 0 if side > 0 else 1
        state.crossing[way, state.count[way] % CROSSINGS] = state.zero[way]
        state.count[way] += 1
        state.side = side


@njit(cache=True)
def breath_rate(state: Any, first: int, after: int, needed: float) -> float:
    """Breaths a minute over the ticks `first` .. `after`; NaN where fewer than `needed` of them lie in breaths."""
    rates = 0.0
    number = 0
    for way in range(2):
        breaths = 0.0
        covered = 0.0
        count = state.count[way]
        for i in range(max(count - CROSSINGS, 0), count - 1):
            begin = state.crossing[way, i % CROSSINGS]
            end = state.crossing[way, (i + 1) % CROSSINGS]
            length = end - begin
            if end <= first or begin >= after or length < SHORTEST or length > LONGEST:
                continue
            if not (_still(state, begin) and _still(state, end)):
                continue
            part = min(end, float(after)) - max(begin, float(first))
            breaths += part / length
            covered += part
        if covered >= needed:
            rates += breaths / covered * 60.0 * TICK_HZ
            number += 1
    return rates / number if number else np.nan


@njit(cache=True)
def _still(state: Any, at: float) -> bool:
    centre = int(np.rint(at))
    for near in range(centre - _NEAR, centre + _NEAR + 1):  # noqa: SIM110 - numba compiles no generators
        if not state.sound[ring(near)]:
            return False
    return True

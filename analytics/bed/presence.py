"""Somebody in bed, and whether they move: both against the sensor's own noise and the sleeper's own quiet level.

In bed: the heart band's RMS over 4 s is above `ENTER` times what the sensor's noise alone would give, and above `LEAVE`
times to stay. An absolute level would not travel from bed to bed.

Moving: a tick's largest deflection is above `MOVING` times the median of the largest of each second over the last
30 s. A posture that couples the heart better does not look like a movement for longer than half of that.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.bed.ticks import HEART_LAG, HEART_NOISE, RING, TICK_HZ, TICK_SLOTS, noise_floor, ring, select

ENTER: Final = 2.5
LEAVE: Final = 1.7
_OVER: Final = 4 * TICK_HZ
_ENTER_TICKS: Final = 5
_LEAVE_TICKS: Final = 15
MOVING: Final = 4.0
_SECONDS: Final = 31
_SURE: Final = 4
"""Seconds of quiet level that must be known before a movement is told."""
_LOWEST: Final = 3.0
"""Quiet level is at least this many times the SD of the noise in the band: its usual largest of a second."""

PRESENCE_DTYPE: Final = np.dtype(
    [
        ("in_bed", "u1", (RING,)),
        ("moving", "u1", (RING,)),
        ("is_in", "<i8"),
        ("run", "<i8"),
        ("second_peak", "<f8"),
        ("peaks", "<f4", (_SECONDS,)),
        ("count", "<i8"),
        ("level", "<f8"),
    ],
    align=True,
)
"""Rings by tick: `in_bed`, `moving`. `run`: ticks for which the other state has been seen; `peaks`: largest of each of
the last seconds; `level`: their median."""


@njit(cache=True)
def presence_tick(state: Any, ticks: Any, tick: int) -> None:
    """Judge tick `tick - HEART_LAG`."""
    judged = tick - HEART_LAG
    at = ring(judged)
    floor = HEART_NOISE * noise_floor(ticks)
    total = 0.0
    number = 0
    for back in range(_OVER):
        place = ring(judged - back)
        if ticks.clean[place]:
            total += ticks.power[place]
            number += 1
    if 2 * number >= TICK_HZ:
        rms = np.sqrt(total / number)
        if rms > (LEAVE if state.is_in else ENTER) * floor:
            state.run = 0 if state.is_in else state.run + 1
        else:
            state.run = state.run + 1 if state.is_in else 0
        if state.run >= (_LEAVE_TICKS if state.is_in else _ENTER_TICKS):
            state.is_in = 1 - state.is_in
            state.run = 0
    state.in_bed[at] = state.is_in
    _movement(state, ticks, judged, at, floor)


@njit(cache=True)
def _movement(state: Any, ticks: Any, judged: int, at: int, floor: float) -> None:
    state.moving[at] = 0
    if ticks.clean[at]:
        level = max(state.level, _LOWEST * floor)
        if state.count >= _SURE and ticks.peak[at] > MOVING * level:
            state.moving[at] = 1
        state.second_peak = max(state.second_peak, ticks.peak[at])
    elif ticks.last_clipped >= (judged - HEART_LAG) * TICK_SLOTS:
        state.moving[at] = 1  # what saturates the sensor is no lying still
    if judged % TICK_HZ == TICK_HZ - 1:
        if state.second_peak > 0.0:
            state.peaks[state.count % _SECONDS] = state.second_peak
            state.count += 1
            known = min(state.count, _SECONDS)
            sorting = state.peaks.copy()
            state.level = select(sorting, known, known // 2)
        state.second_peak = 0.0

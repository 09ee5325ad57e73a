"""Running indices: counts and sums over the masked seconds, from which every causal index of the night is a ratio."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.masking import BRIDGE_S, FILLER
from analytics.oximetry.signal import GAP, MISSING, VALID

LEVELS: Final = (95.0, 90.0, 88.0, 85.0, 80.0)
"""Levels of T95, T90, T88, T85, T80, %: time strictly below."""

RUNNING_DTYPE: Final = np.dtype(
    [
        ("recorded", "<i8"),
        ("valid", "<i8"),
        ("tail", "<i8"),
        ("next_second", "<i8"),
        ("low_run", "<i8"),
        ("low_longest", "<i8"),
        ("masked_run", "<i8"),
        ("le_90", "<i8"),
        ("le_88", "<i8"),
        ("below", "<i8", (len(LEVELS),)),
        ("masked", "<i8", (FILLER + 1,)),
        ("odi", "<i8", (3,)),
        ("sum", "<f8"),
        ("minimum", "<f4"),
    ],
    align=True,
)
"""State of the indices. `masked` counts seconds by reason, `odi` desaturations of >= 2, 3, 4 %."""


@njit(cache=True)
def running_advance(state: Any, count: int, second: Any, spo2: Any, reason: Any) -> None:
    """Count `count` masked seconds."""
    valid = state.valid
    total = state.sum
    minimum = state.minimum
    low_run = state.low_run
    longest = state.low_longest
    masked_run = state.masked_run
    tail = state.tail
    next_second = state.next_second
    t95 = t90 = t88 = t85 = t80 = le_90 = le_88 = np.int64(0)
    for i in range(count):
        if second[i] != next_second:  # a long gap, skipped by the grid
            skipped = second[i] - next_second
            state.recorded += skipped
            state.masked[GAP] += skipped
        next_second = second[i] + 1
        why = reason[i]
        if why != VALID:
            state.masked[why] += 1
            masked_run += 1
            tail = tail + 1 if why == MISSING else 0
            if masked_run > BRIDGE_S:
                low_run = 0
            continue
        masked_run = 0
        tail = 0
        value = spo2[i]
        valid += 1
        total += value
        if not value >= minimum:
            minimum = value
        if value <= 88.0:
            low_run += 1
            le_88 += 1
            longest = max(longest, low_run)
        else:
            low_run = 0
        if value < 95.0:
            t95 += 1
            le_90 += value <= 90.0
            t90 += value < 90.0
            t88 += value < 88.0
            t85 += value < 85.0
            t80 += value < 80.0
    state.recorded += count
    state.valid = valid
    state.sum = total
    state.minimum = minimum
    state.low_run = low_run
    state.low_longest = longest
    state.masked_run = masked_run
    state.tail = tail
    state.next_second = next_second
    state.below[0] += t95
    state.below[1] += t90
    state.below[2] += t88
    state.below[3] += t85
    state.below[4] += t80
    state.le_90 += le_90
    state.le_88 += le_88


@njit(cache=True)
def running_close(state: Any) -> None:
    """The recording has ended: the missing rows at its end are filler, neither recorded nor missing."""
    state.masked[MISSING] -= state.tail
    state.masked[FILLER] += state.tail
    state.recorded -= state.tail
    state.tail = 0

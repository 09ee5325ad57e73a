"""Running indices: counts and sums over the masked seconds, from which every causal index of the night is a ratio."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.masking import BRIDGE_S, FILLER
from analytics.oximetry.signal import GAP, MISSING, VALID

LEVELS: Final = (95.0, 90.0, 88.0, 85.0, 80.0)
"""Levels of T95, T90, T88, T85, T80, %: time strictly below."""

PAYER_PCT: Final = 88.0
"""Level of the nocturnal oxygen criterion of payers."""

_BLOCK: Final = 64
"""Seconds looked at together: most blocks of most nights have nothing in them to count one by one."""

RATES: Final = 16
NUMBERS: Final = RATES + FILLER + 1
"""Length of the indices as an array: rates, shares and times, then the masked seconds by reason."""

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


# Counts, and sums of float32 values that are whole numbers of 2^-18 (all above 32 are), are exact in float64 in any
# order: so these loops may be reassociated, that is vectorised, and still give the same bits however a night is cut.
@njit(cache=True, fastmath={"reassoc"})
def _sum(count: int, spo2: Any) -> tuple[np.int64, float, np.float32]:
    """Number, sum and least of the valid seconds."""
    valid = np.float32(0.0)
    total = 0.0
    least = np.float32(np.inf)
    for i in range(count):
        valid += np.float32(1.0) if spo2[i] == spo2[i] else np.float32(0.0)
    for i in range(count):
        total += float(spo2[i]) if spo2[i] == spo2[i] else 0.0
    for i in range(count):
        least = spo2[i] if spo2[i] < least else least
    return np.int64(valid), total, least


@njit(cache=True, fastmath={"reassoc"})
def _count_below(count: int, spo2: Any, level: float) -> np.int64:
    """Number of valid seconds strictly below `level`."""
    number = np.float32(0.0)
    for i in range(count):
        number += np.float32(1.0) if spo2[i] < np.float32(level) else np.float32(0.0)
    return np.int64(number)


@njit(cache=True, fastmath={"reassoc"})
def _count_at_most(count: int, spo2: Any, level: float) -> np.int64:
    """Number of valid seconds at or below `level`."""
    number = np.float32(0.0)
    for i in range(count):
        number += np.float32(1.0) if spo2[i] <= np.float32(level) else np.float32(0.0)
    return np.int64(number)


@njit(cache=True)
def _any_masked(why: Any) -> bool:
    """Whether any of some seconds is masked; `VALID` is 0, so that the compiler can or them together."""
    found = np.uint8(0)
    for i in range(why.shape[0]):
        found |= why[i]
    return bool(found != VALID)


@njit(cache=True)
def _all_above(spo2: Any) -> bool:
    """Whether all of some seconds are valid and above `PAYER_PCT`."""
    above = np.int32(0)
    for i in range(spo2.shape[0]):
        above += np.int32(spo2[i] > np.float32(PAYER_PCT))
    return bool(above == spo2.shape[0])


@njit(cache=True)
def running_advance(state: Any, count: int, second: Any, spo2: Any, why: Any) -> None:
    """Count `count` settled seconds (masked ones NaN, `why` says why)."""
    if count == 0:
        return
    valid, total, least = _sum(count, spo2)
    t95 = t90 = t88 = t85 = t80 = le_90 = le_88 = np.int64(0)
    if least < 95.0:
        t95 = _count_below(count, spo2, 95.0)
    if least <= 90.0:
        le_90 = _count_at_most(count, spo2, 90.0)
        t90 = _count_below(count, spo2, 90.0)
        le_88 = _count_at_most(count, spo2, PAYER_PCT)
        t88 = _count_below(count, spo2, 88.0)
        t85 = _count_below(count, spo2, 85.0)
        t80 = _count_below(count, spo2, 80.0)
    end = np.int64(second[count - 1]) + 1
    state.recorded += end - state.next_second
    state.masked[GAP] += end - state.next_second - count  # long gaps, skipped by the grid
    state.next_second = end
    state.valid += valid
    state.sum += total
    state.minimum = min(state.minimum, least)
    state.below[0] += t95
    state.below[1] += t90
    state.below[2] += t88
    state.below[3] += t85
    state.below[4] += t80
    state.le_90 += le_90
    state.le_88 += le_88
    if valid < count:
        for first in range(0, count, _BLOCK):
            last = min(first + _BLOCK, count)
            if _any_masked(why[first:last]):
                for i in range(first, last):
                    if why[i] != VALID:
                        state.masked[why[i]] += 1
    _follow_low(state, count, spo2, why, bool(le_88 > 0))


@njit(cache=True)
def _follow_low(state: Any, count: int, spo2: Any, why: Any, any_low: bool) -> None:
    """Follow the unbroken time at <= 88 % and the missing seconds at the end."""
    begin = 0
    if not any_low:  # what counts is only how the stretch ends
        begin = count
        while begin > 0 and why[begin - 1] != VALID:
            begin -= 1
        if begin > 0:
            state.low_run = 0
            state.masked_run = 0
            state.tail = 0
    low_run = state.low_run
    masked_run = state.masked_run
    tail = state.tail
    for first in range(begin, count, _BLOCK):
        last = min(first + _BLOCK, count)
        if _all_above(spo2[first:last]):
            low_run = 0
            masked_run = 0
            tail = 0
            continue
        for i in range(first, last):
            value = spo2[i]
            if value != value:
                tail = tail + 1 if why[i] == MISSING else 0
                masked_run += 1
                if masked_run > BRIDGE_S:
                    low_run = 0
                continue
            masked_run = 0
            tail = 0
            if value > PAYER_PCT:
                low_run = 0
            else:
                low_run += 1
                state.low_longest = max(state.low_longest, low_run)
    state.low_run = low_run
    state.masked_run = masked_run
    state.tail = tail


@njit(cache=True)
def running_close(state: Any) -> None:
    """The recording has ended: the missing rows at its end are filler, neither recorded nor missing."""
    state.masked[MISSING] -= state.tail
    state.masked[FILLER] += state.tail
    state.recorded -= state.tail
    state.tail = 0


@njit(cache=True)
def running_count(state: Any, events: Any, count: int) -> None:
    """Count `count` desaturations by depth."""
    for i in range(count):
        depth = events[i].depth_pct
        state.odi[0] += depth >= 2.0
        state.odi[1] += depth >= 3.0
        state.odi[2] += depth >= 4.0


@njit(cache=True)
def running_numbers(state: Any, ignored: int, out: Any) -> None:
    """Write the indices to `out`, shape (`NUMBERS`,), in the order in which `indices.indices_of` reads them."""
    valid = state.valid
    # Of nothing, nothing can be said: dividing by NaN makes every rate and share NaN.
    seconds = float(valid) if valid else np.nan
    for i in range(3):
        out[i] = 3600.0 * state.odi[i] / seconds
    out[3] = 100.0 * state.below[0] / seconds
    out[4] = 100.0 * state.below[1] / seconds
    out[5] = 100.0 * state.le_90 / seconds
    out[6] = 100.0 * state.below[2] / seconds
    out[7] = 100.0 * state.below[3] / seconds
    out[8] = 100.0 * state.below[4] / seconds
    out[9] = state.sum / seconds
    out[10] = state.minimum if valid else np.nan
    out[11] = state.recorded
    out[12] = valid
    out[13] = state.le_88
    out[14] = state.low_longest
    out[15] = ignored
    for i in range(FILLER + 1):
        out[RATES + i] = state.masked[i]

"""From readings to wear intervals: a device warms in the mouth, is worn, and cools again.

Between readings it is out, worn, or low: below what a mouth gives, but perhaps only for a drink. A low that comes back
within `DRINK_MS` without having been cold belongs to the wear; otherwise the removal is dated back from the cooling
once `COOLING_MS` of it are seen. The insertion is dated back from `WARMING_MS` of the warm-up. The limits stand in
`rules`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.adherence.dating import date_change
from analytics.adherence.life import LIFE_DTYPE, POSTURES, life_begin, life_feel, life_warm, waver_c
from analytics.adherence.recent import RECENT_DTYPE, fall_start, recent_push, rise_start, stretch_end
from analytics.adherence.rules import (
    AIR_C,
    AIR_SD_C,
    AIR_TAU_S,
    BY_CURVE,
    BY_DATA,
    COLD_C,
    COOLING_MS,
    DRINK_MS,
    HOT,
    HOT_C,
    HOT_MS,
    LIFELESS,
    LIFELESS_C,
    LIFELESS_READINGS,
    LOW_C,
    MISSING_MS,
    MOUTH_C,
    MOUTH_SD_C,
    MOUTH_TAU_S,
    POSSIBLE_C,
    RINSE,
    RINSED_C,
    RINSES,
    RISE_C,
    ROOM_MS,
    ROOM_SHARE,
    SHORTEST_MS,
    STILL,
    STILL_LONG_MS,
    STILL_MS,
    STILL_SHARE,
    TAU_SPREAD,
    WARM_C,
    WARMING_MS,
    WINDOW_C,
)

OUT: Final = 0
WORN: Final = 1
FALLEN: Final = 2

WEAR_DTYPE: Final = np.dtype(
    [
        ("recent", RECENT_DTYPE),
        ("life", LIFE_DTYPE),
        ("last_ms", "<i8"),
        ("seen", "<i8"),
        ("ignored", "<i8"),
        ("closed", "<i8"),
        ("phase", "<i8"),
        ("dated", "<i8"),
        ("start_ms", "<i8"),
        ("start_how", "<i8"),
        ("out_ms", "<i8"),
        ("up_ms", "<i8"),
        ("warm_ms", "<i8"),
        ("last_in_ms", "<i8"),
        ("low_ms", "<i8"),
        ("ended_ms", "<i8"),
        ("cold", "<i8"),
        ("window_ms", "<i8"),
        ("hot_ms", "<i8"),
        ("warm_total_ms", "<i8"),
        ("readings", "<i8"),
        ("out_c", "<f8"),
        ("warm_c", "<f8"),
        ("peak_c", "<f8"),
        ("start_sd_s", "<f8"),
    ],
    align=True,
)

INTERVAL_DTYPE: Final = np.dtype(
    [
        ("start_ms", "<i8"),
        ("end_ms", "<i8"),
        ("start_sd_s", "<f8"),
        ("end_sd_s", "<f8"),
        ("start_how", "<i8"),
        ("end_how", "<i8"),
        ("posture_ms", "<i8", (POSTURES,)),
        ("still_ms", "<i8"),
        ("waver_c", "<f8"),
        ("peak_c", "<f8"),
        ("suspect", "<i8"),
    ],
    align=True,
)
GAP_DTYPE: Final = np.dtype([("start_ms", "<i8"), ("end_ms", "<i8")])


@njit(cache=True)
def wear_advance(state: Any, t_ms: Any, celsius: Any, accel: Any, motion: Any, flags: Any, rows: Any, gaps: Any) -> Any:
    """Take readings; returns how many rows of `rows` and of `gaps` were written."""
    made = missed = 0
    felt, moves, flagged = accel.shape[0] > 0, motion.shape[0] > 0, flags.shape[0] > 0
    for i in range(t_ms.shape[0]):
        at, value = t_ms[i], float(celsius[i])
        if state.seen and at <= state.last_ms:
            state.ignored += 1
            continue
        if not POSSIBLE_C[0] <= value <= POSSIBLE_C[1]:
            continue  # missing, or a fault of the sensor
        in_case = int(flagged and (flags[i] & 1) != 0)
        if state.seen and at - state.last_ms > MISSING_MS:
            gaps[missed].start_ms, gaps[missed].end_ms = state.last_ms, at
            missed += 1
            made += wear_stop(state, rows[made:])
        last_ms = state.last_ms if state.seen else at
        recent_push(state.recent, at, value, in_case)
        x = y = z = 0.0
        if felt:
            x, y, z = float(accel[i, 0]), float(accel[i, 1]), float(accel[i, 2])
        made += _take(state, last_ms, at, value, in_case, rows[made:])
        if state.phase == WORN:
            life_feel(state.life, max(int(last_ms), int(state.up_ms)), at, x, y, z, int(motion[i]) if moves else 0)
        state.last_ms = at
        state.seen = 1
    return made, missed


@njit(cache=True)
def wear_stop(state: Any, rows: Any) -> int:
    """The data ends here: end what is open at its last reading, or at the removal if that was under way."""
    made = 0
    if state.phase == WORN:
        made = _finish(state, state.last_ms, np.nan, BY_DATA, rows)
    elif state.phase == FALLEN:
        made = _remove(state, rows)
    state.phase = OUT
    state.recent.size = 0
    return made


@njit(cache=True)
def _take(state: Any, last_ms: int, at: int, value: float, in_case: int, rows: Any) -> int:
    made = 0
    if state.phase == OUT:
        if value >= WARM_C and not in_case:
            _insert(state, at, value)
        return 0
    if state.phase == WORN:
        if in_case or value < LOW_C:
            if not state.dated:
                _date_start(state)
            state.phase = FALLEN
            state.low_ms = at
            state.cold = 0
        else:
            _warm(state, last_ms, at, value)
            return 0
    state.cold |= in_case or value < COLD_C
    if value >= WARM_C and not in_case:
        if not state.cold and at - state.low_ms < DRINK_MS:
            state.phase = WORN
            state.life.before_ms[:] = 0
            return 0
        made = _remove(state, rows)
        _insert(state, at, value)
    elif at - state.low_ms >= COOLING_MS:
        made = _remove(state, rows)
        state.phase = OUT
    return made


@njit(cache=True)
def _insert(state: Any, at: int, value: float) -> None:
    """Something warm begins at the reading `at`: look back to the last reading before the rise."""
    recent = state.recent
    before = rise_start(recent)
    known = before >= 0 and (before > 0 or recent.celsius[before] < COLD_C or recent.in_case[before])
    # Two wears never overlap, however close the readings about a change are.
    state.out_ms = max(recent.t_ms[before], state.ended_ms) if known else 0
    state.out_c = recent.celsius[before] if known else np.nan
    state.up_ms = max(recent.t_ms[before + 1], state.out_ms) if known else at
    state.start_ms = state.up_ms
    state.start_how = BY_CURVE if known else BY_DATA
    state.start_sd_s = np.nan
    state.dated = 0 if known else 1
    state.warm_ms = state.last_in_ms = at
    state.warm_c = state.peak_c = value
    state.window_ms = state.hot_ms = state.warm_total_ms = 0
    state.readings = 1
    state.phase = WORN
    life_begin(state.life, at)


@njit(cache=True)
def _warm(state: Any, last_ms: int, at: int, value: float) -> None:
    """Take one more warm reading."""
    held_ms = at - last_ms
    state.warm_total_ms += held_ms
    if WINDOW_C[0] <= value <= WINDOW_C[1]:
        state.window_ms += held_ms
    elif value > HOT_C:
        state.hot_ms += held_ms
    state.peak_c = max(state.peak_c, value)
    state.last_in_ms = at
    state.readings += 1
    if at - state.up_ms >= WARMING_MS:
        if not state.dated:
            _date_start(state)
        life_warm(state.life, at, value)


@njit(cache=True)
def _date_start(state: Any) -> None:
    recent = state.recent
    state.dated = 1
    begin = 0
    while begin < recent.size and recent.t_ms[begin] < state.up_ms:
        begin += 1
    if begin == recent.size:
        return
    end = stretch_end(recent, begin, 1.0, state.up_ms + WARMING_MS)
    state.start_ms, state.start_sd_s = date_change(
        state.out_ms,
        state.up_ms,
        recent.t_ms[begin:end],
        recent.celsius[begin:end],
        np.full(1, state.out_c),
        np.ones(1),
        MOUTH_C,
        MOUTH_SD_C,
        MOUTH_TAU_S,
        TAU_SPREAD,
    )


@njit(cache=True)
def _remove(state: Any, rows: Any) -> int:
    """Date the removal back from the cooling, and write the interval."""
    recent = state.recent
    before = fall_start(recent, state.low_ms)
    if before < 0 or recent.t_ms[before] < state.warm_ms:
        # The only warm reading is the one before the fall, or the room to look back has been overrun.
        before = 0
        while before + 1 < recent.size and recent.t_ms[before + 1] <= state.last_in_ms:
            before += 1
    begin = min(before + 1, recent.size - 1)
    end = stretch_end(recent, begin, -1.0, state.low_ms + COOLING_MS)
    from_c = recent.celsius[before]
    levels = np.empty(1 + RINSES)
    weights = np.full(1 + RINSES, RINSE / RINSES)
    levels[0], weights[0] = from_c, 1.0 - RINSE
    for r in range(RINSES):
        levels[r + 1] = from_c + (RINSED_C - from_c) * (r + 1.0) / RINSES
    room_c = state.out_c if state.out_c == state.out_c and state.out_c < COLD_C else AIR_C
    end_ms, sd_s = date_change(
        recent.t_ms[before],
        recent.t_ms[begin],
        recent.t_ms[begin:end],
        recent.celsius[begin:end],
        levels,
        weights,
        room_c,
        AIR_SD_C,
        AIR_TAU_S,
        TAU_SPREAD,
    )
    return _finish(state, int(end_ms), sd_s, BY_CURVE, rows)


@njit(cache=True)
def _finish(state: Any, end_ms: int, end_sd_s: float, end_how: int, rows: Any) -> int:
    """Write the interval that ends, if it was a mouth's."""
    if not state.dated:
        _date_start(state)
    life = state.life
    state.ended_ms = end_ms
    length_ms = end_ms - state.start_ms
    if length_ms < SHORTEST_MS:
        return 0
    rose = state.start_how == BY_CURVE and state.warm_c - state.out_c >= RISE_C
    if state.peak_c < WINDOW_C[0] and not rose:
        return 0
    if state.warm_total_ms > ROOM_MS and state.window_ms < ROOM_SHARE * state.warm_total_ms and not state.hot_ms:
        return 0
    row = rows[0]
    row.start_ms, row.end_ms = state.start_ms, end_ms
    row.start_sd_s, row.end_sd_s = state.start_sd_s, end_sd_s
    row.start_how, row.end_how = state.start_how, end_how
    row.posture_ms[:] = life.posture_ms
    row.still_ms = life.still_ms if life.felt else -1
    row.waver_c = waver_c(life)
    row.peak_c = state.peak_c
    suspect = 0
    if life.still_ms >= STILL_LONG_MS or (life.still_ms >= STILL_MS and life.still_ms >= STILL_SHARE * length_ms):
        suspect |= STILL
    if life.wavers >= LIFELESS_READINGS and row.waver_c < LIFELESS_C:
        suspect |= LIFELESS
    if state.hot_ms >= HOT_MS:
        suspect |= HOT
    row.suspect = suspect
    return 1

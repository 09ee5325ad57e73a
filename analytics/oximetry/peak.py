"""Profile `peak`: desaturations from a local maximum to the nadir, causal, on the artefact-masked signal."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.masking import BRIDGE_S

PROFILE: Final = "peak"
PROFILE_VERSION: Final = "1.0.0"

TURN_PCT: Final = 1.5
"""A turn of the signal is believed when it has moved this far from the extremum: two steps of an integer sensor."""

FALL_MIN_S: Final = 10
FALL_MAX_S: Final = 180
SLOPE_MIN: Final = 0.05
SLOPE_MAX: Final = 4.0
SHOULDER_S: Final = 20
RECOVERY_S: Final = 120
RECOVERY_SHARE: Final = 2.0 / 3.0
BOUNCE_SHARE: Final = 0.5
DEPTH_MIN: Final = 2.0

DELAY_S: Final = RECOVERY_S + 1

_RING: Final = 512
_MASK: Final = _RING - 1
_SEEK: Final = 0
_FALL: Final = 1
_RECOVERY: Final = 2

PEAK_DTYPE: Final = np.dtype(
    [
        ("mode", "<i8"),
        ("last", "<i8"),
        ("floor", "<i8"),
        ("top", "<f4"),
        ("nadir_v", "<f4"),
        ("start_v", "<f4"),
        ("high_v", "<f4"),
        ("nadir", "<i8"),
        ("start", "<i8"),
        ("high", "<i8"),
        ("ring", "<f4", (_RING,)),
    ],
    align=True,
)
"""State of the detector: the last seconds of the signal, and the extrema being followed."""


@njit(cache=True)
def peak_start(state: Any) -> None:
    """Set the state of a night that has not begun."""
    state.last = -1
    state.mode = _SEEK
    state.top = -np.inf
    state.ring[:] = np.nan


@njit(cache=True)
def _find_start(state: Any) -> None:
    """Walk back from the nadir to the last second of the maximum before it."""
    nadir = state.nadir
    top = state.nadir_v
    start = nadir
    masked = 0
    for second in range(nadir - 1, max(nadir - FALL_MAX_S, state.floor) - 1, -1):
        value = state.ring[second & _MASK]
        if value != value:
            masked += 1
            if masked > BRIDGE_S:
                break
            continue
        masked = 0
        if value > top:
            top = value
            start = second
        elif start - second >= SHOULDER_S and start != nadir:
            break
    state.start = start
    state.start_v = top


@njit(cache=True)
def _emit(state: Any, end: int, out: Any, made: int) -> int:
    """Judge the candidate that ends at `end`; write it if it is a desaturation."""
    depth = state.start_v - state.nadir_v
    fall = state.nadir - state.start
    if depth < DEPTH_MIN or fall < FALL_MIN_S or depth < SLOPE_MIN * fall or depth > SLOPE_MAX * fall:
        return made
    area = 0.0
    steepest = np.float32(0.0)
    before = state.start_v
    for second in range(state.start, end + 1):
        value = state.ring[second & _MASK]
        if value == value:
            if value < state.start_v:
                area += state.start_v - value
            if second <= state.nadir:
                steepest = max(steepest, before - value)
            before = value
    row = out[made]
    row.start_s = state.start
    row.nadir_s = state.nadir
    row.end_s = end
    row.baseline_pct = state.start_v
    row.nadir_pct = state.nadir_v
    row.depth_pct = depth
    row.area_pct_s = area
    row.confidence = 1.0
    return made + 1


@njit(cache=True)
def peak_advance(state: Any, count: int, seconds: Any, spo2: Any, out: Any) -> int:
    """Follow `count` masked seconds; returns how many desaturations became final (rows of `out`)."""
    made = 0
    for i in range(count):
        second = np.int64(seconds[i])
        value = spo2[i]
        state.ring[second & _MASK] = value
        if value != value:
            continue
        if second - state.last > BRIDGE_S + 1:
            if state.mode == _RECOVERY:
                made = _emit(state, state.high, out, made)
            state.mode = _SEEK
            state.top = value
            state.floor = second
        state.last = second
        if state.mode == _SEEK:
            if value > state.top:
                state.top = value
            elif value <= state.top - TURN_PCT:
                state.mode = _FALL
                state.nadir = second
                state.nadir_v = value
        elif state.mode == _FALL:
            if value < state.nadir_v:
                state.nadir = second
                state.nadir_v = value
            elif value >= state.nadir_v + TURN_PCT:
                _find_start(state)
                state.mode = _RECOVERY
                state.high = second
                state.high_v = value
        if state.mode == _RECOVERY:
            depth = state.start_v - state.nadir_v
            if value > state.high_v:
                state.high_v = value
                state.high = second
            rise = state.high_v - state.nadir_v
            if value < state.nadir_v and rise < BOUNCE_SHARE * depth:
                state.mode = _FALL
                state.nadir = second
                state.nadir_v = value
            elif (
                rise >= RECOVERY_SHARE * depth
                or (value <= state.high_v - TURN_PCT and rise >= BOUNCE_SHARE * depth)
                or second - state.nadir >= RECOVERY_S
            ):
                made = _emit(state, state.high, out, made)
                state.floor = state.high
                state.mode = _SEEK
                state.top = state.high_v
                if value <= state.top - TURN_PCT:
                    state.mode = _FALL
                    state.nadir = second
                    state.nadir_v = value
    return made


@njit(cache=True)
def peak_close(state: Any, out: Any) -> int:
    """The recording has ended: a candidate that had begun to recover is judged by what there is."""
    if state.mode != _RECOVERY:
        return 0
    state.mode = _SEEK
    return int(_emit(state, state.high, out, 0))

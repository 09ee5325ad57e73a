"""Profile `peak`: desaturations from a local maximum to the nadir, causal, on the artefact-masked signal.

Rule (version 1.0.0), on the grid of one value a second, masked seconds left out:

1. *Resolution.* As long as the signal has moved in steps of about 1 % only (fewer than `FINE_STEPS` changes below
   `FINE_PCT`), it is an integer sensor's, whatever a converter made of its digits, and is read as whole per cent.
2. *Turns.* A fall begins when the signal is `TURN_PCT` below the maximum since the last event; its nadir is the first
   second of the lowest value once the signal has risen `TURN_PCT` above it. A nadir from which nothing rises within
   `RECOVERY_S` is a new level, not an event.
3. *Start.* Back from the nadir over at most `FALL_MAX_S` to the last second of the maximum, stopping where a whole
   `SHOULDER_S` brought no higher value (a flat shoulder belongs to what came before), at the end of the event before,
   or at more than five masked seconds.
4. *End.* The first second back at two thirds of the depth; or the highest second, if half of the depth was regained
   before the signal fell again, or nothing more within `RECOVERY_S`. A fall below the nadir before half was regained is
   the same event, deeper.
5. *Candidate.* Depth >= `DEPTH_MIN_PCT`, `FALL_MIN_S`..`FALL_MAX_S` from start to nadir, mean slope >= `SLOPE_MIN`,
   at least `LOW_MIN_S` valid seconds below half of the depth (one is a flicker); no more than half of
   the depth may have been fallen across masked seconds, unseen.
6. *Confidence* is the weighted mean of five memberships, each rising from 0 to 1 between two limits:

   ============  =======  ==========================  =======================================================
   feature       weight   0 .. 1                      reason
   ============  =======  ==========================  =======================================================
   fall          0.2      4 .. 12 s to the nadir      the lung's oxygen store empties over breaths, a
                                                      sensor's wobble in seconds
   recovery      0.2      90 .. 45 s to the end       an apnoea ends in large breaths; hypoventilation and
                                                      drift do not come back at once
   company       0.3      0 .. 4 well-shaped dips     obstructed breathing recurs: arousal, sleep, obstruction
   usual level   0.2      0 .. 5 % below the usual    a fall from an overshoot (a sigh, a waking) only goes
                                                      back to the level of the half hour
   depth         0.1      2 .. 5 %                    above the noise of any oximeter
   ============  =======  ==========================  =======================================================

   Company counts candidates within `COMPANY_PAST_S` before and `COMPANY_NEXT_S` after (by nadir, `APART_S` apart) that
   fell in `SHAPED_FALL_S` or more and recovered within `SHAPED_RECOVERY_S`; the usual level is the mean over minutes of
   valid seconds with a time constant of `USUAL_MIN` minutes, taken where the fall begins.
7. A candidate of confidence >= `CONFIDENCE_MIN` is a desaturation. So a textbook fall of 3 % stands by itself, one of
   2 % needs company, and a quick or unrecovered one needs depth and company. ODI2, ODI3, ODI4 count these by depth.

A desaturation is final `DELAY_S` after its nadir: by then every dip that may keep it company has shown its recovery.

Sources: the peak-to-nadir definition of the AASM scoring manual; speeds of fall and of resaturation after Strohl and
Altose 1984 and Fletcher et al. 1984; recurrence after Azarbarzin et al. 2019 (gaps between events). How weights and
limits were chosen, and what they bring: `docs/oximetry-peak.md`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.masking import BRIDGE_S

PROFILE: Final = "peak"
PROFILE_VERSION: Final = "1.0.0"

FINE_PCT: Final = 0.7
FINE_STEPS: Final = 3
"""A 1 % sensor through an 8-bit converter moves in steps of 0.78 or 1.17; one of 0.1 % soon shows smaller ones."""
TURN_PCT: Final = 1.5
"""Between one and two steps of an integer sensor: a flicker of one step is no turn."""
DEPTH_MIN_PCT: Final = 2.0
FALL_MIN_S: Final = 4
FALL_MAX_S: Final = 180
LOW_MIN_S: Final = 2
"""A single second is no nadir."""
SLOPE_MIN: Final = 0.04
"""% a second; below it the level drifts."""
SHOULDER_S: Final = 20
RECOVERY_S: Final = 120
RECOVERY_SHARE: Final = 2.0 / 3.0
BOUNCE_SHARE: Final = 0.5
UNSEEN_SHARE: Final = 0.5

MINUTE_S: Final = 60
USUAL_MIN: Final = 30
COMPANY_PAST_S: Final = 300
COMPANY_NEXT_S: Final = 120
APART_S: Final = 10
SHAPED_FALL_S: Final = 8
SHAPED_RECOVERY_S: Final = 60
CONFIDENCE_MIN: Final = 0.5

DELAY_S: Final = COMPANY_NEXT_S + SHAPED_RECOVERY_S + 1
"""Seconds from a nadir to its verdict."""

_RING: Final = 512  # start to end spans FALL_MAX_S + RECOVERY_S at most
_RING_MASK: Final = _RING - 1
_QUEUE: Final = 64  # nadirs lie more than FALL_MIN_S apart, so fewer than 40 wait at once
_QUEUE_MASK: Final = _QUEUE - 1
_SHAPED: Final = 64  # fewer than 54 of SHAPED_FALL_S fit into the span of company
_SHAPED_MASK: Final = _SHAPED - 1

_NEVER: Final = 2**62
_SEEK: Final = 0
_FALL: Final = 1
_RECOVERY: Final = 2

PEAK_DTYPE: Final = np.dtype(
    [
        ("usual", "<f8"),
        ("minute_sum", "<f8"),
        ("minute", "<i8"),
        ("minutes", "<i8"),
        ("mode", "<i8"),
        ("last", "<i8"),
        ("floor", "<i8"),
        ("start", "<i8"),
        ("nadir", "<i8"),
        ("high", "<i8"),
        ("queued", "<i8"),
        ("judged", "<i8"),
        ("shaped", "<i8"),
        ("small_steps", "<i8"),
        ("before", "<f4"),
        ("top_pct", "<f4"),
        ("start_pct", "<f4"),
        ("nadir_pct", "<f4"),
        ("high_pct", "<f4"),
        ("usual_pct", "<f4"),
        ("ring", "<f4", (_RING,)),
        ("queue_start", "<i4", (_QUEUE,)),
        ("queue_nadir", "<i4", (_QUEUE,)),
        ("queue_end", "<i4", (_QUEUE,)),
        ("queue_top", "<f4", (_QUEUE,)),
        ("queue_low", "<f4", (_QUEUE,)),
        ("queue_area", "<f4", (_QUEUE,)),
        ("queue_shape", "<f4", (_QUEUE,)),
        ("shaped_nadir", "<i4", (_SHAPED,)),
    ],
    align=True,
)
"""State of the detector: the last seconds of the signal, the extrema being followed, the candidates awaiting their
verdict and the nadirs of well-shaped dips."""


@njit(cache=True)
def peak_start(state: Any) -> None:
    """Set the state of a night that has not begun."""
    state.last = -1
    state.before = np.nan
    state.top_pct = -np.inf
    state.ring[:] = np.nan


@njit(cache=True, inline="always")
def _membership(value: float, none: float, full: float) -> float:
    """0 at `none`, 1 at `full`, linear between."""
    return min(max((value - none) / (full - none), 0.0), 1.0)


@njit(cache=True)
def _find_start(state: Any) -> None:
    """Walk back from the nadir to the last second of the maximum before it (rule 3)."""
    nadir = state.nadir
    top = state.nadir_pct
    start = nadir
    masked = 0
    for second in range(nadir - 1, max(nadir - FALL_MAX_S, state.floor) - 1, -1):
        value = state.ring[second & _RING_MASK]
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
    state.start_pct = top


@njit(cache=True)
def _queue(state: Any, recovered: bool) -> None:
    """The event being followed has ended at its highest second: if it is a candidate, let it wait for its verdict."""
    start = state.start
    nadir = state.nadir
    top = state.start_pct
    low = state.nadir_pct
    depth = top - low
    fall = nadir - start
    if depth < DEPTH_MIN_PCT or fall < FALL_MIN_S or depth < SLOPE_MIN * fall:
        return
    area = 0.0
    low_s = 0
    before = top
    before_second = start
    for second in range(start, state.high + 1):
        value = state.ring[second & _RING_MASK]
        if value != value:
            continue
        if value < top:
            area += top - value
        low_s += value < top - 0.5 * depth
        if second <= nadir and second > before_second + 1 and before - value > UNSEEN_SHARE * depth:
            return
        before = value
        before_second = second
    if low_s < LOW_MIN_S:
        return
    rise = state.high - nadir if recovered else np.int64(RECOVERY_S)
    slot = state.queued & _QUEUE_MASK
    state.queue_start[slot] = start
    state.queue_nadir[slot] = nadir
    state.queue_end[slot] = state.high
    state.queue_top[slot] = top
    state.queue_low[slot] = low
    state.queue_area[slot] = area
    state.queue_shape[slot] = (
        0.2 * _membership(fall, 4.0, 12.0)
        + 0.2 * _membership(float(rise), 90.0, 45.0)
        + 0.2 * _membership(state.usual_pct - low, 0.0, 5.0)
        + 0.1 * _membership(depth, 2.0, 5.0)
    )
    state.queued += 1
    if fall >= SHAPED_FALL_S and rise <= SHAPED_RECOVERY_S:
        state.shaped_nadir[state.shaped & _SHAPED_MASK] = nadir
        state.shaped += 1


@njit(cache=True)
def _judge(state: Any, now: int, out: Any, made: int) -> int:
    """Give their verdict to the candidates whose company is known at second `now`; returns the rows written so far."""
    while state.judged < state.queued:
        slot = state.judged & _QUEUE_MASK
        nadir = state.queue_nadir[slot]
        if now < nadir + DELAY_S:
            break
        state.judged += 1
        company = 0
        for i in range(max(state.shaped - _SHAPED, 0), state.shaped):
            away = state.shaped_nadir[i & _SHAPED_MASK] - nadir
            company += -COMPANY_PAST_S <= away <= -APART_S or APART_S <= away <= COMPANY_NEXT_S
        confidence = state.queue_shape[slot] + 0.3 * _membership(company, 0.0, 4.0)
        if confidence < CONFIDENCE_MIN - 1e-6:
            continue
        row = out[made]
        row.start_s = state.queue_start[slot]
        row.nadir_s = nadir
        row.end_s = state.queue_end[slot]
        row.baseline_pct = state.queue_top[slot]
        row.nadir_pct = state.queue_low[slot]
        row.depth_pct = state.queue_top[slot] - state.queue_low[slot]
        row.area_pct_s = state.queue_area[slot]
        row.confidence = confidence
        made += 1
    return made


@njit(cache=True)
def _next_verdict(state: Any) -> int:
    """Second at which the first of the waiting candidates is judged."""
    if state.judged == state.queued:
        return _NEVER
    return int(state.queue_nadir[state.judged & _QUEUE_MASK]) + DELAY_S


@njit(cache=True)
def _recover(state: Any, second: int, value: float) -> int:
    """Follow a recovery by one second (rules 2 and 4); returns the mode that follows."""
    depth = state.start_pct - state.nadir_pct
    if value > state.high_pct:
        state.high_pct = value
        state.high = second
    rise = state.high_pct - state.nadir_pct
    if value < state.nadir_pct and rise < BOUNCE_SHARE * depth:
        return _FALL
    bounced = value <= state.high_pct - TURN_PCT and rise >= BOUNCE_SHARE * depth
    if rise >= RECOVERY_SHARE * depth or bounced:
        _queue(state, True)
    elif second - state.nadir >= RECOVERY_S:
        _queue(state, False)
    else:
        return _RECOVERY
    state.floor = state.high
    return _SEEK


@njit(cache=True)
def _learn_usual(state: Any, minute_sum: float) -> None:
    """Take a minute of valid seconds into the usual level."""
    state.minutes = min(state.minutes + 1, USUAL_MIN)
    state.usual += (minute_sum / MINUTE_S - state.usual) / state.minutes


@njit(cache=True)
def peak_advance(state: Any, count: int, seconds: Any, spo2: Any, out: Any) -> int:
    """Follow `count` settled seconds (masked ones NaN); returns how many desaturations became final (rows of `out`)."""
    made = 0
    ring = state.ring
    small_steps = state.small_steps
    before = state.before
    verdict = _next_verdict(state)
    last = state.last
    minute = state.minute
    minute_sum = state.minute_sum
    mode = state.mode
    top = state.top_pct
    low = state.nadir_pct
    low_second = state.nadir
    for i in range(count):
        second = np.int64(seconds[i])
        if second >= verdict:
            made = _judge(state, int(second), out, made)
            verdict = _next_verdict(state)
        value = spo2[i]
        if value != value:
            ring[second & _RING_MASK] = value
            continue
        if small_steps < FINE_STEPS:
            step = abs(value - before)
            before = value
            if 0.01 < step < FINE_PCT:
                small_steps += 1
            value = np.rint(value)
        ring[second & _RING_MASK] = value
        if second - last > BRIDGE_S + 1:
            if mode == _RECOVERY:
                _queue(state, True)
                verdict = _next_verdict(state)
            mode = _SEEK
            top = value
            state.floor = second
        last = second
        minute_sum += value
        minute += 1
        if minute == MINUTE_S:
            _learn_usual(state, minute_sum)
            minute = 0
            minute_sum = 0.0
        if mode == _FALL:
            if value < low:
                low = value
                low_second = second
            elif value >= low + TURN_PCT:
                state.nadir = low_second
                state.nadir_pct = low
                _find_start(state)
                state.high = second
                state.high_pct = value
                mode = _RECOVERY
            elif second - low_second >= RECOVERY_S:
                mode = _SEEK
                top = value
                state.floor = second
        if mode == _RECOVERY:
            mode = _recover(state, int(second), value)
            if mode == _FALL:
                low = value
                low_second = second
            elif mode == _SEEK:
                top = state.high_pct
                verdict = _next_verdict(state)
        if mode == _SEEK:
            if value > top:
                top = value
            elif value <= top - TURN_PCT:
                mode = _FALL
                low = value
                low_second = second
                state.usual_pct = state.usual if state.minutes else minute_sum / minute
    state.small_steps = small_steps
    state.before = before
    state.last = last
    state.minute = minute
    state.minute_sum = minute_sum
    state.mode = mode
    state.top_pct = top
    state.nadir_pct = low
    state.nadir = low_second
    return made


@njit(cache=True)
def peak_close(state: Any, out: Any) -> int:
    """The recording has ended: judge what waits, by what there is."""
    if state.mode == _RECOVERY:
        _queue(state, True)
        state.mode = _SEEK
    return int(_judge(state, state.last + RECOVERY_S + DELAY_S, out, 0))

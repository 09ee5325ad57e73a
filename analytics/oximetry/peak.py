"""Profile `peak`: desaturations from a local maximum to the nadir, causal, on the artefact-masked signal.

Long because the rule stands here in full, and its kernels share one state and are compiled together.

Rule (version 1.1.0), on the grid of one value a second, masked seconds left out:

1. *Resolution.* As long as the signal has moved in steps of about 1 % only (fewer than `FINE_STEPS` changes below
   `FINE_PCT`), it is an integer sensor's, whatever a converter made of its digits, and is read as whole per cent.
2. *Mean.* Turns are sought on the mean of `MEAN_S` seconds about each second: between two whole per cents a sensor
   flickers, and the share of time at each tells the value between them; a flicker of a few seconds nearly goes.
3. *Turns.* A fall begins when the mean is `TURN_PCT` below its maximum since the last event; its nadir is the first
   second of the lowest mean once it has risen `TURN_PCT` above it. A nadir from which nothing rises within
   `RECOVERY_S` is a new level, not an event.
4. *Start.* Back from the nadir over at most `FALL_MAX_S` to the last second of the maximum, stopping where a whole
   `SHOULDER_S` brought no higher mean (a flat shoulder belongs to what came before), at the end of the event before,
   or at more than five masked seconds.
5. *End.* The first second back at two thirds of the depth; or the highest second, if `BOUNCE_SHARE` of the depth was
   regained before the mean fell again, or nothing more within `RECOVERY_S`. A fall below the nadir before that is the
   same event, deeper.
6. *Candidate.* `MEAN_DEPTH_MIN_PCT` deep in the mean, `FALL_MIN_S`..`FALL_MAX_S` from start to nadir, mean slope >=
   `SLOPE_MIN`, at least `LOW_MIN_S` valid seconds below half of the depth; no more than half of the depth may have
   been fallen across masked seconds, unseen. Start, nadir and depth are then read from the signal itself: its last
   maximum and first minimum within `SNAP_S` of those of the mean.
7. *Confidence* is the weighted mean of five memberships, each rising from 0 to 1 between two limits, less what the
   sensor's flicker (`FLICKER_PCT`) takes away:

   ============  =======  ==========================  =======================================================
   feature       weight   0 .. 1                      reason
   ============  =======  ==========================  =======================================================
   company       0.4      0 .. 8 % of dips around     obstructed breathing recurs: arousal, sleep, obstruction
   own level     0.3      0 .. 2.5 % below it         a fall from an overshoot (a sigh, a waking) only goes
                                                      back to the level of the minutes around it
   fall          0.1      4 .. 12 s to the nadir      the lung's oxygen store empties over breaths, a
                                                      sensor's wobble in seconds
   recovery      0.1      90 .. 45 s to the end       an apnoea ends in large breaths; hypoventilation and
                                                      drift do not come back at once
   depth         0.1      1 .. 4 % in the mean        above the noise of any oximeter
   ============  =======  ==========================  =======================================================

   The own level is the `LEVEL_SHARE` quantile of the mean from `LEVEL_PAST_S` before the nadir to `LEVEL_NEXT_S` after
   it. Company sums over the candidates within `COMPANY_PAST_S` before and `COMPANY_NEXT_S` after (by nadir, `APART_S`
   apart) how far each lies below its own level (`COMPANION_MAX_PCT` at most), times its memberships of fall and
   recovery: so the dips of a restless waking keep nobody company. Flicker is the mean distance of the signal from its
   mean, over minutes of valid seconds with a time constant of `FLICKER_MIN` minutes, taken where the fall begins.
8. A candidate of confidence >= `CONFIDENCE_MIN` and >= `DEPTH_MIN_PCT` is a desaturation. So a textbook fall of 3 %
   stands by itself, one of 2 % needs company. ODI2, ODI3, ODI4 count these by depth.

A desaturation is final `DELAY_S` after its nadir: by then every dip that may keep it company has shown its level.

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
PROFILE_VERSION: Final = "1.1.0"

FINE_PCT: Final = 0.7
FINE_STEPS: Final = 3
"""A 1 % sensor through an 8-bit converter moves in steps of 0.78 or 1.17; one of 0.1 % soon shows smaller ones."""
MEAN_S: Final = 9
"""About the averaging of an oximeter; dips of breathing events last 20 s and more."""
GRAIN: Final = 1024.0
"""The mean is rounded to 1/1024 %, so that equal distances compare equal at every level."""
TURN_PCT: Final = 1.0
_TURN: Final = np.float32(TURN_PCT)  # means are whole numbers of 1/1024, so float32 is exact
DEPTH_MIN_PCT: Final = 2.0
MEAN_DEPTH_MIN_PCT: Final = 1.2
FALL_MIN_S: Final = 4
FALL_MAX_S: Final = 180
LOW_MIN_S: Final = 2
"""A single second is no nadir."""
SLOPE_MIN: Final = 0.03
"""% a second; below it the level drifts."""
SHOULDER_S: Final = 30
RECOVERY_S: Final = 120
RECOVERY_SHARE: Final = 2.0 / 3.0
BOUNCE_SHARE: Final = 0.4
"""Of the depth in the mean, which itself fills a short bounce: about half of that in the signal."""
UNSEEN_SHARE: Final = 0.5
SNAP_S: Final = 5

MINUTE_S: Final = 60
FLICKER_MIN: Final = 5
FLICKER_PCT: Final = 0.2
"""What a quiet sensor of whole per cents does between two of them; each 0.1 % above takes 0.1 of confidence."""
LEVEL_PAST_S: Final = 180
LEVEL_NEXT_S: Final = 120
LEVEL_EVERY_S: Final = 3
"""Neighbouring means share most of their seconds: every third says as much."""
LEVEL_SHARE: Final = 0.6
COMPANY_PAST_S: Final = 300
COMPANY_NEXT_S: Final = 120
COMPANY_FULL_PCT: Final = 8.0
COMPANION_MAX_PCT: Final = 3.0
APART_S: Final = 10
CONFIDENCE_MIN: Final = 0.5

DELAY_S: Final = COMPANY_NEXT_S + LEVEL_NEXT_S + MEAN_S // 2 + 1
"""Seconds from a nadir to its verdict."""

_HALF: Final = MEAN_S // 2
_LEVEL_DELAY_S: Final = RECOVERY_S + _HALF + 1
"""By then a candidate has ended, and (`LEVEL_NEXT_S` is no longer) the mean around it is complete."""
_STEPS: Final = 32  # of 1/9 %: a mean of nine whole per cents lies in the middle of a step
_RING: Final = 512  # start to end spans FALL_MAX_S + RECOVERY_S at most
_RING_MASK: Final = _RING - 1
_QUEUE: Final = 64  # nadirs lie more than FALL_MIN_S apart, so fewer than 62 wait at once
_QUEUE_MASK: Final = _QUEUE - 1
_COMPANY: Final = 128  # and fewer than 110 lie in the span of company of one that waits
_COMPANY_MASK: Final = _COMPANY - 1

_NEVER: Final = 2**62
_SEEK: Final = 0
_FALL: Final = 1
_RECOVERY: Final = 2

PEAK_DTYPE: Final = np.dtype(
    [
        ("flicker", "<f8"),
        ("minute_sum", "<f8"),
        ("total", "<f8"),
        ("minute", "<i8"),
        ("minutes", "<i8"),
        ("within", "<i8"),
        ("mode", "<i8"),
        ("seen", "<i8"),
        ("last", "<i8"),
        ("floor", "<i8"),
        ("start", "<i8"),
        ("nadir", "<i8"),
        ("high", "<i8"),
        ("queued", "<i8"),
        ("levelled", "<i8"),
        ("judged", "<i8"),
        ("small_steps", "<i8"),
        ("before", "<f4"),
        ("top_pct", "<f4"),
        ("start_pct", "<f4"),
        ("nadir_pct", "<f4"),
        ("high_pct", "<f4"),
        ("flicker_pct", "<f4"),
        ("raw", "<f4", (_RING,)),
        ("mean", "<f4", (_RING,)),
        ("queue_start", "<i4", (_QUEUE,)),
        ("queue_nadir", "<i4", (_QUEUE,)),
        ("queue_end", "<i4", (_QUEUE,)),
        ("queue_top", "<f4", (_QUEUE,)),
        ("queue_low", "<f4", (_QUEUE,)),
        ("queue_mean_low", "<f4", (_QUEUE,)),
        ("queue_area", "<f4", (_QUEUE,)),
        ("queue_shape", "<f4", (_QUEUE,)),
        ("company_nadir", "<i4", (_COMPANY,)),
        ("company_pct", "<f4", (_COMPANY,)),
    ],
    align=True,
)
"""State of the detector: the last seconds of the signal and of its mean, the extrema being followed, the candidates
awaiting their verdict, and the company that those of the last minutes can keep."""


@njit(cache=True)
def peak_start(state: Any) -> None:
    """Set the state of a night that has not begun."""
    state.seen = -1
    state.last = -1
    state.before = np.nan
    state.top_pct = -np.inf
    state.raw[:] = np.nan
    state.mean[:] = np.nan


@njit(cache=True, inline="always")
def _membership(value: float, none: float, full: float) -> float:
    """0 at `none`, 1 at `full`, linear between."""
    return min(max((value - none) / (full - none), 0.0), 1.0)


@njit(cache=True)
def _find_start(state: Any) -> None:
    """Walk back from the nadir to the last second of the maximum before it (rule 4)."""
    nadir = state.nadir
    top = state.nadir_pct
    start = nadir
    masked = 0
    for second in range(nadir - 1, max(nadir - FALL_MAX_S, state.floor) - 1, -1):
        value = state.mean[second & _RING_MASK]
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
def _last_maximum(raw: Any, first: int, last: int) -> int:
    """Second of the last maximum of the signal in `first`..`last`; -1 if all of it is masked."""
    found = -1
    top = np.float32(-np.inf)
    for second in range(first, last + 1):
        if raw[second & _RING_MASK] >= top:
            top = raw[second & _RING_MASK]
            found = second
    return found


@njit(cache=True)
def _first_minimum(raw: Any, first: int, last: int) -> int:
    """Second of the first minimum of the signal in `first`..`last`; -1 if all of it is masked."""
    found = -1
    low = np.float32(np.inf)
    for second in range(first, last + 1):
        if raw[second & _RING_MASK] < low:
            low = raw[second & _RING_MASK]
            found = second
    return found


@njit(cache=True)
def _queue(state: Any, recovered: bool) -> None:
    """The event being followed has ended at its highest second: if it is a candidate, let it wait for its verdict."""
    mean_depth = state.start_pct - state.nadir_pct
    fall = state.nadir - state.start
    if mean_depth < MEAN_DEPTH_MIN_PCT or fall < FALL_MIN_S or mean_depth < SLOPE_MIN * fall:
        return
    raw = state.raw
    start = _last_maximum(raw, max(state.start - SNAP_S, state.floor), min(state.start + SNAP_S, state.nadir - 1))
    nadir = _first_minimum(raw, max(state.nadir - SNAP_S, start + 1), min(state.nadir + SNAP_S, state.high))
    if start < 0 or nadir < 0:
        return
    top = raw[start & _RING_MASK]
    low = raw[nadir & _RING_MASK]
    depth = top - low
    area = 0.0
    low_s = 0
    before = top
    before_second = start
    end = state.high
    for second in range(start, state.high + 1):
        value = raw[second & _RING_MASK]
        if value != value:
            continue
        if value < top:
            area += top - value
        low_s += value < top - 0.5 * depth
        if second <= nadir and second > before_second + 1 and before - value > UNSEEN_SHARE * depth:
            return
        before = value
        before_second = second
        if second > nadir and value - low >= RECOVERY_SHARE * depth:
            end = second
            break
    if low_s < LOW_MIN_S:
        return
    rise = state.high - state.nadir if recovered else np.int64(RECOVERY_S)
    shape = _membership(fall, 4.0, 12.0)
    back = _membership(float(rise), 90.0, 45.0)
    slot = state.queued & _QUEUE_MASK
    state.queue_start[slot] = start
    state.queue_nadir[slot] = nadir
    state.queue_end[slot] = end
    state.queue_top[slot] = top
    state.queue_low[slot] = low
    state.queue_mean_low[slot] = state.nadir_pct
    state.queue_area[slot] = area
    state.queue_shape[slot] = (
        0.1 * shape + 0.1 * back + 0.1 * _membership(mean_depth, 1.0, 4.0) - max(state.flicker_pct - FLICKER_PCT, 0.0)
    )
    state.company_nadir[state.queued & _COMPANY_MASK] = nadir
    state.company_pct[state.queued & _COMPANY_MASK] = shape * back
    state.queued += 1


@njit(cache=True)
def _below_level(state: Any, nadir: int, low: float) -> float:
    """How far a nadir lies below its own level, % (0..`_STEPS` / 9)."""
    steps = np.zeros(_STEPS + 1, np.int32)
    count = 0
    for second in range(nadir - LEVEL_PAST_S, min(nadir + LEVEL_NEXT_S, state.seen - _HALF) + 1, LEVEL_EVERY_S):
        value = state.mean[second & _RING_MASK]
        if value == value:
            steps[min(max(int(9.0 * (value - low) + 0.5), 0), _STEPS)] += 1
            count += 1
    passed = 0
    for step in range(_STEPS):
        passed += steps[step]
        if passed >= LEVEL_SHARE * count:
            return step / 9.0
    return _STEPS / 9.0


@njit(cache=True)
def _level(state: Any, now: int) -> None:
    """Compare with their own level the candidates around which the mean is complete at second `now`."""
    while state.levelled < state.queued:
        slot = state.levelled & _QUEUE_MASK
        nadir = state.queue_nadir[slot]
        if now < nadir + _LEVEL_DELAY_S:
            break
        below = _below_level(state, nadir, state.queue_mean_low[slot])
        state.queue_shape[slot] += 0.3 * _membership(below, 0.0, 2.5)
        state.company_pct[state.levelled & _COMPANY_MASK] *= min(below, COMPANION_MAX_PCT)
        state.levelled += 1


@njit(cache=True)
def _judge(state: Any, now: int, out: Any, made: int) -> int:
    """Give their verdict to the candidates whose company is known at second `now`; returns the rows written so far."""
    _level(state, now)
    while state.judged < state.queued:
        slot = state.judged & _QUEUE_MASK
        nadir = state.queue_nadir[slot]
        if now < nadir + DELAY_S:
            break
        state.judged += 1
        company = 0.0
        for i in range(max(state.levelled - _COMPANY, 0), state.levelled):
            away = state.company_nadir[i & _COMPANY_MASK] - nadir
            if -COMPANY_PAST_S <= away <= -APART_S or APART_S <= away <= COMPANY_NEXT_S:
                company += state.company_pct[i & _COMPANY_MASK]
        confidence = state.queue_shape[slot] + 0.4 * _membership(company, 0.0, COMPANY_FULL_PCT)
        depth = state.queue_top[slot] - state.queue_low[slot]
        if confidence < CONFIDENCE_MIN - 1e-6 or depth < DEPTH_MIN_PCT:
            continue
        row = out[made]
        row.start_s = state.queue_start[slot]
        row.nadir_s = nadir
        row.end_s = state.queue_end[slot]
        row.baseline_pct = state.queue_top[slot]
        row.nadir_pct = state.queue_low[slot]
        row.depth_pct = depth
        row.area_pct_s = state.queue_area[slot]
        row.confidence = confidence
        made += 1
    return made


@njit(cache=True)
def _next_due(state: Any) -> int:
    """Second at which the first of the waiting candidates is compared with its level, or judged."""
    due = _NEVER
    if state.levelled < state.queued:
        due = int(state.queue_nadir[state.levelled & _QUEUE_MASK]) + _LEVEL_DELAY_S
    if state.judged < state.queued:
        due = min(due, int(state.queue_nadir[state.judged & _QUEUE_MASK]) + DELAY_S)
    return due


@njit(cache=True)
def _recover(state: Any, second: int, value: float) -> int:
    """Follow a recovery by one second (rules 3 and 5); returns the mode that follows."""
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
def _learn_flicker(state: Any, minute_sum: float) -> None:
    """Take a minute of valid seconds into the flicker."""
    state.minutes = min(state.minutes + 1, FLICKER_MIN)
    state.flicker += (minute_sum / MINUTE_S - state.flicker) / state.minutes


@njit(cache=True)
def _skip(state: Any) -> None:
    """Time was skipped, after missing seconds enough to end what was followed: the past is out of reach."""
    _level(state, _NEVER)
    state.raw[:] = np.nan
    state.mean[:] = np.nan


@njit(cache=True)
def peak_advance(state: Any, count: int, seconds: Any, spo2: Any, out: Any) -> int:
    """Follow `count` settled seconds (masked ones NaN); returns how many desaturations became final (rows of `out`)."""
    made = 0
    raw = state.raw
    mean = state.mean
    small_steps = state.small_steps
    before = state.before
    due = _next_due(state)
    seen = state.seen
    last = state.last
    total = state.total
    within = state.within
    minute = state.minute
    minute_sum = state.minute_sum
    mode = state.mode
    top = state.top_pct
    low = state.nadir_pct
    low_second = state.nadir
    for i in range(count):
        now = np.int64(seconds[i])
        if now >= due or now != seen + 1:
            state.seen = seen
            made = _judge(state, int(now), out, made)
            if now != seen + 1:
                _skip(state)
            due = _next_due(state)
        seen = now
        newest = spo2[i]
        if newest == newest and small_steps < FINE_STEPS:
            step = abs(newest - before)
            before = newest
            if 0.01 < step < FINE_PCT:
                small_steps += 1
            newest = np.rint(newest)
        oldest = raw[(now - MEAN_S) & _RING_MASK]
        gained = newest == newest
        lost = oldest == oldest
        # Whole numbers of 2^-18, so exact: the sum forgets what left it. One addition, for speed.
        total += (float(newest) if gained else 0.0) - (float(oldest) if lost else 0.0)
        within += np.int64(gained) - np.int64(lost)
        raw[now & _RING_MASK] = newest
        second = now - _HALF
        own = raw[second & _RING_MASK]
        if own != own:
            mean[second & _RING_MASK] = own
            if second - last > BRIDGE_S:
                if mode == _RECOVERY:
                    _queue(state, True)
                    due = _next_due(state)
                mode = _SEEK
                top = np.float32(-np.inf)
                state.floor = second
            continue
        grains = total * (GRAIN / MEAN_S) if within == MEAN_S else total * GRAIN / within
        value = np.float32(np.rint(grains) * (1.0 / GRAIN))
        mean[second & _RING_MASK] = value
        last = second
        minute_sum += abs(own - value)
        minute += 1
        if minute == MINUTE_S:
            _learn_flicker(state, minute_sum)
            minute = 0
            minute_sum = 0.0
        if mode == _FALL:
            if value < low:
                low = value
                low_second = second
            elif value >= low + _TURN:
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
            mode = _recover(state, int(second), float(value))
            if mode == _FALL:
                low = value
                low_second = second
            elif mode == _SEEK:
                top = state.high_pct
                due = _next_due(state)
        if mode == _SEEK:
            if value > top:
                top = value
            elif value <= top - _TURN:
                mode = _FALL
                low = value
                low_second = second
                state.flicker_pct = state.flicker if state.minutes else minute_sum / minute
    state.small_steps = small_steps
    state.before = before
    state.seen = seen
    state.last = last
    state.total = total
    state.within = within
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
    return int(_judge(state, state.seen + RECOVERY_S + DELAY_S, out, 0))

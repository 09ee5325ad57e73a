"""Artefact masking: which seconds of the grid are not to be believed, and why.

A step of its own between the grid and everything that reads SpO2. Rules, in the order in which a reason is given:

- what the sample itself says (`signal`): missing, out of 50..100 %, no finger, charging, device artefact, low
  perfusion, poor signal, motion;
- **edge**: the first `EDGE_S` seconds after the sensor went on and the last `EDGE_S` before it went off. Off is more
  than `BRIDGE_S` seconds without a value; the recording's start is sensor-on. A finger that slides out reads falling
  values;
- **step**: a change of more than `STEP_PCT_PER_S` between two samples, fall or rise; the blood cannot do it, a lost
  pulse can. The rate is taken over the samples' real distance. A device that writes each sample several times (found
  from what divides the lengths of the last `RUNS_KEPT` runs of equal values, at most `REPEAT_MAX`) is judged by the
  distance of its true samples. A step and a step back within `EXCURSION_S` mask all between them.
- **filler**: missing rows at the very end are the file's, not the sleeper's: they count as neither recorded nor
  missing.

A masked second is missing for all that follows: it never makes, ends or deepens a desaturation; up to `BRIDGE_S` of
them are bridged and more cut. The delay is `DELAY_S` seconds on top of the grid's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.signal import CHARGING, MOTION, NO_FINGER, OUT_OF_RANGE, VALID

STEP: Final = MOTION + 1
EDGE: Final = MOTION + 2
FILLER: Final = MOTION + 3

BRIDGE_S: Final = 5
"""Masked seconds that an event may span; the facts of the field, and the longest averaging time of common sensors."""

EDGE_S: Final = 3
"""Suspect seconds at sensor-on and sensor-off."""

STEP_PCT_PER_S: Final = 4.0
"""Fastest believable change. Desaturations in apnoea fall at 0.1..1 %/s; 4 %/s is the field's usual guard."""

EXCURSION_S: Final = 8
"""A step and its opposite within this time are one artefact."""

REPEAT_MAX: Final = 4
RUNS_KEPT: Final = 8
_MULTIPLE: Final = 12  # of every possible repeat

DELAY_S: Final = 10
"""Seconds between a second's arrival and its judgement: `BRIDGE_S` + 1 to know that the sensor is off, `EDGE_S`
before."""

MASK_DTYPE: Final = np.dtype(
    [
        ("held", "<i8"),
        ("off_run", "<i8"),
        ("edge_left", "<i8"),
        ("before_second", "<i8"),
        ("change_second", "<i8"),
        ("changes", "<i8"),
        ("jump", "<i8"),
        ("before", "<f4"),
        ("jump_up", "u1"),
        ("held_step", "u1"),
        ("runs", "u1", (RUNS_KEPT,)),
        ("line_second", "<i4", (DELAY_S,)),
        ("line_spo2", "<f4", (DELAY_S,)),
        ("line_reason", "u1", (DELAY_S,)),
    ],
    align=True,
)
"""State of the mask: the delay line, the sensor's presence, the last believed sample and the last step."""


@njit(cache=True, inline="always")
def _is_off(reason: int) -> bool:
    """Whether the reason means that there was no finger to read."""
    return VALID < reason <= OUT_OF_RANGE or reason in (NO_FINGER, CHARGING)


@njit(cache=True)
def _mark(why: Any, first: int, last: int, reason: int) -> None:
    """Mask the valid ones of positions first..last for `reason`."""
    for i in range(max(first, 0), last + 1):
        if why[i] == VALID:
            why[i] = reason


@njit(cache=True)
def mask_start(state: Any) -> None:
    """Set the state of a night that has not begun: the sensor is off."""
    state.off_run = BRIDGE_S + 1
    state.edge_left = EDGE_S
    state.before = np.nan
    state.jump = -1


@njit(cache=True)
def mask_resume(state: Any, second: Any, spo2: Any, why: Any) -> int:
    """Put the seconds that await judgement at the head of the arrays; returns how many they are."""
    for i in range(state.held):
        second[i] = state.line_second[i]
        spo2[i] = state.line_spo2[i]
        why[i] = state.line_reason[i]
    return int(state.held)


@njit(cache=True)
def _blank(count: int, spo2: Any, why: Any) -> None:
    """Make the masked seconds missing."""
    for i in range(count):
        spo2[i] = spo2[i] if why[i] == VALID else np.float32(np.nan)


@njit(cache=True)
def mask_suspend(state: Any, total: int, second: Any, spo2: Any, why: Any) -> int:
    """Keep the last seconds of `total` for later, and blank the masked ones before; returns how many are settled."""
    settled = max(total - DELAY_S, 0)
    state.held = total - settled
    for i in range(settled, total):
        state.line_second[i - settled] = second[i]
        state.line_spo2[i - settled] = spo2[i]
        state.line_reason[i - settled] = why[i]
    state.jump = max(state.jump - settled, -1)
    _blank(settled, spo2, why)
    return settled


@njit(cache=True)
def _repeats(state: Any) -> int:
    """How often the device writes each sample: the number that divides all of the last runs of equal values."""
    if state.changes <= RUNS_KEPT:
        return 1
    for repeat in range(REPEAT_MAX, 1, -1):
        divides = True
        for i in range(RUNS_KEPT):
            divides = divides and state.runs[i] % repeat == 0
        if divides:
            return repeat
    return 1


@njit(cache=True)
def _is_step(state: Any, i: int, span: int, before: float, value: float, why: Any) -> bool:
    """Whether the change to `value` within `span` s is a step; a step back masks the excursion as well."""
    step = value - before
    if not abs(step) > STEP_PCT_PER_S * max(span, _repeats(state)):
        return False
    up = np.uint8(1) if step > 0.0 else np.uint8(0)
    if state.jump >= 0 and i - state.jump <= EXCURSION_S and state.jump_up != up:
        _mark(why, state.jump, i - 1, STEP)
        state.jump = -1
    else:
        state.jump = i
        state.jump_up = up
    return True


@njit(cache=True)
def mask_advance(state: Any, held: int, total: int, second: Any, spo2: Any, why: Any, fresh: Any) -> None:
    """Judge the grid seconds held..total, those before `held` being in the delay line; verdicts go into `why`."""
    off_run = state.off_run
    edge_left = state.edge_left
    before = state.before
    before_second = state.before_second
    runs = state.runs
    quiet = off_run == 0 and edge_left == 0 and state.held_step == 0
    # Views from 0 on: the compiler then knows that no index is negative.
    new_why = why[held:total]
    new_spo2 = spo2[held:total]
    new_fresh = fresh[held:total]
    new_second = second[held:total]
    for at in range(total - held):
        reason = new_why[at]
        if quiet and reason == VALID and new_fresh[at] and new_spo2[at] == before:  # most seconds of most nights
            before_second = np.int64(new_second[at])
            continue
        i = held + at
        if reason != VALID and _is_off(reason):
            off_run += 1
            if off_run > BRIDGE_S:
                if off_run == BRIDGE_S + 1:
                    _mark(why, i - BRIDGE_S - EDGE_S, i - BRIDGE_S - 1, EDGE)
                edge_left = EDGE_S
                before = np.float32(np.nan)
                state.jump = -1
            quiet = False
            continue
        off_run = 0
        if reason == VALID:
            if fresh[i]:
                value = spo2[i]
                now = np.int64(second[i])
                state.held_step = 0
                if value != before:
                    if abs(value - before) > STEP_PCT_PER_S:  # no sample before is NaN, and no step
                        state.held_step = _is_step(state, i, now - before_second, before, value, why)
                    runs[state.changes % RUNS_KEPT] = (now - state.change_second) % _MULTIPLE
                    state.changes += 1
                    state.change_second = now
                    before = value
                before_second = now
            if state.held_step:
                why[i] = STEP
        if edge_left > 0:
            edge_left -= 1
            if why[i] == VALID:
                why[i] = EDGE
        quiet = edge_left == 0 and state.held_step == 0
    state.off_run = off_run
    state.edge_left = edge_left
    state.before = before
    state.before_second = before_second


@njit(cache=True)
def mask_close(state: Any, total: int, spo2: Any, why: Any) -> int:
    """The recording has ended: settle all seconds. Missing ones at its end are the sensor going off."""
    if 0 < state.off_run <= BRIDGE_S:
        _mark(why, total - state.off_run - EDGE_S, total - state.off_run - 1, EDGE)
    state.held = 0
    _blank(total, spo2, why)
    return total

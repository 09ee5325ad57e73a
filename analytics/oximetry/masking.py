"""Artefact masking: which seconds of the grid are not to be believed, and why.

A step of its own between the grid and everything that reads SpO2. Rules, in the order in which a reason is given:

- what the sample itself says (`signal`): missing, out of 50..100 %, no finger, charging, device artefact, low
  perfusion, poor signal, motion;
- **edge**: the first `EDGE_S` seconds after the sensor went on and the last `EDGE_S` before it went off. Off is more
  than `BRIDGE_S` seconds without a value; the recording's start is sensor-on. A finger that slides out reads falling
  values;
- **step**: a change of more than `STEP_PCT_PER_S` between two samples, fall or rise; the blood cannot do it, a lost
  pulse can. The rate is taken over the samples' real distance. A device that writes each sample several times (found
  from the shortest run of equal values among the last `RUNS_KEPT`, at most `REPEAT_MAX`) is judged by the distance of
  its true samples. A step and a step back within `EXCURSION_S` mask all between them.
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

DELAY_S: Final = 10
"""Seconds between a second's arrival and its judgement: `BRIDGE_S` + 1 to know that the sensor is off, `EDGE_S`
before."""

_RING: Final = 16
_MASK: Final = _RING - 1

MASK_DTYPE: Final = np.dtype(
    [
        ("n", "<i8"),
        ("off_run", "<i8"),
        ("edge_left", "<i8"),
        ("before_second", "<i8"),
        ("change_second", "<i8"),
        ("changes", "<i8"),
        ("jump_n", "<i8"),
        ("before", "<f4"),
        ("jump_from", "<f4"),
        ("jump_up", "u1"),
        ("held_step", "u1"),
        ("runs", "u1", (RUNS_KEPT,)),
        ("ring_second", "<i4", (_RING,)),
        ("ring_spo2", "<f4", (_RING,)),
        ("ring_pulse", "<f4", (_RING,)),
        ("ring_reason", "u1", (_RING,)),
    ],
    align=True,
)
"""State of the mask: the delay line, the sensor's presence, the last believed sample and the last step."""


@njit(cache=True, inline="always")
def _is_off(reason: int) -> bool:
    """Whether the reason means that there was no finger to read."""
    return VALID < reason <= OUT_OF_RANGE or reason in (NO_FINGER, CHARGING)


@njit(cache=True)
def _mark(state: Any, first: int, last: int, reason: int) -> None:
    """Mask the valid seconds of positions first..last (in the delay line) for `reason`."""
    for position in range(max(first, 0), last + 1):
        slot = position & _MASK
        if state.ring_reason[slot] == VALID:
            state.ring_reason[slot] = reason


@njit(cache=True)
def mask_start(state: Any) -> None:
    """Set the state of a night that has not begun: the sensor is off."""
    state.off_run = BRIDGE_S + 1
    state.edge_left = EDGE_S
    state.before = np.nan
    state.jump_n = -1


@njit(cache=True)
def mask_advance(
    state: Any,
    count: int,
    second: Any,
    spo2: Any,
    pulse: Any,
    reason: Any,
    fresh: Any,
    out_second: Any,
    out_spo2: Any,
    out_pulse: Any,
    out_reason: Any,
) -> int:
    """Judge `count` grid seconds; returns how many are settled (written to the `out_` arrays, masked ones as NaN)."""
    made = 0
    n = state.n
    for i in range(count):
        slot = n & _MASK
        if n >= DELAY_S:
            old = (n - DELAY_S) & _MASK
            verdict = state.ring_reason[old]
            out_second[made] = state.ring_second[old]
            out_reason[made] = verdict
            out_spo2[made] = state.ring_spo2[old] if verdict == VALID else np.float32(np.nan)
            out_pulse[made] = state.ring_pulse[old] if verdict == VALID else np.float32(np.nan)
            made += 1
        value = spo2[i]
        why = reason[i]
        state.ring_second[slot] = second[i]
        state.ring_spo2[slot] = value
        state.ring_pulse[slot] = pulse[i]
        if why != VALID and _is_off(why):
            state.ring_reason[slot] = why
            state.off_run += 1
            if state.off_run > BRIDGE_S:
                if state.off_run == BRIDGE_S + 1:
                    _mark(state, n - BRIDGE_S - EDGE_S, n - BRIDGE_S - 1, EDGE)
                state.edge_left = EDGE_S
                state.before = np.nan
                state.jump_n = -1
            n += 1
            continue
        state.off_run = 0
        if why == VALID:
            if fresh[i]:
                step = value - state.before
                state.held_step = 0
                if step != 0.0:  # also where there is no sample before: NaN
                    run = second[i] - state.change_second
                    state.change_second = second[i]
                    span = second[i] - state.before_second
                    repeat = np.int64(1)
                    if state.changes >= RUNS_KEPT:
                        repeat = np.int64(REPEAT_MAX)
                        for j in range(RUNS_KEPT):
                            repeat = min(repeat, np.int64(state.runs[j]))
                    state.runs[state.changes % RUNS_KEPT] = min(max(run, 1), REPEAT_MAX)
                    state.changes += 1
                    if abs(step) > STEP_PCT_PER_S * max(span, repeat):
                        state.held_step = 1
                        up = np.uint8(1) if step > 0.0 else np.uint8(0)
                        if (
                            state.jump_n >= 0
                            and n - state.jump_n <= EXCURSION_S
                            and state.jump_up != up
                            and abs(value - state.jump_from) <= STEP_PCT_PER_S
                        ):
                            _mark(state, state.jump_n, n - 1, STEP)
                            state.jump_n = -1
                        else:
                            state.jump_n = n
                            state.jump_from = state.before
                            state.jump_up = up
                state.before = value
                state.before_second = second[i]
            if state.held_step:
                why = np.uint8(STEP)
        if state.edge_left > 0:
            state.edge_left -= 1
            if why == VALID:
                why = np.uint8(EDGE)
        state.ring_reason[slot] = why
        n += 1
    state.n = n
    return made


@njit(cache=True)
def mask_close(state: Any, out_second: Any, out_spo2: Any, out_pulse: Any, out_reason: Any) -> int:
    """Settle the seconds in the delay line: the recording has ended."""
    n = state.n
    if 0 < state.off_run <= BRIDGE_S:
        _mark(state, n - state.off_run - EDGE_S, n - state.off_run - 1, EDGE)
    made = 0
    for position in range(max(n - DELAY_S, 0), n):
        slot = position & _MASK
        verdict = state.ring_reason[slot]
        out_second[made] = state.ring_second[slot]
        out_reason[made] = verdict
        out_spo2[made] = state.ring_spo2[slot] if verdict == VALID else np.float32(np.nan)
        out_pulse[made] = state.ring_pulse[slot] if verdict == VALID else np.float32(np.nan)
        made += 1
    return made

"""The pulse of a night as it arrives: its mean and range, and its answer to each desaturation (see `pulse_response`).

A second's pulse is the last sample that begins in it, or the one before it while its own interval lasts; it counts
where the second's SpO2 is believed, so it waits for that verdict. A desaturation's pulse is judged with the
desaturation, when the seconds around it are long settled. Delay: that of the SpO2's mask, or of the desaturation.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.masking import DELAY_S
from analytics.oximetry.peak import DELAY_S as EVENT_DELAY_S
from analytics.oximetry.peak import FALL_MAX_S, SNAP_S
from analytics.oximetry.pulse_response import BASELINE_S, VALID_HIGH_BPM, VALID_LOW_BPM, judge_event
from analytics.oximetry.signal import MAX_HOLD_MS, VALID

TAIL: Final = EVENT_DELAY_S + FALL_MAX_S + 2 * SNAP_S + BASELINE_S + 1
"""Settled seconds kept: from the baseline before a desaturation to its verdict."""

NUMBERS: Final = 7

HOLD_DTYPE: Final = np.dtype([("until_ms", "<i8"), ("bpm", "<f4")], align=True)
"""The latest sample, and how far it reaches."""

PULSE_DTYPE: Final = np.dtype(
    [
        ("hold", HOLD_DTYPE),
        ("any", "<i8"),
        ("held", "<i8"),
        ("kept", "<i8"),
        ("valid", "<i8"),
        ("rises", "<i8"),
        ("judged", "<i8"),
        ("sum", "<f8"),
        ("response_sum", "<f8"),
        ("low", "<f4"),
        ("high", "<f4"),
        ("line", "<f4", (DELAY_S,)),
        ("tail_second", "<i4", (TAIL,)),
        ("tail", "<f4", (TAIL,)),
    ],
    align=True,
)
"""State of the pulse: seconds that await the mask's verdict, the settled ones that a desaturation may need, counts."""


@njit(cache=True)
def hold_advance(
    hold: Any, last_ms: int, rel_ms: int, dt_ms: int, pulse: Any, first: int, count: int, second: Any, out: Any
) -> None:
    """Pulse of the grid seconds first..count, which became final with a chunk of samples.

    Parameters
    ----------
    hold
        `HOLD_DTYPE`; zeros for a recording that has not begun.
    last_ms, rel_ms
        Times of the latest sample before the chunk (-1: none) and of the chunk's first, ms from the recording's first.
    pulse
        Pulse of the chunk, bpm; empty where it has none.
    second, out
        The grid's seconds, and where their pulse goes: bpm, NaN where there is none.
    """
    reach = min(max(dt_ms, 1000), MAX_HOLD_MS)
    n = pulse.shape[0]
    at = 0
    if n and rel_ms <= last_ms:
        at = min(n, (last_ms - rel_ms) // dt_ms + 1)
    until = hold.until_ms
    bpm = hold.bpm
    for i in range(first, count):
        begin = np.int64(second[i]) * 1000
        while at < n and rel_ms + at * dt_ms < begin + 1000:
            bpm = pulse[at]
            until = rel_ms + at * dt_ms + reach
            at += 1
        out[i] = bpm if until > begin else np.float32(np.nan)
    if at < n:  # of the second that is not over
        bpm = pulse[n - 1]
        until = rel_ms + (n - 1) * dt_ms + reach
    hold.until_ms = until
    hold.bpm = bpm


@njit(cache=True)
def pulse_resume(state: Any, held: int, out: Any) -> None:
    """Put the seconds that await the mask's verdict at the head of `out`."""
    for i in range(held):
        out[i] = state.line[i] if i < state.held else np.float32(np.nan)


@njit(cache=True)
def pulse_settle(
    state: Any, settled: int, total: int, second: Any, why: Any, pulse: Any, events: Any, made: int
) -> None:
    """Count the settled seconds of `total`, judge the `made` desaturations that became final, keep what is to come."""
    kept = state.kept
    seconds = np.empty(kept + settled, np.int32)
    values = np.empty(kept + settled, np.float32)
    seconds[:kept] = state.tail_second[:kept]
    values[:kept] = state.tail[:kept]
    for i in range(settled):
        value = pulse[i]
        believed = why[i] == VALID and VALID_LOW_BPM <= value <= VALID_HIGH_BPM
        seconds[kept + i] = second[i]
        values[kept + i] = value if believed else np.float32(np.nan)
        if believed:
            if state.valid == 0:
                state.low = value
                state.high = value
            state.valid += 1
            state.sum += value
            state.low = min(state.low, value)
            state.high = max(state.high, value)
    for k in range(made):
        response, rose = judge_event(seconds, values, events[k])
        state.rises += rose
        if response == response:
            state.judged += 1
            state.response_sum += response
    left = min(kept + settled, TAIL)
    state.tail_second[:left] = seconds[kept + settled - left :]
    state.tail[:left] = values[kept + settled - left :]
    state.kept = left
    state.held = total - settled
    for i in range(settled, total):
        state.line[i - settled] = pulse[i]


@njit(cache=True)
def pulse_numbers(state: Any, out: Any) -> None:
    """Write valid seconds, mean, lowest, highest, rise index, mean response and its events to `out`."""
    valid = state.valid
    seconds = float(valid) if valid else np.nan
    out[0] = valid
    out[1] = state.sum / seconds
    out[2] = state.low if valid else np.nan
    out[3] = state.high if valid else np.nan
    out[4] = 3600.0 * state.rises / seconds
    out[5] = state.response_sum / (float(state.judged) if state.judged else np.nan)
    out[6] = state.judged

"""Samples of any interval, laid causally on a grid of one value a second.

The grid's second ``k`` is ``[origin + 1000 k, origin + 1000 (k + 1))`` ms, the origin being the time of the
recording's first sample. Its value is

- the last valid sample that begins in it (a device of 4 Hz gives four; one sample flagged as suspect makes the second
  suspect, a missing one beside a valid one does not matter);
- else the latest sample before it, as long as that one's own interval covers half of the second (a device of 2 s or 4 s
  is held, not interpolated: a value that nobody measured is never made), at most `MAX_HOLD_MS`;
- else missing: time that no sample covers is a gap.

A second is final when a later sample begins in another second, so the delay is one sampling interval. Samples at or
before the time of the latest one are ignored and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

FLAG_NO_FINGER: Final = 1
FLAG_LOW_PERFUSION: Final = 2
FLAG_POOR_SIGNAL: Final = 4
FLAG_DEVICE_ARTEFACT: Final = 8
FLAG_CHARGING: Final = 16

MOTION_NONE: Final = 255
"""The device reports no motion."""

MOTION_LIMIT: Final = 90
"""Motion at or above this is a suspect second. Rings report 0..254 in steps of their own; in a night of a Viatom O2
Max 99 % of all samples are below 10, and the turns of the body are above 30 for single samples without harm to SpO2."""

MAX_HOLD_MS: Final = 10_000
"""Longest time that one sample may stand for."""

HALF_MS: Final = 500
"""How much of a second a sample must cover to stand for it: a clock may jitter by as much."""

GAP_SECONDS: Final = 16
"""A longer gap is laid out with this many missing seconds, then skipped: enough to empty every delay line behind."""

VALID_LOW_PCT: Final = 50.0
VALID_HIGH_PCT: Final = 100.0
"""The valid range, and nothing narrower: real nadirs reach into the fifties."""

# Why a second is not valid; 0 is valid. The order is that of `indices.REASONS`.
VALID: Final = 0
MISSING: Final = 1
GAP: Final = 2
OUT_OF_RANGE: Final = 3
NO_FINGER: Final = 4
LOW_PERFUSION: Final = 5
POOR_SIGNAL: Final = 6
DEVICE_ARTEFACT: Final = 7
CHARGING: Final = 8
MOTION: Final = 9

GRID_DTYPE: Final = np.dtype(
    [
        ("origin_ms", "<i8"),
        ("last_ms", "<i8"),
        ("covered_ms", "<i8"),
        ("second", "<i8"),
        ("ignored", "<i8"),
        ("spo2", "<f4"),
        ("reason", "u1"),
        ("started", "u1"),
    ],
    align=True,
)
"""State of the grid: the second being filled (its times relative to the origin) and how far its sample reaches."""


@dataclass(frozen=True, slots=True)
class OximetryChunk:
    """Evenly sampled oximetry of one device: any length, any interval.

    Parameters
    ----------
    t0_ms
        Time of the first sample, UTC ms (or ms from the recording's start).
    dt_ms
        Sampling interval, > 0.
    spo2
        Oxygen saturation, %, float32, shape (n,); NaN missing.
    pulse, motion, flags
        Pulse rate (bpm, float32, NaN missing), motion (uint8, device units, 255 none) and flag bits (uint16: 1 no
        finger, 2 low perfusion, 4 poor signal, 8 device artefact, 16 charging): shape (n,), or empty where the device
        has none.

    Raises
    ------
    ValueError
        For an interval that is not positive, or columns of unequal length.
    """

    t0_ms: int
    dt_ms: int
    spo2: NDArray[np.float32]
    pulse: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    motion: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    flags: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))

    def __post_init__(self) -> None:
        if self.dt_ms <= 0:
            raise ValueError(f"sampling interval must be positive, not {self.dt_ms} ms")
        n = len(self.spo2)
        if len(self.pulse) not in (0, n) or len(self.motion) not in (0, n) or len(self.flags) not in (0, n):
            raise ValueError("the columns of an oximetry chunk differ in length")


@njit(cache=True, inline="always")
def _judge(spo2: float, motion: int, flags: int) -> int:
    """Reason for which one sample is not to be believed, `VALID` if none."""
    if flags:
        if flags & FLAG_NO_FINGER:
            return NO_FINGER
        if flags & FLAG_CHARGING:
            return CHARGING
        if flags & FLAG_DEVICE_ARTEFACT:
            return DEVICE_ARTEFACT
        if flags & FLAG_LOW_PERFUSION:
            return LOW_PERFUSION
        if flags & FLAG_POOR_SIGNAL:
            return POOR_SIGNAL
    if VALID_LOW_PCT <= spo2 <= VALID_HIGH_PCT:
        if MOTION_LIMIT <= motion < MOTION_NONE:
            return MOTION
        return VALID
    if spo2 != spo2 or spo2 == 0.0 or spo2 == 127.0 or spo2 == 255.0 or spo2 == 511.0 or spo2 == 65535.0:
        return MISSING
    return OUT_OF_RANGE


@njit(cache=True)
def grid_capacity(samples: int, dt_ms: int) -> int:
    """Most seconds that `samples` samples can make final."""
    longest = GAP_SECONDS + MAX_HOLD_MS // 1000 + 1
    return samples * min(-(-dt_ms // 1000), longest) + 2 * longest


@njit(cache=True)
def _one_a_second(
    state: Any, first: int, spo2: Any, at: int, out_second: Any, out_spo2: Any, out_reason: Any, out_fresh: Any
) -> int:
    """The plain case, sample for second and nothing but SpO2, as a loop that the compiler can vectorise."""
    count = spo2.shape[0] - first
    out_second[at] = state.second
    out_spo2[at] = state.spo2
    out_reason[at] = state.reason
    out_fresh[at] = 1
    # Views from 0 on: the compiler then knows that no index is negative, and vectorises.
    values = spo2[first:]
    seconds = out_second[at + 1 : at + 1 + count]
    laid = out_spo2[at + 1 : at + 1 + count]
    reasons = out_reason[at + 1 : at + 1 + count]
    fresh = out_fresh[at + 1 : at + 1 + count]
    begin = state.second + 1
    for i in range(count):
        laid[i] = values[i]
        fresh[i] = 1
    for i in range(count):
        seconds[i] = begin + i
    for i in range(count):
        reasons[i] = not VALID_LOW_PCT <= values[i] <= VALID_HIGH_PCT
    for i in range(count):
        if reasons[i] != VALID:
            reasons[i] = _judge(values[i], MOTION_NONE, 0)
    # The last sample's second is not over: it waits in the state, and what was written of it is overwritten next time.
    at += count
    state.second += count
    state.spo2 = out_spo2[at]
    state.reason = out_reason[at]
    return at


@njit(cache=True)
def grid_advance(
    state: Any,
    t0_ms: int,
    dt_ms: int,
    spo2: Any,
    motion: Any,
    flags: Any,
    at: int,
    out_second: Any,
    out_spo2: Any,
    out_reason: Any,
    out_fresh: Any,
) -> int:
    """Lay samples on the grid, writing the seconds that became final from position `at` on; returns the next position.

    `out_second` jumps only after `GAP_SECONDS` missing ones; `out_fresh` is 1 where a sample began in the second.
    """
    n = spo2.shape[0]
    if n == 0:
        return at
    has_motion = motion.shape[0] == n
    has_flags = flags.shape[0] == n
    reach = min(dt_ms, MAX_HOLD_MS)
    if state.started:
        rel = t0_ms - state.origin_ms
        first = 0
        if rel <= state.last_ms:
            first = min(n, (state.last_ms - rel) // dt_ms + 1)
            state.ignored += first
    else:
        state.started = 1
        state.origin_ms = t0_ms
        state.covered_ms = reach
        state.spo2 = spo2[0]
        state.reason = _judge(spo2[0], motion[0] if has_motion else MOTION_NONE, flags[0] if has_flags else 0)
        rel = 0
        first = 1
    if first == n:
        return at
    t = rel + first * dt_ms
    if dt_ms == 1000 and not has_motion and not has_flags and t // 1000 == state.second + 1:
        state.last_ms = t + (n - first - 1) * 1000
        state.covered_ms = state.last_ms + 1000
        return _one_a_second(state, first, spo2, at, out_second, out_spo2, out_reason, out_fresh)
    second = state.second
    covered = state.covered_ms
    value = state.spo2
    reason = state.reason
    end = (second + 1) * 1000
    for i in range(first, n):
        if t >= end:
            out_second[at] = second
            out_spo2[at] = value
            out_reason[at] = reason
            out_fresh[at] = 1
            at += 1
            second += 1
            end += 1000
            if t >= end:
                target = t // 1000
                held = min(max((covered - HALF_MS) // 1000 + 1, second), target)  # what the latest sample stands for
                for skipped in range(second, min(held + GAP_SECONDS, target)):
                    out_second[at] = skipped
                    out_spo2[at] = value
                    out_reason[at] = reason if skipped < held else GAP
                    out_fresh[at] = 0
                    at += 1
                second = target
                end = (second + 1) * 1000
            reason = MISSING
        judged = _judge(spo2[i], motion[i] if has_motion else MOTION_NONE, flags[i] if has_flags else 0)
        if judged == VALID:
            if reason <= OUT_OF_RANGE:
                reason = VALID
                value = spo2[i]
        elif judged > OUT_OF_RANGE or reason == MISSING:
            reason = judged
            value = spo2[i]
        covered = t + reach
        t += dt_ms
    state.second = second
    state.covered_ms = covered
    state.spo2 = value
    state.reason = reason
    state.last_ms = t - dt_ms
    return at


@njit(cache=True)
def grid_close(state: Any, at: int, out_second: Any, out_spo2: Any, out_reason: Any, out_fresh: Any) -> int:
    """Make the seconds that the last sample covers final; returns the next position."""
    if not state.started:
        return at
    fresh = 1
    while fresh or state.covered_ms >= state.second * 1000 + HALF_MS:
        out_second[at] = state.second
        out_spo2[at] = state.spo2
        out_reason[at] = state.reason
        out_fresh[at] = fresh
        at += 1
        fresh = 0
        state.second += 1
    return at

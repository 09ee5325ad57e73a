"""Samples of any interval, laid causally on a grid of one value a second.

The grid's second ``k`` is ``[origin + 1000 k, origin + 1000 (k + 1))`` ms, the origin being the time of the
recording's first sample. Its value is

- the last valid sample that begins in it (a device of 4 Hz gives four; one sample flagged as suspect makes the second
  suspect, a missing one beside a valid one does not matter);
- else the latest sample before it, as long as that one's own interval reaches into the second (a device of 2 s or 4 s
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
        ("pulse", "<f4"),
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
    return samples * (min(dt_ms // 1000, GAP_SECONDS + MAX_HOLD_MS // 1000) + 2) + GAP_SECONDS + MAX_HOLD_MS // 1000 + 2


@njit(cache=True)
def grid_advance(
    state: Any,
    t0_ms: int,
    dt_ms: int,
    spo2: Any,
    pulse: Any,
    motion: Any,
    flags: Any,
    out_second: Any,
    out_spo2: Any,
    out_pulse: Any,
    out_reason: Any,
    out_fresh: Any,
) -> int:
    """Lay samples on the grid; returns how many seconds became final (written to the `out_` arrays, in order).

    `out_second` jumps only after `GAP_SECONDS` missing ones; `out_fresh` is 1 where a sample began in the second.
    """
    n = spo2.shape[0]
    if n == 0:
        return 0
    first = 0
    if not state.started:
        state.started = 1
        state.origin_ms = t0_ms
        state.second = 0
        state.last_ms = -1
        state.spo2 = np.nan
        state.pulse = np.nan
        state.reason = MISSING
    rel = t0_ms - state.origin_ms
    if rel <= state.last_ms:
        first = min(n, (state.last_ms - rel) // dt_ms + 1)
        state.ignored += first
    if first == n:
        return 0
    has_pulse = pulse.shape[0] == n
    has_motion = motion.shape[0] == n
    has_flags = flags.shape[0] == n
    reach = min(max(dt_ms, 1000), MAX_HOLD_MS)

    second = state.second
    covered = state.covered_ms
    value = state.spo2
    beat = state.pulse
    reason = state.reason
    fresh = 1
    end = (second + 1) * 1000
    made = 0
    t = rel + first * dt_ms
    for i in range(first, n):
        if t >= end:
            out_second[made] = second
            out_spo2[made] = value
            out_pulse[made] = beat
            out_reason[made] = reason
            out_fresh[made] = fresh
            made += 1
            second += 1
            end += 1000
            if t >= end:
                while t >= end and covered > end - 1000:  # the latest sample still stands for this second
                    out_second[made] = second
                    out_spo2[made] = value
                    out_pulse[made] = beat
                    out_reason[made] = reason
                    out_fresh[made] = 0
                    made += 1
                    second += 1
                    end += 1000
                missing = 0
                while t >= end:
                    if missing == GAP_SECONDS:
                        second = t // 1000
                        end = (second + 1) * 1000
                        break
                    out_second[made] = second
                    out_spo2[made] = np.nan
                    out_pulse[made] = np.nan
                    out_reason[made] = GAP
                    out_fresh[made] = 0
                    made += 1
                    missing += 1
                    second += 1
                    end += 1000
            value = np.float32(np.nan)
            beat = np.float32(np.nan)
            reason = MISSING
        judged = _judge(spo2[i], motion[i] if has_motion else MOTION_NONE, flags[i] if has_flags else 0)
        if judged == VALID:
            if reason <= OUT_OF_RANGE:
                reason = VALID
                value = spo2[i]
                if has_pulse:
                    beat = pulse[i]
        elif judged > OUT_OF_RANGE or reason == MISSING:
            reason = judged
            value = np.float32(np.nan)
            beat = np.float32(np.nan)
        covered = t + reach
        t += dt_ms
    state.second = second
    state.covered_ms = covered
    state.spo2 = value
    state.pulse = beat
    state.reason = reason
    state.last_ms = t - dt_ms
    return made


@njit(cache=True)
def grid_close(state: Any, out_second: Any, out_spo2: Any, out_pulse: Any, out_reason: Any, out_fresh: Any) -> int:
    """Make the seconds that the last sample covers final; returns how many."""
    if not state.started:
        return 0
    made = 0
    fresh = 1
    while made == 0 or state.covered_ms > state.second * 1000:
        out_second[made] = state.second
        out_spo2[made] = state.spo2
        out_pulse[made] = state.pulse
        out_reason[made] = state.reason
        out_fresh[made] = fresh
        fresh = 0
        made += 1
        state.second += 1
    return made

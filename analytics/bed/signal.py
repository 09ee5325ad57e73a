"""Chunks of waveform, and the slots of 20 ms that they fill.

Samples at 50 Hz go one to a slot. They may wander against the grid, as the clock of a sensor does, by `EARLY_MS` or
`LATE_MS` before a sample is dropped or a slot left empty. Faster samples are averaged in their slot. A slot that is
empty, or holds a clipped sample, is marked; nothing is put in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

SLOT_MS: Final = 20
RATE_HZ: Final = 50
SLOWEST_MS: Final = 20.5
"""Longest distance of samples: the heart's upper band ends at 10 Hz, and 50 Hz is what a sensor here gives."""
DIRECT_MS: Final = 15.0
"""From this distance on a sample is a slot; below it slots are means."""
LATE_MS: Final = 30.0
EARLY_MS: Final = 15.0
"""How far a sample may stand from its place: later, and a slot is left empty; earlier, and it has come before."""
CLIPPED: Final = 1
GAP: Final = 2
"""Bits of `WaveformChunk.flags`."""

FLUSH_SLOTS: Final = 280 * RATE_HZ
"""Empty slots after which everything before a hole has come out; what a longer hole holds more is skipped."""

SLOTS_DTYPE: Final = np.dtype(
    [
        ("begun", "<i8"),
        ("next", "<i8"),
        ("sum", "<f8"),
        ("inside", "<i8"),
        ("spoilt", "<i8"),
        ("scale", "<f8"),
        ("phase_ms", "<f8"),
        ("ignored", "<i8"),
    ],
    align=True,
)
"""State of the slots: `next` is the slot to be filled (of 20 ms since 1970); `sum`, `inside`, `spoilt` gather the
samples of a slot that is not full yet, `scale` is the gain of the last; `phase_ms` where in its slot the first sample
stood; `ignored` counts samples at or before what has been taken."""

_NO_U1: Final = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class WaveformChunk:
    """Samples of a strip, evenly spaced.

    Attributes
    ----------
    t0_ms : float
        UTC milliseconds of the first sample.
    dt_ms : float
        Milliseconds between samples, > 0 and at most `SLOWEST_MS`. Pieces of a recording agree bit for bit with the
        whole where `t0_ms + i * dt_ms` is exact: for whole milliseconds always.
    pressure : array of float64, shape (n,)
        Counts; NaN where missing.
    gain : array of uint8, shape (n,) or (0,)
        Gain step of each sample; empty for 0.
    flags : array of uint8, shape (n,) or (0,)
        Bits `CLIPPED`: the sample is a bound and no value; `GAP`: samples are missing before it (their number follows
        from the times).
    gain_ratio : float
        How much a gain step multiplies the signal, >= 1.
    count : float
        Distance of neighbouring values of the converter, in the units of `pressure`; 0 where it is not known.

    Raises
    ------
    ValueError
        For shapes that do not belong together, or numbers out of range.
    """

    t0_ms: float
    dt_ms: float
    pressure: NDArray[np.float64]
    gain: NDArray[np.uint8] = field(default_factory=lambda: _NO_U1)
    flags: NDArray[np.uint8] = field(default_factory=lambda: _NO_U1)
    gain_ratio: float = 2.0
    count: float = 1.0

    def __post_init__(self) -> None:
        """Check the samples."""
        if not 0.0 < self.dt_ms <= SLOWEST_MS:
            raise ValueError(f"a waveform has a sample every {SLOWEST_MS:g} ms or more often, not every {self.dt_ms:g}")
        if not np.isfinite(self.t0_ms) or abs(self.t0_ms) > 1e14:
            raise ValueError(f"not a time in ms: {self.t0_ms}")
        if self.pressure.ndim != 1 or self.pressure.dtype != np.float64:
            raise ValueError("pressure is one row of float64")
        for name, column in (("gain", self.gain), ("flags", self.flags)):
            if column.dtype != np.uint8 or column.shape not in (self.pressure.shape, (0,)):
                raise ValueError(f"{name} is one uint8 a sample, or empty")
        if not (np.isfinite(self.gain_ratio) and self.gain_ratio >= 1.0):
            raise ValueError(f"a gain step multiplies by 1 or more, not {self.gain_ratio}")
        if not (np.isfinite(self.count) and self.count >= 0.0):
            raise ValueError(f"a count is a positive size, or 0: not {self.count}")


FILLED: Final = 0
EMPTY: Final = 1
SATURATED: Final = 2
"""What a slot holds: a value, nothing, or a sample that was clipped."""


@njit(cache=True)
def slots_advance(
    state: Any,
    t0_ms: float,
    dt_ms: float,
    pressure: Any,
    gain: Any,
    flags: Any,
    ratio: float,
    closing: bool,
    slot: Any,
    value: Any,
    held: Any,
    step: Any,
) -> int:
    """Put samples into slots; with `closing`, what is gathered and `FLUSH_SLOTS` empty ones come out too.

    Returns the number of slots: their place (of 20 ms since 1970; it may leap over the inside of a long hole), value as
    if taken with gain step 0, what they hold, and the gain's share in the size of a count.
    """
    made = 0
    for i in range(pressure.shape[0]):
        t_ms = t0_ms + i * dt_ms
        stage = gain[i] if gain.shape[0] else np.uint8(0)
        scale = ratio ** np.float64(stage)
        holds = FILLED
        if flags.shape[0] and flags[i] & CLIPPED:
            holds = SATURATED
        elif not np.isfinite(pressure[i]):
            holds = EMPTY
        place = int(np.floor(t_ms / SLOT_MS))
        if not state.begun:
            state.begun = 1
            state.next = place
            state.phase_ms = t_ms - place * SLOT_MS
        if dt_ms >= DIRECT_MS:
            late_ms = t_ms - state.next * SLOT_MS - state.phase_ms
            place = state.next
            if late_ms > LATE_MS or late_ms < -EARLY_MS:
                place += int(np.rint(late_ms / SLOT_MS))
        if place < state.next:
            state.ignored += 1
            continue
        if place > state.next:
            made = _settle(state, made, slot, value, held, step)
            made = _pass(state, place, made, slot, value, held, step)
        state.scale = scale
        if holds == FILLED:
            state.sum += pressure[i] / scale
            state.inside += 1
        else:
            state.spoilt = max(state.spoilt, holds)
        if dt_ms >= DIRECT_MS:
            made = _settle(state, made, slot, value, held, step)
    if closing:
        made = _settle(state, made, slot, value, held, step)
        made = _pass(state, state.next + FLUSH_SLOTS, made, slot, value, held, step)
    return made


@njit(cache=True)
def _settle(state: Any, made: int, slot: Any, value: Any, held: Any, step: Any) -> int:
    """Fill the slot whose samples have been gathered, if there are any: one bad sample spoils it."""
    if state.inside == 0 and state.spoilt == 0:
        return made
    slot[made] = state.next
    value[made] = state.sum / state.inside if state.inside and not state.spoilt else 0.0
    held[made] = state.spoilt
    step[made] = 1.0 / state.scale
    state.next += 1
    state.sum = 0.0
    state.inside = 0
    state.spoilt = 0
    return made + 1


@njit(cache=True)
def _pass(state: Any, target: int, made: int, slot: Any, value: Any, held: Any, step: Any) -> int:
    """Leave slots empty up to `target`: of a long hole as many as the delays need, and none of the rest."""
    for place in range(state.next, min(target, state.next + FLUSH_SLOTS)):
        slot[made] = place
        value[made] = 0.0
        held[made] = EMPTY
        step[made] = 1.0 / state.scale
        made += 1
    state.next = target
    return made


def slots_capacity(samples: int) -> int:
    """Slots that a chunk can fill at most: its own, one gathered before, and a hole's."""
    return samples + 2 + FLUSH_SLOTS

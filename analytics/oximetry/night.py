"""A whole recording on a dense grid of one value a second: what the analyses that run when the night closes read.

The same grid and the same mask as the streaming step, kernel for kernel; only the long gaps, which the stream skips,
are laid out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.oximetry import masking, signal
from analytics.oximetry.pulse_stream import HOLD_DTYPE, hold_advance
from analytics.oximetry.signal import OximetryChunk

LONGEST_S: Final = 72 * 3600
"""A recording that spans more than this is no night: a wrong clock, or several files in one."""


@dataclass(frozen=True, slots=True, eq=False)
class NightGrid:
    """One recording at 1 Hz, shape (n,) each; second 0 is that of the first sample.

    Attributes
    ----------
    raw_spo2
        SpO2 with only missing and out-of-range samples left out (NaN): what other tools see; %.
    spo2, pulse
        Artefact-masked SpO2 (%) and pulse rate (bpm; NaN also where the device gave none); float32.
    reason
        Why a second is masked: 0 valid, else an index into `indices.REASONS`; uint8.
    """

    raw_spo2: NDArray[np.float32]
    spo2: NDArray[np.float32]
    pulse: NDArray[np.float32]
    reason: NDArray[np.uint8]


def lay_out(chunks: Sequence[OximetryChunk]) -> NightGrid:
    """Grid and mask a recording.

    Parameters
    ----------
    chunks
        In order of time; a gap between two is missing.

    Raises
    ------
    ValueError
        If there is no sample, or the samples span more than `LONGEST_S`.
    """
    chunks = [chunk for chunk in chunks if len(chunk.spo2)]
    if not chunks:
        raise ValueError("the recording has no samples")
    last_ms = max(chunk.t0_ms + (len(chunk.spo2) - 1) * chunk.dt_ms for chunk in chunks)
    span_s = (last_ms - chunks[0].t0_ms) / 1000
    if span_s > LONGEST_S:
        raise ValueError(f"the recording spans {span_s / 3600:.0f} h: more than {LONGEST_S // 3600} h is no night")
    bare = [OximetryChunk(chunk.t0_ms, chunk.dt_ms, chunk.spo2) for chunk in chunks]
    grid = _gridded(chunks)
    _mask(grid.second, grid.spo2, grid.reason, grid.fresh)
    plain = _gridded(bare)
    plain.spo2[plain.reason != signal.VALID] = np.nan
    size = int(grid.second[-1]) + 1
    why = np.full(size, signal.GAP, np.uint8)
    why[grid.second] = grid.reason
    pulse = _dense(size, grid.second, grid.pulse)
    pulse[why != signal.VALID] = np.nan
    return NightGrid(_dense(size, plain.second, plain.spo2), _dense(size, grid.second, grid.spo2), pulse, why)


class _Gridded(NamedTuple):
    """The chunks' grid seconds; long gaps are skipped."""

    second: NDArray[np.int32]
    spo2: NDArray[np.float32]
    reason: NDArray[np.uint8]
    fresh: NDArray[np.uint8]
    pulse: NDArray[np.float32]


def _gridded(chunks: Sequence[OximetryChunk]) -> _Gridded:
    room = sum(signal.grid_capacity(len(chunk.spo2), chunk.dt_ms) for chunk in chunks)
    second, spo2 = np.empty(room, np.int32), np.empty(room, np.float32)
    reason, fresh = np.empty(room, np.uint8), np.empty(room, np.uint8)
    pulse = np.empty(room, np.float32)
    state = np.zeros(1, signal.GRID_DTYPE)[0]
    hold = np.zeros(1, HOLD_DTYPE)[0]
    origin_ms = chunks[0].t0_ms
    before = at = 0
    last_ms = -1
    for c in chunks:
        at = signal.grid_advance(state, c.t0_ms, c.dt_ms, c.spo2, c.motion, c.flags, at, second, spo2, reason, fresh)
        hold_advance(hold, last_ms, c.t0_ms - origin_ms, c.dt_ms, c.pulse, before, at, second, pulse)
        before, last_ms = at, int(state["last_ms"])
    at = signal.grid_close(state, at, second, spo2, reason, fresh)
    hold_advance(hold, last_ms, 0, 1000, chunks[0].pulse[:0], before, at, second, pulse)
    return _Gridded(second[:at], spo2[:at], reason[:at], fresh[:at], pulse[:at])


def _mask(
    second: NDArray[np.int32], spo2: NDArray[np.float32], reason: NDArray[np.uint8], fresh: NDArray[np.uint8]
) -> None:
    """Judge all seconds in place: masked ones become NaN, and the missing ones at the end filler."""
    state = np.zeros(1, masking.MASK_DTYPE)[0]
    masking.mask_start(state)
    masking.mask_advance(state, 0, second.size, second, spo2, reason, fresh)
    masking.mask_close(state, second.size, spo2, reason)
    tail = second.size
    while tail and reason[tail - 1] == signal.MISSING:
        tail -= 1
    reason[tail:] = masking.FILLER


def _dense(size: int, second: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values at their seconds in an array of `size`, NaN elsewhere."""
    dense = np.full(size, np.nan, np.float32)
    dense[second] = values
    return dense

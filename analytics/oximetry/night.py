"""A whole recording on a dense grid of one value a second: what the analyses that run when the night closes read.

The same grid and the same mask as the streaming step, kernel for kernel; only the long gaps, which the stream skips,
are laid out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.oximetry import masking, signal
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
    second, spo2, reason, fresh = _gridded(chunks)
    _mask(second, spo2, reason, fresh)
    bare_second, raw, bare_reason, _ = _gridded(bare)
    raw[bare_reason != signal.VALID] = np.nan
    size = int(second[-1]) + 1
    why = np.full(size, signal.GAP, np.uint8)
    why[second] = reason
    pulse = _held_pulse(chunks, size)
    pulse[why != signal.VALID] = np.nan
    return NightGrid(_dense(size, bare_second, raw), _dense(size, second, spo2), pulse, why)


def _gridded(
    chunks: Sequence[OximetryChunk],
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Second, SpO2, reason and freshness of the chunks' grid seconds; long gaps are skipped."""
    room = sum(signal.grid_capacity(len(chunk.spo2), chunk.dt_ms) for chunk in chunks)
    second, spo2 = np.empty(room, np.int32), np.empty(room, np.float32)
    reason, fresh = np.empty(room, np.uint8), np.empty(room, np.uint8)
    state = np.zeros(1, signal.GRID_DTYPE)[0]
    at = 0
    for c in chunks:
        at = signal.grid_advance(state, c.t0_ms, c.dt_ms, c.spo2, c.motion, c.flags, at, second, spo2, reason, fresh)
    at = signal.grid_close(state, at, second, spo2, reason, fresh)
    return second[:at], spo2[:at], reason[:at], fresh[:at]


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


def _held_pulse(chunks: Sequence[OximetryChunk], size: int) -> NDArray[np.float32]:
    """Pulse at 1 Hz: the last sample that begins in a second, or the one before it while its own interval lasts."""
    dense = np.full(size, np.nan, np.float32)
    origin_ms = chunks[0].t0_ms
    for chunk in chunks:
        if not len(chunk.pulse):
            continue
        rel = chunk.t0_ms - origin_ms
        first = rel // 1000
        last_ms = rel + (len(chunk.pulse) - 1) * chunk.dt_ms
        reach_ms = min(max(chunk.dt_ms, 1000), signal.MAX_HOLD_MS)
        seconds = np.arange(max(first, 0), min((last_ms + reach_ms - 1) // 1000 + 1, size))
        sample = np.minimum(((seconds + 1) * 1000 - 1 - rel) // chunk.dt_ms, len(chunk.pulse) - 1)
        stands = rel + sample * chunk.dt_ms + reach_ms > seconds * 1000
        dense[seconds[stands]] = chunk.pulse[sample[stands]]
    return dense


def _dense(size: int, second: NDArray[np.int32], spo2: NDArray[np.float32]) -> NDArray[np.float32]:
    """SpO2 at its seconds in an array of `size`, NaN elsewhere."""
    dense = np.full(size, np.nan, np.float32)
    dense[second] = spo2
    return dense

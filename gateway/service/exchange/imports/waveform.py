"""A bed's waveform as the wire holds it: 50 Hz, whole counts of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.bed_waveform import BedWaveform

RATE_HZ: Final = 50.0
STEP_MS: Final = 20
_SAME_RATE: Final = 1e-4
"""A rate so near 50 Hz drifts by 3 s in eight hours: nearer than the crystal of any sensor."""
_FULL: Final = 32_767
_SCALED_TO: Final = 16_000
"""Counts of the largest excursion of a waveform that is no counts: half of the range is left for nothing to clip."""
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Samples every 20 ms, NaN-free: `known` says which of them are any.

    Attributes
    ----------
    pressure : int16 array, shape (n,)
    gain, flags : uint8 arrays, shape (n,), or empty without
    known : bool array, shape (n,)
    notes : tuple of str
        What was done to the samples, one sentence each.
    """

    pressure: NDArray[np.int16]
    gain: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    known: NDArray[np.bool_]
    notes: tuple[str, ...]


def to_counts(waveform: BedWaveform) -> Counts:
    """Bring a waveform to 50 Hz and to counts; one that is both already is unchanged."""
    values, gain, flags = waveform.pressure, waveform.gain, waveform.flags
    notes: list[str] = []
    if abs(waveform.rate_hz / RATE_HZ - 1.0) > _SAME_RATE:
        notes.append(f"{waveform.rate_hz:g} samples a second: kept as means of 20 ms")
        size = int(values.size * RATE_HZ / waveform.rate_hz)
        nearest = np.minimum(np.rint(np.arange(size) * waveform.rate_hz / RATE_HZ).astype(np.int64), values.size - 1)
        values = _means(values, waveform.rate_hz / RATE_HZ, size)
        gain, flags = (column[nearest] if column.size else column for column in (gain, flags))
    known = np.isfinite(values)
    lowest, highest = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
    if waveform.count != 1.0 or max(-lowest, highest) > _FULL:
        middle, reach = (lowest + highest) / 2, max((highest - lowest) / 2, 1e-12)
        values = (values - middle) * (_SCALED_TO / reach)
        notes.append(
            f"the file's values are no counts of 16 bits: kept times {_SCALED_TO / reach:.6g} about {middle:.6g}"
        )
    counts = np.zeros(values.size, np.int16)
    counts[known] = np.rint(values[known]).astype(np.int16)
    return Counts(counts, gain, flags, known, tuple(notes))


def _means(values: NDArray[np.float64], width: float, size: int) -> NDArray[np.float64]:
    """Means over `size` windows of `width` samples each, NaN where less than half of a window is known."""
    known = np.isfinite(values)
    edges = np.arange(size + 1) * width
    at = np.arange(values.size + 1)
    sums = np.diff(np.interp(edges, at, np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])))
    weight = np.diff(np.interp(edges, at, np.concatenate([[0.0], np.cumsum(known)])))
    enough = weight >= _HALF * width
    return np.where(enough, sums / np.where(enough, weight, 1.0), np.nan)

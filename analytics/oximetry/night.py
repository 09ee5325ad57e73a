"""A whole recording on a dense grid of one value a second: what the analyses that run when the night closes read.

The same grid and the same mask as the streaming step, kernel for kernel; only the long gaps, which the stream skips,
are laid out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.oximetry import masking, signal
from analytics.oximetry.signal import OximetryChunk

T = TypeVar("T", bound=np.generic)

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
    second, raw, _, _, _ = _gridded(bare)
    judged = _masked(*_gridded(chunks))
    size = int(second[-1]) + 1
    return NightGrid(
        _dense(size, second, raw, np.float32(np.nan)),
        _dense(size, judged[0], judged[1], np.float32(np.nan)),
        _dense(size, judged[0], judged[2], np.float32(np.nan)),
        _dense(size, judged[0], judged[3], np.uint8(signal.GAP)),
    )


def _gridded(chunks: Sequence[OximetryChunk]) -> tuple[NDArray[np.generic], ...]:
    """Second, SpO2, pulse, reason and freshness of the chunks' grid seconds; long gaps are skipped."""
    room = sum(signal.grid_capacity(len(chunk.spo2), chunk.dt_ms) for chunk in chunks)
    columns = tuple(np.empty(room, dtype) for dtype in (np.int32, np.float32, np.float32, np.uint8, np.uint8))
    state = np.zeros(1, signal.GRID_DTYPE)
    made = 0
    for chunk in chunks:
        rest = [column[made:] for column in columns]
        made += signal.grid_advance(
            state[0], chunk.t0_ms, chunk.dt_ms, chunk.spo2, chunk.pulse, chunk.motion, chunk.flags, *rest
        )
    made += signal.grid_close(state[0], *[column[made:] for column in columns])
    return tuple(column[:made] for column in columns)


def _masked(
    second: NDArray[np.generic],
    spo2: NDArray[np.generic],
    pulse: NDArray[np.generic],
    reason: NDArray[np.generic],
    fresh: NDArray[np.generic],
) -> tuple[NDArray[np.generic], ...]:
    """Second, SpO2, pulse and reason after the mask; the missing seconds at the end are filler."""
    columns = tuple(np.empty(second.size, dtype) for dtype in (np.int32, np.float32, np.float32, np.uint8))
    state = np.zeros(1, masking.MASK_DTYPE)
    masking.mask_start(state[0])
    done = masking.mask_advance(state[0], second.size, second, spo2, pulse, reason, fresh, *columns)
    done += masking.mask_close(state[0], *[column[done:] for column in columns])
    tail = done
    while tail and columns[3][tail - 1] == signal.MISSING:
        tail -= 1
    columns[3][tail:done] = masking.FILLER
    return tuple(column[:done] for column in columns)


def _dense(size: int, second: NDArray[np.generic], value: NDArray[np.generic], empty: T) -> NDArray[T]:
    """`value` at its seconds in an array of `size` filled with `empty`."""
    dense = np.full(size, empty)
    dense[second] = value
    return dense

"""Readings of a mouth as a recorder keeps them: evenly, or when the firmware's own sampler says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.common.power import RECORDER
from edge.mad_recorder.sampling import Sampler
from simulators.physiology.mouth import Mouth

IN_CASE: Final = 1
"""Bit of `WearLog.flags`, as in the records of the firmware."""


@dataclass(frozen=True, slots=True, eq=False)
class WearLog:
    """A log of n records.

    Attributes
    ----------
    t_ms : array of int64, shape (n,)
        UTC milliseconds, rising.
    temperature : array of float32, shape (n,)
        degC, to 0.01 as the firmware keeps it.
    accel : array of int16, shape (n, 3)
        mg, to 4 mg as the firmware keeps it.
    motion : array of uint16, shape (n,)
        mg RMS.
    flags : array of uint16, shape (n,)
        `IN_CASE`.
    """

    t_ms: NDArray[np.int64]
    temperature: NDArray[np.float32]
    accel: NDArray[np.int16]
    motion: NDArray[np.uint16]
    flags: NDArray[np.uint16]

    @property
    def size(self) -> int:
        """Records."""
        return self.t_ms.size


Gap = tuple[int, int]
"""Start and end in UTC milliseconds of a time of which no record is left."""


def even_log(
    mouth: Mouth, start_utc_ms: int, end_utc_ms: int, every_s: float = 300.0, *, gaps: Sequence[Gap] = ()
) -> WearLog:
    """Record every `every_s` seconds from `start_utc_ms` on."""
    return _log(mouth, iter(range(start_utc_ms, end_utc_ms, round(every_s * 1000))), gaps)


def firmware_log(
    mouth: Mouth,
    start_utc_ms: int,
    end_utc_ms: int,
    *,
    gaps: Sequence[Gap] = (),
    policy: Mapping[str, float] | None = None,
) -> WearLog:
    """Look every `probe_s` and record when the firmware's sampler finds one due: rarely while nothing moves."""
    return _log(mouth, _due(mouth, start_utc_ms, end_utc_ms, RECORDER if policy is None else policy), gaps)


def _due(mouth: Mouth, start_utc_ms: int, end_utc_ms: int, policy: Mapping[str, float]) -> Iterator[int]:
    sampler = Sampler(policy)
    for utc_ms in range(start_utc_ms, end_utc_ms, round(policy["probe_s"] * 1000)):
        if sampler.look(utc_ms - start_utc_ms, mouth.reading(utc_ms).temperature_c, mouth.in_case(utc_ms)):
            yield utc_ms


def _log(mouth: Mouth, times_ms: Iterator[int], gaps: Sequence[Gap]) -> WearLog:
    kept = [utc_ms for utc_ms in times_ms if not any(start <= utc_ms < end for start, end in gaps)]
    readings = [mouth.reading(utc_ms) for utc_ms in kept]
    accel = np.array([reading.accel_mg for reading in readings], dtype=np.float64).reshape(-1, 3)
    return WearLog(
        t_ms=np.array(kept, dtype=np.int64),
        temperature=np.round([reading.temperature_c for reading in readings], 2).astype(np.float32),
        accel=(np.round(accel / 4.0) * 4.0).astype(np.int16),
        motion=np.array([reading.motion_mg for reading in readings], dtype=np.uint16),
        flags=np.array([IN_CASE if mouth.in_case(utc_ms) else 0 for utc_ms in kept], dtype=np.uint16),
    )

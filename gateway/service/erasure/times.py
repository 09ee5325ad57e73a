"""What comes late for an erased time is not taken in: a home that was away does not bring an erased patient back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from gateway.service.records import ErasedTime, Records
from gateway.wire.messages import Batch

READ_EVERY_S: Final = 2.0
"""An erasure by another process is seen after at most this; one by this process at the next look."""

LONGEST_MS: Final = (1 << 31) - 1
"""Offsets within a batch are of 32 bits."""


class ErasedTimes:
    """A copy of the erased times of all devices. Used by one thread."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._version = -1
        self._read_s = 0.0
        self._times: dict[str, list[ErasedTime]] = {}

    def refresh(self) -> None:
        """Read again if something changed, or it is time."""
        version, now_s = self._records.erasures.version, time.monotonic()
        if version == self._version and now_s - self._read_s < READ_EVERY_S:
            return
        self._times = {}
        for one in self._records.erasures.times():
            self._times.setdefault(one.device, []).append(one)
        self._version, self._read_s = version, now_s

    def rest(self, batch: Batch) -> Batch | None:
        """What of a batch may be kept: itself, a part of it, or None."""
        times = self._times.get(batch.device)
        return batch if times is None else without(batch, times)

    def holds(self, device: str, start_ms: int, end_ms: int) -> bool:
        """Whether all of a device's time from `start_ms` until before `end_ms` is erased."""
        return any(one.holds(start_ms, end_ms) for one in self._times.get(device, ()))


def without(batch: Batch, times: Sequence[ErasedTime]) -> Batch | None:
    """A batch without its samples in erased times, under its own name; None if none is left."""
    if not any(one.from_ms <= batch.end_ms and batch.t0_ms < one.to_ms for one in times):
        return batch
    t_ms = batch.times_ms()
    kept = np.ones(batch.size, np.bool_)
    for one in times:
        kept &= (t_ms < one.from_ms) | (t_ms >= one.to_ms)
    places = np.flatnonzero(kept)
    if places.size == batch.size:
        return batch
    if not places.size:
        return None
    first = int(places[0])
    offsets = t_ms[places] - t_ms[first]
    even = batch.dt_ms is not None and int(places[-1]) - first + 1 == places.size
    if not even and offsets[-1] > LONGEST_MS:
        places, offsets = places[offsets <= LONGEST_MS], offsets[offsets <= LONGEST_MS]
    return replace(
        batch,
        t0_ms=int(t_ms[first]),
        dt_ms=batch.dt_ms if even else None,
        t_ms=None if even else offsets.astype(np.int32),
        columns={name: column[places] for name, column in batch.columns.items()},
        clock=batch.clock if first == 0 else replace(batch.clock, tick0=None),
    )

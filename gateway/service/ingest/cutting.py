"""A night's batches joined, and its samples cut, into what the steps take: at noon, and where sampling breaks. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
from msgspec.structs import replace

from analytics.oximetry.signal import OximetryChunk
from gateway.service.nights import night_bounds, night_of
from gateway.service.store.base import Samples
from gateway.wire.messages import MAX_SAMPLES, Array, Batch

QUARTER_HOUR_MS: Final = 900_000
_NO_PULSE: Final = np.empty(0, np.float32)
_NO_MOTION: Final = np.empty(0, np.uint8)
_NO_FLAGS: Final = np.empty(0, np.uint16)


def joined(batches: Iterable[tuple[Batch, str]]) -> list[tuple[Batch, str]]:
    """Batches, each with its zone, those of a session that continue each other as one.

    A step costs by its calls more than by its samples, and gives the same in whatever pieces they come.
    """
    runs: dict[tuple[str, str, int], list[_Run]] = {}
    zones = {}
    for batch, zone in batches:
        zones[batch.device] = zone
        of_session = runs.setdefault((batch.device, batch.session, batch.revision), [])
        if not (of_session and of_session[-1].take(batch)):
            of_session.append(_Run(batch))
    return [(run.join(), zones[run.first.device]) for of_session in runs.values() for run in of_session]


class _Run:
    """Batches of one session that continue each other; its end is kept, for it is asked for with each batch."""

    __slots__ = ("_batches", "_end_ms", "_latest_ms", "_seq", "first")

    def __init__(self, first: Batch) -> None:
        self.first = first
        self._batches = [first]
        self._seq = first.seq + 1
        self._end_ms = first.end_ms
        self._latest_ms = first.t0_ms + MAX_SAMPLES * (first.dt_ms or 0)

    def take(self, batch: Batch) -> bool:
        """Take a batch in if it continues what is there."""
        first, dt_ms = self.first, batch.dt_ms
        if (
            batch.seq != self._seq
            or batch.t0_ms != self._end_ms
            or dt_ms is None
            or dt_ms != first.dt_ms
            or (end_ms := batch.t0_ms + batch.size * dt_ms) > self._latest_ms
            or batch.kind != first.kind
            or batch.origin != first.origin
            or batch.columns.keys() != first.columns.keys()
        ):
            return False
        self._batches.append(batch)
        self._seq += 1
        self._end_ms = end_ms
        return True

    def join(self) -> Batch:
        """All as one batch."""
        if len(self._batches) == 1:
            return self.first
        columns = {
            name: np.frombuffer(b"".join([batch.columns[name].tobytes() for batch in self._batches]), column.dtype)
            for name, column in self.first.columns.items()
        }
        return replace(self.first, columns=columns, last=self._batches[-1].last)


def by_night(batch: Batch, zone: str) -> Iterator[tuple[date, slice]]:
    """Cut a batch at local noon into parts with a start and a stop; nearly always it is one."""
    first, end_ms = _night_around(batch.t0_ms // QUARTER_HOUR_MS, zone)
    if batch.end_ms <= end_ms:
        yield first, slice(0, batch.size)
        return
    times = batch.times_ms()
    start = 0
    while start < batch.size:
        night = night_of(int(times[start]), zone)
        stop = int(np.searchsorted(times, night_bounds(night, zone)[1]))
        yield night, slice(start, stop)
        start = stop


@lru_cache(maxsize=4096)
def _night_around(quarter_hour: int, zone: str) -> tuple[date, int]:
    """The night of a quarter of an hour since 1970, and its end: nights change on quarters of an hour in every zone."""
    night = night_of(quarter_hour * QUARTER_HOUR_MS, zone)
    return night, night_bounds(night, zone)[1]


def chunks_of(samples: Samples) -> Iterator[OximetryChunk]:
    """Cut a night's samples into evenly sampled runs, each with its device's own interval.

    Live and stored samples may have different intervals; each has the one that most of its samples keep. A sample
    that does not follow its predecessor by that starts a new run.
    """
    times, origin = samples.t_ms, samples.origin
    steps = np.diff(times)
    interval = np.full(times.size, 1000, np.int64)
    for value in np.unique(origin):
        own = origin == value
        between = steps[own[1:] & own[:-1]]
        between = between[(between > 0) & (between <= 10_000)]
        if between.size:
            values, counts = np.unique(between, return_counts=True)
            interval[own] = values[np.argmax(counts)]
    broken = (steps != interval[1:]) | (origin[1:] != origin[:-1])
    edges = [0, *(np.flatnonzero(broken) + 1).tolist(), times.size]
    for start, stop in itertools.pairwise(edges):
        columns = {name: column[start:stop] for name, column in samples.columns.items()}
        yield chunk_of(int(times[start]), int(interval[start]), columns)


def chunk_of(t0_ms: int, dt_ms: int, columns: Mapping[str, Array]) -> OximetryChunk:
    """A chunk of the columns there are; those that a device does not have are missing throughout."""
    spo2 = columns.get("spo2")
    if spo2 is None:
        spo2 = np.full(next(iter(columns.values())).size, np.nan, np.float32)
    return OximetryChunk(
        t0_ms,
        dt_ms,
        _read_only(spo2),
        _read_only(columns.get("pulse", _NO_PULSE)),
        _read_only(columns.get("motion", _NO_MOTION)),
        _read_only(columns.get("flags", _NO_FLAGS)),
    )


def _read_only(column: Array) -> Array:
    """The same samples, read only, as they come off the wire.

    To numba a writable array is another type, and each mixture of the two compiles the kernels anew: ten seconds, in
    which a first sample would wait.
    """
    if column.flags.writeable:
        column = column.view()
        column.flags.writeable = False
    return column

"""Readings of a device's log into batches: dated, cut where a batch cannot go on. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from gateway.home.collect.boots import BOOTS, Dates, Ints, in_order
from gateway.home.devices.driver import Readings
from gateway.home.outbox.records import DatedUpTo
from gateway.wire.messages import Batch, ClockInfo, Kind, Origin

UNEVEN_SAMPLES: Final = 240
"""Uneven samples a batch; each has its own date."""

EVEN_MS: Final = 60_000
"""Length of an even batch at the most: over it a clock off by 100 ppm slips by 6 ms."""

LONGEST_MS: Final = (1 << 31) - 1
"""Offsets within a batch are 32-bit."""


def joined(parts: Sequence[Readings]) -> Readings:
    """Readings of one kind and sampling, behind each other; at least one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Readings(
        np.concatenate([part.boot for part in parts]),
        np.concatenate([part.tick_ms for part in parts]),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        None if first.sizes is None else np.concatenate([_sizes(part) for part in parts]),
        first.dt_ms,
        max(part.tick_doubt_ms for part in parts),
    )


def first_of(readings: Readings, count: int) -> Readings:
    """The first `count` records."""
    samples = int(_sizes(readings)[:count].sum())
    return Readings(
        readings.boot[:count],
        readings.tick_ms[:count],
        {name: column[:samples] for name, column in readings.columns.items()},
        None if readings.sizes is None else readings.sizes[:count],
        readings.dt_ms,
        readings.tick_doubt_ms,
    )


def settle(readings: Readings, dates: Dates, before: DatedUpTo | None, *, follows_on: bool) -> Dates:
    """Make the dates of records follow each other, and what was handed on before.

    Parameters
    ----------
    follows_on : bool
        They go on in the session that was handed on last. A new one begins no earlier than the last one's end: where
        stored replaces live, no sample of either is hidden.
    """
    doubtful = Dates(dates.utc_ms, dates.uncertainty_ms + readings.tick_doubt_ms)
    floor = None if before is None else (before.last_ms + 1 if follows_on else before.end_ms)
    return in_order(doubtful, (_sizes(readings) - 1) * (readings.dt_ms or 0) + 1, floor)


def dated_up_to(last: Batch) -> DatedUpTo:
    """Where the last batch of these readings ends."""
    return DatedUpTo(last.last_ms, last.last_ms + (last.dt_ms or 1), last.clock.uncertainty_ms)


def batches_of(
    device: str, kind: Kind, origin: Origin, session: str, first_seq: int, readings: Readings, epoch: Ints, dates: Dates
) -> list[Batch]:
    """Cut dated readings into batches of one session.

    A batch holds one boot. Even sampling: frames are joined while each begins within half a step of where the one
    before ended, so a batch may end half a step later than its last frame's date says: the next one then begins behind
    it. The last batch of a stored session is marked.
    """
    dt_ms = readings.dt_ms
    sizes = _sizes(readings)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    batches: list[Batch] = []
    for first, end in _cuts(readings, sizes, epoch, dates):
        part = slice(int(starts[first]), int(starts[end]))
        t0_ms = int(dates.utc_ms[first])
        doubt = dates.uncertainty_ms[first:end]
        if dt_ms is not None:
            t0_ms = max(t0_ms, batches[-1].last_ms + 1) if batches else t0_ms
            even = t0_ms + (starts[first:end] - starts[first]) * dt_ms
            doubt = doubt + np.abs(dates.utc_ms[first:end] - even)
        batches.append(
            Batch(
                device=device,
                kind=kind,
                origin=origin,
                session=session,
                seq=first_seq + len(batches),
                last=origin == "stored" and end == epoch.size,
                t0_ms=t0_ms,
                dt_ms=dt_ms,
                t_ms=None if dt_ms is not None else (dates.utc_ms[first:end] - t0_ms).astype("<i4"),
                columns={name: column[part] for name, column in readings.columns.items()},
                clock=ClockInfo(
                    "anchors", int(doubt.max()), boot=int(epoch[first]) % BOOTS, tick0=int(readings.tick_ms[first])
                ),
            )
        )
    return batches


def _cuts(readings: Readings, sizes: Ints, epoch: Ints, dates: Dates) -> list[tuple[int, int]]:
    """First and end of the records of each batch."""
    dt_ms = readings.dt_ms
    bounds = [0]
    utc, boots, counts = dates.utc_ms.tolist(), epoch.tolist(), sizes.tolist()
    samples = 0
    for place in range(1, epoch.size):
        first = bounds[-1]
        samples += counts[place - 1]
        if dt_ms is None:
            fits = samples < UNEVEN_SAMPLES and utc[place] - utc[first] <= LONGEST_MS
        else:
            off_ms = utc[place] - (utc[first] + samples * dt_ms)
            fits = 2 * abs(off_ms) <= dt_ms and (samples + counts[place]) * dt_ms <= EVEN_MS
        if not fits or boots[place] != boots[first]:
            bounds.append(place)
            samples = 0
    bounds.append(epoch.size)
    return list(itertools.pairwise(bounds))


def _sizes(readings: Readings) -> Ints:
    return np.ones(readings.boot.size, np.int64) if readings.sizes is None else readings.sizes

"""From the sample store to the lanes of a night's figure: cut to what is the patient's, thinned for the view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.adherence.life import LONGEST_HOLD_MS, UNKNOWN, postures_of
from analytics.adherence.rules import MISSING_MS
from analytics.bed.epochs import EPOCH_MS
from gateway.service.downsample import choose
from gateway.service.records import NightKind
from gateway.service.store.base import Samples, SampleStore
from gateway.service.views.night_sources import Sources, cut
from gateway.service.views.night_values import POSTURES, Lane, LaneName, Lying, NightLanes, Span, Worn
from gateway.wire.messages import SCHEMA, Array

DECIMALS: Final = 3
"""Digits kept: finer than any device measures."""

LEAST_MISSING_MS: Final = 10_000
"""A shorter time without a valid value is no hole that anybody would see or ask about."""

_OXIMETRY: Final[tuple[LaneName, ...]] = ("spo2", "pulse")
_BED: Final[tuple[LaneName, ...]] = ("heart_rate", "respiration_rate", "movement")


def night_lanes(store: SampleStore, sources: Sources, worn: Sequence[Worn], view: Span, points: int) -> NightLanes:
    """Read what a view shows.

    Parameters
    ----------
    worn : sequence of Worn
        Times in which a posture is one, in order.
    view : Span
        The part of the night to be shown.
    points : int
        The most samples of each lane, at least 2.

    Raises
    ------
    StoreUnavailableError
        The store cannot be read for now.
    """
    lanes: dict[LaneName, Lane] = {}
    shown = (view.start_ms, view.end_ms)
    oximetry = _read(store, sources, "oximetry", *shown)
    for name in _OXIMETRY:
        _add(lanes, name, oximetry, name, points)
    bed = _read(store, sources, "bed", *shown)
    for name in _BED:
        _add(lanes, name, bed, name, points)
    # A reading of the recorder stands for a while: the one before the view's begin reaches into it.
    wear = _read(store, sources, "wear", view.start_ms - LONGEST_HOLD_MS, view.end_ms)
    first = np.searchsorted(wear.t_ms, view.start_ms)
    _add(lanes, "temperature", wear[first:], "temperature", points, least_gap_ms=MISSING_MS)
    recordings = [
        part
        for result in sources.results("oximetry")
        if result.device in sources.counted()
        for held in cut(Span(result.start_ms, result.end_ms), sources.parts[result.device])
        for part in cut(held, (view,))
    ]
    return NightLanes(
        view.start_ms,
        view.end_ms,
        lanes,
        _postures(wear, worn, view, points),
        _in_bed(bed, view, points),
        _missing(oximetry, recordings, (view.end_ms - view.start_ms) / points),
    )


def _read(store: SampleStore, sources: Sources, kind: NightKind, start_ms: int, end_ms: int) -> Samples:
    """Samples of a kind over all devices, each while it was the patient's; never two devices at one time."""
    counted = sources.counted()
    found = []
    for device, parts in sources.parts.items():
        unused = kind == "oximetry" and counted and device not in counted
        if kind not in sources.kinds(device) or unused:
            continue
        for part in cut(Span(start_ms, end_ms), parts):
            samples = store.read(device, kind, part.start_ms, part.end_ms)
            if len(samples):
                found.append(samples)
    if len(found) < 2:
        return found[0] if found else _nothing(kind)
    found.sort(key=lambda one: int(one.t_ms[0]))
    kept = [found[0]]
    for samples in found[1:]:
        # Of two in turn that overlap by a few minutes, as hands fumble, the later is shown from where the earlier ends.
        after = np.searchsorted(samples.t_ms, kept[-1].t_ms[-1], side="right")
        if after < len(samples):
            kept.append(samples[after:])
    return Samples(
        kept[0].device,
        kind,
        np.concatenate([one.t_ms for one in kept]),
        {name: np.concatenate([one.columns[name] for one in kept]) for name in kept[0].columns},
        np.concatenate([one.origin for one in kept]),
    )


def _nothing(kind: NightKind) -> Samples:
    columns: dict[str, Array] = {name: np.empty(0, dtype) for name, dtype in SCHEMA[kind].items()}
    return Samples("", kind, np.empty(0, np.int64), columns, np.empty(0, np.uint8))


def _add(
    lanes: dict[LaneName, Lane], name: LaneName, samples: Samples, column: str, points: int, least_gap_ms: float = 0.0
) -> None:
    """Put a lane there, if there is a single value to show."""
    values = samples.columns[column]
    if not np.isfinite(values).any():
        return
    choice = choose(samples.t_ms, [values], points)
    interval_ms = float(np.median(np.diff(samples.t_ms))) if len(samples) > 1 else 0.0
    lanes[name] = Lane(
        samples.t_ms[choice.index],
        np.asarray(values[choice.index], np.float64).round(DECIMALS),
        len(samples),
        round(choice.bucket_ms, DECIMALS),
        max(2 * choice.bucket_ms + 2.5 * interval_ms, least_gap_ms),
    )


def _postures(wear: Samples, worn: Sequence[Worn], view: Span, points: int) -> tuple[Lying, ...]:
    """Runs of one posture while the MAD was in: on a bedside table it lies somehow, too."""
    if not len(wear) or not worn:
        return ()
    accel = np.stack([wear.columns[f"accel_{axis}"] for axis in "xyz"], axis=1)
    code = postures_of(np.ascontiguousarray(accel))
    starts = np.array([one.start_ms for one in worn], np.int64)
    ends = np.array([one.end_ms for one in worn], np.int64)
    inside = np.searchsorted(starts, wear.t_ms, side="right") - 1
    limit = ends[np.maximum(inside, 0)]
    code[(inside < 0) | (wear.t_ms >= limit)] = UNKNOWN
    choice = choose(wear.t_ms, [code], points)
    hold_ms = max(LONGEST_HOLD_MS, round(2 * choice.bucket_ms))
    runs = _runs(wear.t_ms[choice.index], code[choice.index], hold_ms, limit[choice.index])
    clipped = ((cut(span, (view,)), value) for span, value in runs if value != UNKNOWN)
    return tuple(Lying(part.start_ms, part.end_ms, POSTURES[value]) for parts, value in clipped for part in parts)


def _in_bed(bed: Samples, view: Span, points: int) -> tuple[Span, ...]:
    """Runs of epochs in which somebody lay in the bed."""
    if not len(bed):
        return ()
    presence = bed.columns["presence"]
    choice = choose(bed.t_ms, [presence], points)
    hold_ms = EPOCH_MS + round(2 * choice.bucket_ms)
    runs = _runs(bed.t_ms[choice.index], presence[choice.index], hold_ms, np.full(choice.index.size, view.end_ms))
    return tuple(span for span, value in runs if value)


def _runs(
    t_ms: NDArray[np.int64], value: Array, hold_ms: int, limit_ms: NDArray[np.int64]
) -> Iterable[tuple[Span, int]]:
    """Runs of equal values, each standing until the next one, for `hold_ms` and until `limit_ms` at most."""
    ends = np.minimum(np.append(t_ms[1:], t_ms[-1] + hold_ms), np.minimum(t_ms + hold_ms, limit_ms))
    begins = np.flatnonzero(np.concatenate(([True], (value[1:] != value[:-1]) | (t_ms[1:] > ends[:-1]))))
    lasts = np.append(begins[1:], t_ms.size) - 1
    for begin, last in zip(begins.tolist(), lasts.tolist(), strict=True):
        if ends[last] > t_ms[begin]:
            yield Span(int(t_ms[begin]), int(ends[last])), int(value[begin])


def _missing(oximetry: Samples, recordings: Sequence[Span], pixel_ms: float) -> tuple[Span, ...]:
    """Times of recordings without a valid SpO2, as far as they are wide enough to be seen."""
    valid = np.isfinite(oximetry.columns["spo2"])
    times = oximetry.t_ms[valid]
    interval_ms = float(np.median(np.diff(oximetry.t_ms))) if len(oximetry) > 1 else 0.0
    least_ms = max(LEAST_MISSING_MS, 2.5 * interval_ms, 2 * pixel_ms)
    found = []
    for part in recordings:
        known = times[np.searchsorted(times, part.start_ms) : np.searchsorted(times, part.end_ms)]
        edges = np.concatenate(([part.start_ms], known, [part.end_ms]))
        holes = np.flatnonzero(np.diff(edges) > least_ms)
        found += [Span(int(edges[hole]), int(edges[hole + 1])) for hole in holes.tolist()]
    return tuple(found)

"""What a night's epochs and disturbances say together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.bed.epochs import EPOCH_DTYPE, EPOCH_MS
from analytics.bed.sleep import Stay, find_stays

TWO_BREATHS: Final = 0.12
"""Median power of a second breather's line from which two people are said to be in the bed."""
DISAGREE: Final = 0.9
DISAGREEING: Final = 0.12
"""Share of the still epochs of which less than `DISAGREE` supports a heart rate, from which the same is said: of one
simulated sleeper at most 0.03, of two at least 0.18."""
_KNOWN: Final = 60
"""Epochs in which it could be told, at least: 10 minutes."""
_BREATH_HOURS: Final = 0.5
"""Hours of sleep with a breath that make an index."""


@dataclass(frozen=True, slots=True)
class BedNight:
    """Indices of a night in bed. What cannot be said is None.

    Attributes
    ----------
    bedtime_ms, rise_ms, onset_ms : int or None
        UTC milliseconds: into bed, up for good, first asleep; of the longest stay.
    in_bed_min, sleep_min : float
        Minutes on the mattress, and asleep.
    recorded_h : float
        Hours of which any sample came.
    coverage_pct : float or None
        Share of the epochs in bed that have a heart rate, %.
    respiration_coverage_pct : float or None
        Share of them that have a respiration rate, %.
    heart_rate_bpm, lowest_heart_rate_bpm, respiration_rate_per_min : float or None
        Median in bed; the 5 % quantile; median.
    movement_pct : float or None
        Share of the time in bed in movement, %.
    disturbances : int
        Respiratory disturbances between the first and the last sleep of a stay: the jerk that ends one may look like a
        waking, but it was none when the breath was held.
    disturbance_index : float or None
        Per hour of sleep in which the breath could be read.
    ambiguous : bool
        Two people seem to be in the bed, by a second line of breath or by beats that do not agree for much of the still
        time (so does a signal that is too weak): rates may be either's, and the index is not to be relied on.
    """

    bedtime_ms: int | None
    rise_ms: int | None
    onset_ms: int | None
    in_bed_min: float
    sleep_min: float
    recorded_h: float
    coverage_pct: float | None
    respiration_coverage_pct: float | None
    heart_rate_bpm: float | None
    lowest_heart_rate_bpm: float | None
    respiration_rate_per_min: float | None
    movement_pct: float | None
    disturbances: int
    disturbance_index: float | None
    ambiguous: bool


def summarise(epochs: NDArray[np.void], disturbances: NDArray[np.void]) -> BedNight:
    """Sum up a night.

    Parameters
    ----------
    epochs : structured array of `EPOCH_DTYPE`, shape (n,)
        In order of time; holes are times without a record.
    disturbances : structured array of `EVENT_DTYPE`, shape (m,)

    Raises
    ------
    ValueError
        If the epochs are out of order.
    """
    if epochs.dtype != EPOCH_DTYPE or (np.diff(epochs["start_ms"]) < EPOCH_MS).any():
        raise ValueError("epochs of a night come in order of time")
    if not epochs.size:
        return _nothing()
    stays = night_stays(epochs, disturbances)
    start_ms = int(epochs["start_ms"][0])
    place = (epochs["start_ms"] - start_ms) // EPOCH_MS
    size = int(place[-1]) + 1
    presence, breathing = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    presence[place] = epochs["presence"] == 1
    breathing[place] = ~np.isnan(epochs["respiration_rate"])
    main = max(stays, key=lambda stay: stay.in_bed_min, default=None)
    inside = epochs[epochs["presence"] == 1]
    asleep = _asleep(stays, size)
    events = (disturbances["start_ms"] - start_ms) // EPOCH_MS
    # Breath is held in an event: what counts is sleep that lies within a minute of a breath that could be read.
    readable = asleep & (np.convolve(breathing, np.ones(13), mode="same")[:size] > 0.5)
    hours = np.count_nonzero(readable) / 360.0
    night = np.zeros(size, np.bool_)
    for stay in stays:
        slept = stay.first + np.flatnonzero(stay.asleep)
        if slept.size:
            night[slept[0] : slept[-1] + 1] = True
    inside_sleep = int(np.count_nonzero(night[np.clip(events, 0, size - 1)])) if events.size else 0
    return BedNight(
        bedtime_ms=None if main is None else main.bedtime_ms,
        rise_ms=None if main is None else main.rise_ms,
        onset_ms=None if main is None else main.onset_ms,
        in_bed_min=float(np.count_nonzero(presence)) / 6.0,
        sleep_min=float(sum(stay.sleep_min for stay in stays)),
        recorded_h=float(np.count_nonzero(epochs["valid"] > 0)) / 360.0,
        coverage_pct=_known_pct(inside["heart_rate"]),
        respiration_coverage_pct=_known_pct(inside["respiration_rate"]),
        heart_rate_bpm=_quantile(inside["heart_rate"], 0.5),
        lowest_heart_rate_bpm=_quantile(inside["heart_rate"], 0.05),
        respiration_rate_per_min=_quantile(inside["respiration_rate"], 0.5),
        movement_pct=100.0 * float(inside["movement"].mean()) if inside.size else None,
        disturbances=inside_sleep,
        disturbance_index=inside_sleep / hours if hours >= _BREATH_HOURS else None,
        ambiguous=_ambiguous(inside),
    )


def night_stays(epochs: NDArray[np.void], disturbances: NDArray[np.void]) -> tuple[Stay, ...]:
    """Stays in bed and the sleep in them, of what `summarise` takes; indices count from the first epoch.

    The jerk that ends a disturbance is an arousal of seconds: it is no sign of a waking.
    """
    start_ms = int(epochs["start_ms"][0])
    place = (epochs["start_ms"] - start_ms) // EPOCH_MS
    size = int(place[-1]) + 1
    presence, movement = np.zeros(size, np.bool_), np.full(size, np.nan)
    presence[place] = epochs["presence"] == 1
    movement[place] = epochs["movement"]
    ends = (disturbances["end_ms"] - start_ms) // EPOCH_MS
    for near in (-1, 0, 1):
        movement[np.clip(ends + near, 0, size - 1)] = 0.0
    return find_stays(presence, movement, start_ms)


def _ambiguous(inside: NDArray[np.void]) -> bool:
    lines = inside["second_breath"][~np.isnan(inside["second_breath"])]
    if not inside.size:
        return False
    if lines.size >= _KNOWN and np.median(lines) >= TWO_BREATHS:
        return True
    moved = inside["movement"] > 0
    still = inside[(inside["valid"] > DISAGREE) & (np.convolve(moved, np.ones(3), mode="same")[: moved.size] == 0)]
    return bool(still.size >= _KNOWN and np.mean(still["coverage"] < DISAGREE) >= DISAGREEING)


def _nothing() -> BedNight:
    nothing: dict[str, Any] = dict.fromkeys(BedNight.__dataclass_fields__)
    return BedNight(
        **nothing | {"in_bed_min": 0.0, "sleep_min": 0.0, "recorded_h": 0.0, "disturbances": 0, "ambiguous": False}
    )


def _asleep(stays: tuple[Stay, ...], size: int) -> NDArray[np.bool_]:
    asleep = np.zeros(size, np.bool_)
    for stay in stays:
        asleep[stay.first : stay.after] = stay.asleep
    return asleep


def _known_pct(values: NDArray[np.float32]) -> float | None:
    return 100.0 * float(np.mean(~np.isnan(values))) if values.size else None


def _quantile(values: NDArray[np.float32], q: float) -> float | None:
    known = values[~np.isnan(values)]
    told = float(np.quantile(known, q)) if known.size else math.nan
    return None if math.isnan(told) else told

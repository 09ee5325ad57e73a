"""What the blood really showed: the desaturations in the smooth saturation, before any sensor, noise or rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.breathing import KINDS, Events, RespiratoryEvent
from simulators.physiology.hypnogram import Stage
from simulators.physiology.posture import Posture
from simulators.physiology.series import Mask, Series

SMALLEST_PCT: Final = 1.0
"""Falls, and rises between them, below one display step are no event of their own."""
_SHOULDER_PCT: Final = 0.25
"""A fall begins where the signal leaves its peak for good: a flat or wandering shoulder is not part of it."""
SCORED_PCT: Final = 3.0
"""A desaturation that counts for an event (AASM rule 1A)."""


@dataclass(frozen=True, slots=True)
class Desaturation:
    """A fall of the saturation from a local maximum to a local minimum, as generated.

    Attributes
    ----------
    start_s, nadir_s, end_s : int
        Seconds from the night's start: the fall begins, is deepest, and has recovered (to the next maximum).
    baseline_pct, nadir_pct, depth_pct : float
        Saturation at the maximum, at the minimum, and their difference; at least `SMALLEST_PCT` deep.
    observed : bool
        Whether a finger was in the sensor from start to nadir: what was never seen can never be found.
    """

    start_s: int
    nadir_s: int
    end_s: int
    baseline_pct: float
    nadir_pct: float
    depth_pct: float
    observed: bool


def turning_points(signal: Series, smallest: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Maxima and minima that alternate and stand at least `smallest` apart; each minimum lies between its two maxima.

    Parameters
    ----------
    signal : array, shape (n,)

    Returns
    -------
    peaks, nadirs : arrays of int64, shapes (k + 1,) and (k,)
    """
    inner = np.flatnonzero((np.diff(signal[:-1]) > 0) != (np.diff(signal[1:]) > 0)) + 1
    points = np.concatenate([[0], inner, [signal.size - 1]])
    peaks: list[int] = []
    nadirs: list[int] = []
    # Over the extrema, a few hundred an hour, not over the samples.
    top = bottom = int(points[0])
    falling = False
    for point in points.tolist():
        value = signal[point]
        if falling:
            if value < signal[bottom]:
                bottom = point
            elif value - signal[bottom] >= smallest:
                nadirs.append(bottom)
                top, falling = point, False
        elif value > signal[top]:
            top = point
        elif signal[top] - value >= smallest:
            peaks.append(top)
            bottom, falling = point, True
    if falling:
        nadirs.append(bottom)
        top = signal.size - 1
    peaks.append(top)
    return np.array(peaks, dtype=np.int64), np.array(nadirs, dtype=np.int64)


def desaturations(saturation_pct: Series, finger_off: Mask) -> tuple[Desaturation, ...]:
    """Every fall of at least `SMALLEST_PCT` in the continuous saturation; falls that run together are one."""
    peaks, nadirs = turning_points(saturation_pct, SMALLEST_PCT)
    missing = np.concatenate([[0], np.cumsum(finger_off)])
    found = []
    for peak, nadir, after in zip(peaks[:-1].tolist(), nadirs.tolist(), peaks[1:].tolist(), strict=True):
        fall, rise = saturation_pct[peak : nadir + 1], saturation_pct[nadir : after + 1]
        start = peak + int(np.flatnonzero(fall >= fall[0] - _SHOULDER_PCT)[-1])
        end = nadir + int(np.flatnonzero(rise >= rise[-1] - _SHOULDER_PCT)[0])
        found.append(
            Desaturation(
                start_s=start,
                nadir_s=nadir,
                end_s=end,
                baseline_pct=float(fall[0]),
                nadir_pct=float(fall[-1]),
                depth_pct=float(fall[0] - fall[-1]),
                observed=bool(missing[nadir + 1] == missing[start]),
            )
        )
    return tuple(found)


def score(events: Events, falls: tuple[Desaturation, ...], circulation_s: float) -> tuple[RespiratoryEvent, ...]:
    """Name the events as a scorer would, each with whether a desaturation answers it.

    The answer arrives `circulation_s` later: a nadir of at least `SCORED_PCT` after the event's blood arrives and
    within 15 s of its end's. A partial event without one counts only because it ends in an arousal (AASM rule 1A).
    """
    nadirs = np.array([fall.nadir_s for fall in falls if fall.depth_pct >= SCORED_PCT], dtype=np.float64)
    first = np.searchsorted(nadirs, events.start_s + circulation_s)
    after = np.searchsorted(nadirs, events.end_s + circulation_s + 15.0, side="right")
    answered = after > first
    arousal = events.arousal | ~answered
    return tuple(
        RespiratoryEvent(
            kind=KINDS[kind],
            start_s=start,
            duration_s=duration,
            stage=Stage(stage),
            posture=Posture(posture),
            flow=flow,
            arousal=woken,
            causes_desaturation=desaturates,
        )
        for kind, start, duration, stage, posture, flow, woken, desaturates in zip(
            events.kind.tolist(),
            events.start_s.tolist(),
            events.duration_s.tolist(),
            events.stage.tolist(),
            events.posture.tolist(),
            events.flow.tolist(),
            arousal.tolist(),
            answered.tolist(),
            strict=True,
        )
    )

"""The common shape of a profile, and the signal that all of them but `peak` read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.oximetry.events import EVENT_DTYPE, Events
from analytics.oximetry.signal import VALID_HIGH_PCT, VALID_LOW_PCT

Signal = NDArray[np.float64]
"""SpO2 at 1 Hz, %, shape (n,)."""

Bridge = Literal["linear", "missing"]

DETECT_DEPTHS_PCT: Final = (2.0, 3.0, 4.0)
"""Depths of ODI2, ODI3, ODI4, %."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A named and versioned rule.

    Attributes
    ----------
    name, version
        What results are labelled with. The version changes with any change of the rule.
    rule
        The rule in one sentence.
    source
        Where it comes from.
    bridge
        What becomes of missing and out-of-range seconds before `detect`: `linear` bridges them all, `missing` leaves
        them NaN.
    detect
        ``detect(spo2, depth_pct) -> events``: the events of one depth on a 1 Hz signal bridged and rounded to 1 %; a
        structured array of `EVENT_DTYPE` in order of time, `confidence` 1. None for `peak`, which reads masked
        samples as they come (`stream`, `detect`).
    """

    name: str
    version: str
    rule: str
    source: str
    bridge: Bridge
    detect: Callable[[Signal, float], Events] | None


def bridged(spo2: NDArray[np.floating], bridge: Bridge) -> Signal:
    """The signal as tools other than `peak` see it: out-of-range and missing seconds bridged, rounded to 1 %.

    Parameters
    ----------
    spo2
        SpO2 at 1 Hz, %, shape (n,); NaN missing.
    bridge
        `linear`: every gap is filled on the straight line between its neighbours, the ends with the nearest value.
        `missing`: gaps stay NaN.

    Returns
    -------
    Signal
        Shape (n,), whole percents (halves to even). All NaN where no second is valid.
    """
    signal = np.asarray(spo2, np.float64).copy()
    with np.errstate(invalid="ignore"):
        missing = ~((signal >= VALID_LOW_PCT) & (signal <= VALID_HIGH_PCT))
    signal[missing] = np.nan
    if bridge == "linear" and missing.any() and not missing.all():
        seconds = np.arange(signal.size)
        signal[missing] = np.interp(seconds[missing], seconds[~missing], signal[~missing])
    return np.rint(signal)


@njit(cache=True)
def fill_event(row: Any, spo2: Any, start: int, nadir: int, end: int, baseline: float) -> None:
    """Write one event into `row`; its area is between `baseline` and the signal over the valid seconds start..end."""
    area = 0.0
    for i in range(start, end + 1):
        value = spo2[i]
        if value < baseline:
            area += baseline - value
    row.start_s = start
    row.nadir_s = nadir
    row.end_s = end
    row.baseline_pct = baseline
    row.nadir_pct = spo2[nadir]
    row.depth_pct = baseline - spo2[nadir]
    row.area_pct_s = area
    row.confidence = 1.0


def no_events(capacity: int = 0) -> Events:
    """Room for `capacity` events."""
    return np.zeros(capacity, EVENT_DTYPE)

"""Profile `oscar`: the SpO2 drops that the CPAP viewer OSCAR flags.

Rule (1 Hz, whole percents, every gap bridged linearly): the baseline is the 90th percentile (linear between ranks) of
the first hour, or of the whole where that is shorter, and holds all night. A run of at least 8 seconds at or below
baseline - T is an event; it starts with the run's first second and ends with the first second above, or the
recording's last. Nothing bounds its length: a night that settles 3 % lower than its first hour is one long event.

`pulse_changes` is the same program's rule for the pulse: a change of more than 5 bpm within 8 s.

Source: OSCAR's default oximetry preferences (SpO2 drop 3 % over 8 s, pulse change 5 bpm over 8 s).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.oximetry.events import Events
from analytics.oximetry.profiles.profile import Profile, Signal, fill_event, no_events

BASELINE_S: Final = 3600
BASELINE_PERCENTILE: Final = 90.0
MIN_RUN_S: Final = 8
PULSE_CHANGE_BPM: Final = 5.0
PULSE_CHANGE_S: Final = 8


@njit(cache=True)
def _detect(spo2: Any, baseline: float, depth: float, events: Any) -> int:
    n = spo2.shape[0]
    count = 0
    i = 0
    while i < n:
        if not spo2[i] <= baseline - depth:
            i += 1
            continue
        start = i
        nadir = i
        while i < n and spo2[i] <= baseline - depth:
            if spo2[i] < spo2[nadir]:
                nadir = i
            i += 1
        if i - start >= MIN_RUN_S:
            fill_event(events[count], spo2, start, nadir, min(i, n - 1), baseline)
            count += 1
    return count


def detect(spo2: Signal, depth_pct: float) -> Events:
    """Desaturations of `depth_pct` on a signal `bridged` linearly; see the module for the rule."""
    first_hour = spo2[:BASELINE_S]
    if not np.isfinite(first_hour).any():
        return no_events()
    events = no_events(spo2.size // MIN_RUN_S + 1)
    baseline = float(np.nanpercentile(first_hour, BASELINE_PERCENTILE))
    return events[: _detect(np.ascontiguousarray(spo2, np.float64), baseline, float(depth_pct), events)]


@njit(cache=True)
def _pulse_changes(pulse: Any) -> int:
    n = pulse.shape[0]
    count = 0
    i = 0
    while i < n:
        changed = -1
        for j in range(i + 1, min(i + PULSE_CHANGE_S, n - 1) + 1):
            if abs(pulse[j] - pulse[i]) > PULSE_CHANGE_BPM:
                changed = j
                break
        if changed < 0:
            i += 1
        else:
            count += 1
            i = changed + 1
    return count


def pulse_changes(pulse: NDArray[np.floating]) -> int:
    """Count changes of more than 5 bpm between two seconds at most 8 s apart.

    Parameters
    ----------
    pulse
        Pulse rate at 1 Hz, bpm, shape (n,); NaN missing (never a change).

    Returns
    -------
    int
        Changes; each uses its seconds up, so one swing counts once.
    """
    return int(_pulse_changes(np.ascontiguousarray(pulse, np.float64)))


OSCAR: Final = Profile(
    name="oscar",
    version="1",
    rule="8 s or more at or below the first hour's 90th percentile - T",
    source="OSCAR's default oximetry preferences",
    bridge="linear",
    detect=detect,
)

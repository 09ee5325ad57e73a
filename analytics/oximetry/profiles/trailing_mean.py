"""Profile `trailing-mean`: a fall below the mean of the last two minutes, the rule most home scripts and many papers
use.

Rule (1 Hz, whole percents, every gap bridged linearly): before each second the baseline is the mean of the 120 s
before it (of as many as there are, at least 10, at the recording's start). The first second at or below baseline - T
starts a run and freezes the baseline; the run holds while the signal stays at or below it. A run of 10..120 seconds
is an event, from its first second to the first above (or the recording's last). The search goes on after the run,
whose seconds count in later means: so close desaturations pull the baseline down, and clusters are undercounted.

Source: J.-C. Vazquez et al., "Automated analysis of digital oximetry in the diagnosis of obstructive sleep apnoea",
Thorax 55:302 (2000), and others that take a moving baseline; fixed here to the parameters above.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.events import Events
from analytics.oximetry.profiles.profile import Profile, Signal, fill_event, no_events

TRAILING_S: Final = 120
MIN_TRAILING_S: Final = 10
MIN_RUN_S: Final = 10
MAX_RUN_S: Final = 120


@njit(cache=True)
def _detect(spo2: Any, depth: float, events: Any) -> int:
    n = spo2.shape[0]
    count = 0
    total = 0.0  # of the TRAILING_S seconds before i: whole percents, so the sum is exact
    i = 0
    while i < n:
        span = min(i, TRAILING_S)
        if span < MIN_TRAILING_S or not spo2[i] <= total / span - depth:
            total += spo2[i] - (spo2[i - TRAILING_S] if i >= TRAILING_S else 0.0)
            i += 1
            continue
        baseline = total / span
        start = i
        nadir = i
        while i < n and spo2[i] <= baseline - depth:
            if spo2[i] < spo2[nadir]:
                nadir = i
            total += spo2[i] - (spo2[i - TRAILING_S] if i >= TRAILING_S else 0.0)
            i += 1
        if MIN_RUN_S <= i - start <= MAX_RUN_S:
            fill_event(events[count], spo2, start, nadir, min(i, n - 1), baseline)
            count += 1
    return count


def detect(spo2: Signal, depth_pct: float) -> Events:
    """Desaturations of `depth_pct` on a signal `bridged` linearly; see the module for the rule."""
    if not np.isfinite(spo2).all():
        return no_events()
    events = no_events(spo2.size // MIN_RUN_S + 1)
    return events[: _detect(np.ascontiguousarray(spo2, np.float64), float(depth_pct), events)]


TRAILING_MEAN: Final = Profile(
    name="trailing-mean",
    version="1",
    rule="10..120 s at or below the mean of the trailing 120 s - T, frozen at the onset",
    source="moving-baseline rules such as Vazquez 2000, with the stated parameters",
    bridge="linear",
    detect=detect,
)

"""Profile `wellue`: the drop rule of the Wellue / Viatom rings' own application, as documented publicly.

Rule (1 Hz, whole percents, missing seconds stay missing), for each threshold T by itself. At each valid second g of
value s0:

- baseline: walk back from g, at most 120 s, over valid seconds that all lie above s0, to the first that lies T %
  above s0;
- fall: T divided by the seconds from baseline to g must be 0.1..5 %/s, and those seconds at least 8;
- recovery: follow forward from g, at most 10 min, until the signal is back at the baseline's value. The nadir is the
  first lowest second on the way; it must come at most 120 s after the baseline, and the recovery at most 20 s after
  the nadir. A missing second before the recovery ends the search: no event;
- events of one threshold do not overlap: the next may use seconds from the recovery on.

Source: the vendor's public description of its ODI. The rule is quick to refuse a slow recovery, and its 8 s are
counted to the second that reaches the threshold, so a fall may be too fast for a 2 % event and still be a 4 % one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.events import Events
from analytics.oximetry.profiles.profile import Profile, Signal, fill_event, no_events

BACK_S: Final = 120
FORWARD_S: Final = 600
MIN_FALL_S: Final = 8
MAX_FALL_S: Final = 120
MAX_RECOVERY_S: Final = 20
MIN_RATE_PCT_PER_S: Final = 0.1
MAX_RATE_PCT_PER_S: Final = 5.0


@njit(cache=True)
def _baseline(spo2: Any, g: int, depth: float, first: int) -> int:
    """The baseline second of `g`, not before `first`; -1 where there is none."""
    for i in range(g - 1, max(first, g - BACK_S) - 1, -1):
        if not spo2[i] > spo2[g]:  # lower, equal or missing
            return -1
        if spo2[i] >= spo2[g] + depth:
            return i
    return -1


@njit(cache=True)
def _detect(spo2: Any, depth: float, events: Any) -> int:
    n = spo2.shape[0]
    count = 0
    free = 0  # first second that no event has used
    g = 1
    while g < n:
        base = _baseline(spo2, g, depth, free)
        fall_s = g - base
        if base < 0 or fall_s < MIN_FALL_S or not MIN_RATE_PCT_PER_S <= depth / fall_s <= MAX_RATE_PCT_PER_S:
            g += 1
            continue
        nadir = g
        back = g
        while back < n and back - g <= FORWARD_S and spo2[back] < spo2[base]:
            if spo2[back] < spo2[nadir]:
                nadir = back
            back += 1
        recovered = back < n and spo2[back] >= spo2[base]  # false where missing
        if recovered and nadir - base <= MAX_FALL_S and back - nadir <= MAX_RECOVERY_S:
            fill_event(events[count], spo2, base, nadir, back, spo2[base])
            count += 1
            free = back
            g = back + 1
        else:
            g += 1
    return count


def detect(spo2: Signal, depth_pct: float) -> Events:
    """Desaturations of `depth_pct` on a signal `bridged` with its gaps left missing; see the module for the rule."""
    events = no_events(spo2.size // MIN_FALL_S + 1)
    return events[: _detect(np.ascontiguousarray(spo2, np.float64), float(depth_pct), events)]


WELLUE: Final = Profile(
    name="wellue",
    version="1",
    rule="fall of T % at 0.1..5 %/s in 8..120 s, back at the baseline within 20 s of the nadir",
    source="the vendor's public description",
    bridge="missing",
    detect=detect,
)

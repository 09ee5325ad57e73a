"""Profile `pobm`: the desaturation rule of the PhysioZoo oximetry toolbox.

Rule (1 Hz, whole percents, every gap bridged linearly), for a threshold T:

- a: a sample above 25 % that lies 1..T % below the one before it;
- b: walk on from a while the signal does not rise, until it lies T % below a; a rise first: try the next a;
- c: the first later sample at which the signal is back within 1 % of a, or T % above the lowest since b, and which is
  at least 10 s after a. More than 90 s after a: no event. Either way the search goes on at c + 1;
- d: c if the signal is there back within 1 % of a, else the first such sample less than 90 s after a, else a + 90 s
  (or the last sample).

The event is [a, d]. Events that touch (the next a not after this d) are one, as in the toolbox's grouping step, up to
the latest d of them; its nadir is the first lowest sample of [a, d). A search that reaches the end of the recording
finds nothing more.

Source: J. Levy et al., "Digital oximetry biomarkers for assessing respiratory function", npj Digital Medicine 4:1
(2021) and the toolbox `pobm` 1.2.0, after S. H. Hwang et al., IEEE Trans. Biomed. Eng. 65:706 (2018). The toolbox
numbers its groups in eight bits and loses events above 128 a night; this profile does not.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.oximetry.events import Events
from analytics.oximetry.profiles.profile import Profile, Signal, fill_event, no_events

FLOOR_PCT: Final = 25.0
RECOVERED_WITHIN_PCT: Final = 1.0
MIN_S: Final = 10
MAX_S: Final = 90


@njit(cache=True)
def _recovery(spo2: Any, a: int, c: int) -> int:
    """The sample d that ends the event which began at `a` and was found at `c`."""
    n = spo2.shape[0]
    for d in range(c, min(a + MAX_S, n)):
        if spo2[d] >= spo2[a] - RECOVERED_WITHIN_PCT:
            return d
    return c if spo2[c] >= spo2[a] - RECOVERED_WITHIN_PCT else min(a + MAX_S, n - 1)


@njit(cache=True)
def _close(events: Any, count: int, spo2: Any, start: int, end: int) -> None:
    """Write the group of events start..end as event number `count`."""
    nadir = start
    for i in range(start, end):
        if spo2[i] < spo2[nadir]:
            nadir = i
    fill_event(events[count], spo2, start, nadir, end, spo2[start])


@njit(cache=True)
def _detect(spo2: Any, depth: float, events: Any) -> int:
    n = spo2.shape[0]
    count = 0
    start = -1
    end = -1
    group_end = -1
    a = 1
    while a + MIN_S <= n:
        fall = spo2[a - 1] - spo2[a]
        if not (spo2[a] > FLOOR_PCT and 1.0 <= fall <= depth):
            a += 1
            continue
        b = a + 1
        while b < n - 1 and spo2[b] <= spo2[b - 1] and spo2[a] - spo2[b] < depth:
            b += 1
        if b >= n - 1:
            break
        if spo2[b] > spo2[b - 1]:
            a += 1
            continue
        c = b + 1
        lowest = spo2[b]
        while c < n and not (
            (spo2[a] - spo2[c] <= RECOVERED_WITHIN_PCT or spo2[c] - lowest >= depth) and c - a >= MIN_S
        ):
            lowest = min(lowest, spo2[c])
            c += 1
        if c >= n:
            break
        if c - a <= MAX_S:
            d = _recovery(spo2, a, c)
            if start >= 0 and a > end:
                _close(events, count, spo2, start, group_end)
                count += 1
                start = -1
            if start < 0:
                start = a
                group_end = d
            end = d
            group_end = max(group_end, d)
        a = c + 1
    if start >= 0:
        _close(events, count, spo2, start, group_end)
        count += 1
    return count


def detect(spo2: Signal, depth_pct: float) -> Events:
    """Desaturations of `depth_pct` on a signal `bridged` linearly; see the module for the rule."""
    events = no_events(spo2.size // MIN_S + 1)
    return events[: _detect(np.ascontiguousarray(spo2, np.float64), float(depth_pct), events)]


POBM: Final = Profile(
    name="pobm",
    version="1.2.0-1",
    rule="1..T % step down, non-increasing to T % below, recovery to within 1 % or by T % after 10..90 s",
    source="PhysioZoo oximetry toolbox 1.2.0 (Levy 2021)",
    bridge="linear",
    detect=detect,
)

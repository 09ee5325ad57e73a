"""What the pulse does at desaturations: the heart's answer to an event, which shallow desaturations hide.

- **Event-related pulse response** (dHR): highest pulse from the nadir to `AFTER_S` seconds after it, minus the lowest
  from the onset to the nadir; mean and SD over the events. After A. Azarbarzin et al., Am. J. Respir. Crit. Care Med.
  203:1546 (2021), who take scored events and a search window of each sleeper's own; here the nadir stands for the end
  of the event.
- **Pulse rise index**: desaturations at which the pulse, from the nadir to `RISE_WITHIN_S` seconds after the event's
  end, stands `RISE_BPM` or more above its trailing baseline (mean of the `BASELINE_S` seconds before the onset), per
  hour of valid pulse. A rise is the trace of an arousal, so an event of 2 % with a rise is one that a 3 % or 4 %
  index alone would miss.

An event is judged where at least half of the seconds of each window have a believable pulse.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.oximetry.events import Events
from analytics.oximetry.results import PulseSummary

RISE_BPM: Final = 6.0
RISE_WITHIN_S: Final = 15
BASELINE_S: Final = 60
AFTER_S: Final = 30
VALID_LOW_BPM: Final = 25.0
VALID_HIGH_BPM: Final = 250.0
"""What finger oximeters report; outside it a value is missing (0, 255, 511, 65535 are fillers)."""


@njit(cache=True)
def _stretch(second: Any, pulse: Any, first: int, last: int) -> tuple[float, float, float]:
    """Lowest, highest and mean pulse of the seconds first..last; NaN where less than half of them are valid."""
    low = np.inf
    high = -np.inf
    total = 0.0
    valid = 0
    for i in range(np.searchsorted(second, first), second.shape[0]):
        if second[i] > last:
            break
        value = pulse[i]
        if value == value:
            low = min(low, value)
            high = max(high, value)
            total += value
            valid += 1
    if valid == 0 or 2 * valid < last - first + 1:
        return np.nan, np.nan, np.nan
    return low, high, total / valid


@njit(cache=True)
def judge_event(second: Any, pulse: Any, event: Any) -> tuple[float, bool]:
    """Response of one desaturation (bpm; NaN where it cannot be judged), and whether the pulse rose.

    Parameters
    ----------
    second, pulse
        Seconds from the recording's first sample, in order, and their masked pulse (bpm, NaN missing).
    event
        A row of `EVENT_DTYPE`.
    """
    low, _, _ = _stretch(second, pulse, event.start_s, event.nadir_s)
    _, high, _ = _stretch(second, pulse, event.nadir_s, event.nadir_s + AFTER_S)
    _, _, baseline = _stretch(second, pulse, event.start_s - BASELINE_S, event.start_s - 1)
    _, peak, _ = _stretch(second, pulse, event.nadir_s, event.end_s + RISE_WITHIN_S)
    return high - low, peak - baseline >= RISE_BPM  # false where either cannot be judged


@njit(cache=True)
def _responses(second: Any, pulse: Any, events: Any, response: Any) -> int:
    """Fill `response` (bpm, NaN where it cannot be judged) and count the rises."""
    rises = 0
    for k in range(events.shape[0]):
        response[k], rose = judge_event(second, pulse, events[k])
        rises += rose
    return rises


def pulse_summary(pulse: NDArray[np.floating[Any]], desaturations: Events) -> PulseSummary | None:
    """Pulse of the night and its answer to `desaturations`.

    Parameters
    ----------
    pulse
        Masked pulse rate at 1 Hz, bpm, shape (n,); NaN missing, outside 25..250 too.
    desaturations
        Events (`EVENT_DTYPE`), in order of time.

    Returns
    -------
    PulseSummary or None
        None where there is no valid pulse at all.
    """
    beat = np.array(pulse, np.float64)
    with np.errstate(invalid="ignore"):
        beat[~((beat >= VALID_LOW_BPM) & (beat <= VALID_HIGH_BPM))] = np.nan
    valid = beat[~np.isnan(beat)]
    if not valid.size:
        return None
    response = np.empty(desaturations.size)
    rises = _responses(np.arange(beat.size, dtype=np.int32), beat, desaturations, response)
    judged = response[~np.isnan(response)]
    hours = valid.size / 3600.0
    return PulseSummary(
        mean=float(valid.mean()),
        min=float(valid.min()),
        max=float(valid.max()),
        sd=float(valid.std()),
        valid_h=hours,
        rise_index=3600.0 * rises / valid.size,
        response_bpm=float(judged.mean()) if judged.size else math.nan,
        response_sd_bpm=float(judged.std()) if judged.size else math.nan,
        response_events=int(judged.size),
    )

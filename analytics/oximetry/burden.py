"""Hypoxic burden: the area under the baseline that breathing events leave behind, per hour; % min/h.

Defined by A. Azarbarzin et al., Eur. Heart J. 40:1149 (2019), and computed here as the public reference in MATLAB
does (P. de Chazal, `calcHB`, used in K. Sutherland et al., Sleep 2022, zsac179):

1. An event ends at second ``round(start + duration + 0.5)``, counted from one, halves away from zero. SpO2 outside
   50..100 % is missing.
2. The SpO2 of -120..+120 s about the ends is averaged over the events that have it all (missing seconds left out),
   smoothed by the reference's 31-tap filter run forwards and backwards, and cut to -ceil(mean duration) ..
   min(90, ceil(mean gap between onsets)).
3. The nadir is the lowest dip of that curve. The window starts at the last peak before it that stands more than 75 %
of
   the highest one's rise above it, and ends at the first such peak after it. Where the curve lacks one of them the
   window is -5..+45 s, the reference's population default. As in the reference, the window's seconds are one later
   than the curve's own: it takes the end to be the curve's sample number ceil(mean duration), which is the one
   before.
4. Each event adds the area between its baseline (the highest SpO2 of the 100 s up to its end) and the signal over the
   window, nothing where the signal is above; an overlap with the window before is not counted again (but for the one
   second in which they touch). An event without 100 s before it, or without its window after it, adds none.
5. The sum is divided by the hours of sleep (of recording, where there are no stages) with a valid SpO2.

Where no respiratory events were scored, the project's own desaturations stand in: see `own_events`.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from analytics.oximetry.events import Events
from analytics.oximetry.results import BurdenEvents, HypoxicBurden
from analytics.oximetry.signal import VALID_HIGH_PCT, VALID_LOW_PCT

HALF_S: Final = 120
BASELINE_S: Final = 100
LONGEST_GAP_S: Final = 90
PEAK_SHARE: Final = 0.75
DEFAULT_WINDOW_S: Final = (-5, 45)
WAKE: Final = 0
LAST_SLEEP_STAGE: Final = 8
"""Stages 1..8 are sleep, 0 is wake, 9 is undetermined."""

OWN_DEPTH_PCT: Final = 2.0
LAG_S: Final = 10
"""From a change of breathing to the change at the finger: circulation and the sensor's averaging. The lag only lets
the
search window see the shoulder before the fall: from 5 to 20 s the burden of both real nights here moves by 1.5 %."""

_HALF_FILTER: Final = (
    0.204101948813338,
    0.187717212244959,
    0.144171828095816,
    0.087695691366900,
    0.034794452821365,
    -0.002425120103463,
    -0.019969417749860,
    -0.021415481383353,
    -0.014258087808069,
    -0.005659450344228,
    0.000207543145171,
    0.002485940327008,
    0.002341700062534,
    0.001350397179936,
    0.000514594526374,
    0.000109398212241,
)
"""The reference's low-pass (31 taps, pass band to 1/30 Hz, symmetric), from its middle outwards: design data of
`calcHB`."""

_TAPS: Final = np.array(_HALF_FILTER[:0:-1] + _HALF_FILTER)
_SMOOTHER: Final = np.convolve(_TAPS, _TAPS[::-1])
"""Forwards and backwards in one: 61 taps about the middle."""
_REACH: Final = len(_SMOOTHER) // 2
_CURVE: Final = 2 * HALF_S + 1
_FAR_S: Final = 1e9
"""An event further off than this is outside every night; bounded so that it is still a whole number."""


@njit(cache=True)
def _average(spo2: Any, ends: Any, curve: Any) -> None:
    """Mean SpO2 at -120..+120 s about the `ends` (from one) of events that have it all; NaN where none has."""
    n = spo2.shape[0]
    seen = np.zeros(_CURVE)
    curve[:] = 0.0
    for end in ends:
        if end - HALF_S > 0 and end + HALF_S < n:
            about = spo2[end - 1 - HALF_S : end + HALF_S]
            for i in range(_CURVE):  # without branches, so that it is vectorised
                valid = about[i] == about[i]
                curve[i] += about[i] if valid else 0.0
                seen[i] += 1.0 if valid else 0.0
    for i in range(_CURVE):
        curve[i] = curve[i] / seen[i] if seen[i] > 0.0 else np.nan


@njit(cache=True)
def _smooth(curve: Any, first: int, last: int, smooth: Any) -> None:
    """Smoothed curve of samples first..last; beyond its ends the curve is turned about its end points."""
    top = _CURVE - 1
    for k in range(last - first + 1):
        total = 0.0
        for j in range(-_REACH, _REACH + 1):
            i = first + k + j
            if i < 0:
                value = 2.0 * curve[0] - curve[-i]
            elif i > top:
                value = 2.0 * curve[top] - curve[2 * top - i]
            else:
                value = curve[i]
            total += _SMOOTHER[j + _REACH] * value
        smooth[k] = total


@njit(cache=True)
def _is_peak(curve: Any, i: int, first: int, last: int, sign: float) -> bool:
    """Whether sample i of first..last is a local maximum of sign * curve; of a flat top the first sample, no end."""
    if i <= first or i >= last or not sign * curve[i] > sign * curve[i - 1]:
        return False
    after = i + 1
    while after < last and curve[after] == curve[i]:
        after += 1
    return bool(sign * curve[after] < sign * curve[i])


@njit(cache=True)
def _window(curve: Any, size: int, zero: int) -> tuple[int, int, bool]:
    """First and last second of the search window from the smoothed curve, and whether they were found in it."""
    nadir = -1
    for i in range(1, size - 1):
        if _is_peak(curve, i, 0, size - 1, -1.0) and (nadir < 0 or curve[i] < curve[nadir]):
            nadir = i
    if nadir < 2 or nadir > size - 3:
        return DEFAULT_WINDOW_S[0], DEFAULT_WINDOW_S[1], False
    before = after = -np.inf
    for i in range(1, nadir):
        if _is_peak(curve, i, 0, nadir, 1.0):
            before = max(before, curve[i])
    for i in range(nadir + 1, size - 1):
        if _is_peak(curve, i, nadir, size - 1, 1.0):
            after = max(after, curve[i])
    if before == -np.inf or after == -np.inf:
        return DEFAULT_WINDOW_S[0], DEFAULT_WINDOW_S[1], False
    start = nadir - 1
    while not (
        _is_peak(curve, start, 0, nadir, 1.0) and curve[start] - curve[nadir] > PEAK_SHARE * (before - curve[nadir])
    ):
        start -= 1
    end = nadir + 1
    while not (
        _is_peak(curve, end, nadir, size - 1, 1.0) and curve[end] - curve[nadir] > PEAK_SHARE * (after - curve[nadir])
    ):
        end += 1
    return start - zero, end - zero, True


@njit(cache=True)
def _area(spo2: Any, ends: Any, window_start: int, window_end: int) -> float:
    """Summed area of all events in % s; `ends` from one and in order."""
    n = spo2.shape[0]
    total = 0.0
    counted = 1
    for end in ends:
        if end - BASELINE_S > 0 and end + window_end < n:
            baseline = -np.inf
            for i in range(end - 1 - BASELINE_S, end):
                if spo2[i] > baseline:
                    baseline = spo2[i]
            for i in range(max(end + window_start, counted) - 1, end + window_end):
                if spo2[i] < baseline:
                    total += baseline - spo2[i]
            counted = end + window_end
    return total


@njit(cache=True)
def _burden(spo2: Any, ends: Any, duration: int, gap: int) -> tuple[float, int, int, bool]:
    """Area in % s, the window's first and last second, and whether it was found in the average curve."""
    curve = np.empty(_CURVE)
    _average(spo2, ends, curve)
    first = HALF_S - duration
    last = HALF_S + gap
    smooth = np.empty(last - first + 1)
    _smooth(curve, first, last, smooth)
    start, end, found = _window(smooth, smooth.shape[0], duration - 1)
    return _area(spo2, ends, start, end), start, end, found


@njit(cache=True)
def _cleaned(spo2: Any) -> tuple[Any, int]:
    """A copy of the signal with what lies outside 50..100 % missing, and its valid seconds."""
    clean = np.empty(spo2.shape[0])
    valid = 0
    for i in range(spo2.shape[0]):
        if VALID_LOW_PCT <= spo2[i] <= VALID_HIGH_PCT:
            clean[i] = spo2[i]
            valid += 1
        else:
            clean[i] = np.nan
    return clean, valid


@njit(cache=True)
def _check(start: Any, duration: Any) -> int:
    """1 for possible events in order of their starts, 0 out of order, -1 where one is impossible."""
    in_order = 1
    for i in range(start.shape[0]):
        if not (np.isfinite(start[i]) and np.isfinite(duration[i]) and duration[i] >= 0.0):
            return -1
        if i and start[i] < start[i - 1]:
            in_order = 0
    return in_order


@njit(cache=True)
def _timing(start: Any, duration: Any) -> tuple[Any, float, float]:
    """Seconds in which the events end (from one), mean duration and mean gap rounded up; NaN where there is none."""
    n = start.shape[0]
    ends = np.empty(n, np.int64)
    total = gaps = 0.0
    for i in range(n):
        ends[i] = math.floor(min(max(start[i] + duration[i], -_FAR_S), _FAR_S) + 1.0)
        total += duration[i]
        gaps += start[i] - start[i - 1] if i else 0.0
    return ends, math.ceil(total / n) if n else np.nan, math.ceil(gaps / (n - 1)) if n > 1 else np.nan


def own_events(desaturations: Events) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start and duration (s) of the breathing events that desaturations stand for.

    From onset to nadir, `LAG_S` earlier: the airway opens, and the scored event ends, before the finger's saturation
    turns. Desaturations of >= 2 % serve, as in N. Esmaeili et al., Ann. Am. Thorac. Soc. 20:1633 (2023), whose
    oximetry-only burden foretold outcomes as the scored one did.
    """
    start = desaturations["start_s"].astype(np.float64)
    return start - LAG_S, desaturations["nadir_s"] - start


def hypoxic_burden(
    spo2: NDArray[np.floating[Any]],
    start_s: ArrayLike,
    duration_s: ArrayLike,
    *,
    events: BurdenEvents,
    stages: NDArray[np.number[Any]] | None = None,
) -> HypoxicBurden:
    """Hypoxic burden of a night.

    Parameters
    ----------
    spo2
        SpO2 at 1 Hz, %, shape (n,); NaN or outside 50..100 missing.
    start_s, duration_s
        Events, s from the first sample, shape (m,); in any order.
    events
        What they are: `scored` respiratory events or the project's `own` desaturations.
    stages
        Sleep stage of every second, shape (n,): 0 wake, 1..8 sleep, 9 or above unknown. None: all of the recording
        counts.

    Returns
    -------
    HypoxicBurden
        `value` is 0 without events and NaN without a valid hour to divide by.

    Raises
    ------
    ValueError
        If `start_s` and `duration_s` differ in length or hold a value that is not finite or a negative duration, or
        `stages` is of another length than `spo2`.
    """
    start = np.atleast_1d(np.asarray(start_s, np.float64))
    duration = np.atleast_1d(np.asarray(duration_s, np.float64))
    if start.shape != duration.shape:
        raise ValueError(f"{start.size} event starts but {duration.size} durations")
    in_order = _check(start, duration)
    if in_order < 0:
        raise ValueError("event starts and durations must be finite and no duration negative")
    if not in_order:
        order = np.argsort(start, kind="stable")
        start, duration = start[order], duration[order]
    clean, valid = _cleaned(spo2)
    if stages is not None:
        if stages.shape != spo2.shape:
            raise ValueError(f"{stages.size} sleep stages for {spo2.size} seconds")
        asleep = (stages > WAKE) & (stages <= LAST_SLEEP_STAGE)
        valid = int(np.count_nonzero(asleep & ~np.isnan(clean)))
    hours = valid / 3600.0
    ends, mean_duration, mean_gap = _timing(start, duration)
    area, window_start, window_end, found = 0.0, *DEFAULT_WINDOW_S, False
    if start.size:
        reach = int(min(LONGEST_GAP_S, mean_gap)) if start.size > 1 else LONGEST_GAP_S
        area, window_start, window_end, found = _burden(clean, ends, int(min(mean_duration, HALF_S)), reach)
    return HypoxicBurden(
        value=area / 60.0 / hours if hours > 0 else math.nan,
        events=events,
        hours_of="recording" if stages is None else "sleep",
        hours=hours,
        area_pct_min=area / 60.0,
        event_count=start.size,
        mean_duration_s=mean_duration,
        mean_gap_s=mean_gap,
        window_start_s=window_start,
        window_end_s=window_end,
        window_is_default=not found,
    )

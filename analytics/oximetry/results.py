"""What is said of one whole night, as values; `Analysis.to_dict` is the JSON that scripts rely on.

Rates are per hour of *valid* recording and shares are of valid time. What cannot be said is NaN here and null in the
JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

Severity = Literal["unknown", "normal", "mild", "moderate", "severe"]
BurdenEvents = Literal["scored", "own"]
BurdenHours = Literal["sleep", "recording"]
Certainty = Literal["insufficient", "low", "provisional"]


@dataclass(frozen=True, slots=True)
class Spo2Summary:
    """Oxygen saturation over the valid seconds.

    Attributes
    ----------
    mean, median, min, max, sd, p1, p5, p95
        Statistics, %; `sd` is that of the population.
    baseline
        Mean of the seconds that lie in no desaturation, %; of all valid seconds where none is left.
    t95_pct, t90_pct, t88_pct, t85_pct, t80_pct
        Share of valid time strictly below 95, 90, 88, 85, 80 %; %.
    t90_le_pct
        The same for <= 90 %, as some tools count it.
    le_88_s, longest_le_88_s
        Total time and longest run at <= 88 %; s.
    nocturnal_oxygen_criterion
        Whether `le_88_s` reaches the five minutes that payers ask for.
    """

    mean: float
    median: float
    min: float
    max: float
    sd: float
    p1: float
    p5: float
    p95: float
    baseline: float
    t95_pct: float
    t90_pct: float
    t90_le_pct: float
    t88_pct: float
    t85_pct: float
    t80_pct: float
    le_88_s: float
    longest_le_88_s: float
    nocturnal_oxygen_criterion: bool


@dataclass(frozen=True, slots=True)
class PulseSummary:
    """Pulse rate over its valid seconds, and what it does at desaturations; see `pulse_response`.

    Attributes
    ----------
    mean, min, max, sd
        bpm.
    valid_h
        Hours with a believable pulse.
    rise_index
        Desaturations (>= 2 %) with a pulse rise, per hour of `valid_h`.
    response_bpm, response_sd_bpm
        Event-related pulse response: mean and SD over events of highest after minus lowest during; bpm.
    response_events
        Events with enough pulse around them to judge.
    """

    mean: float
    min: float
    max: float
    sd: float
    valid_h: float
    rise_index: float
    response_bpm: float
    response_sd_bpm: float
    response_events: int


@dataclass(frozen=True, slots=True)
class DesaturationRow:
    """One desaturation, in seconds from the recording's first sample; % and % s."""

    start_s: float
    nadir_s: float
    end_s: float
    baseline: float
    nadir: float
    depth: float
    area: float
    confidence: float


@dataclass(frozen=True, slots=True)
class HypoxicBurden:
    """Hypoxic burden with the window and the events that made it; see `burden`.

    Attributes
    ----------
    value
        % min per hour.
    events
        `scored` respiratory events, or `own` desaturations standing in for them.
    hours_of
        `sleep` where stages were given, else `recording`.
    hours
        Valid hours of that, the denominator.
    area_pct_min
        Summed area, % min.
    event_count
        Events given; those too near the recording's edges add no area.
    mean_duration_s, mean_gap_s
        Rounded up, of the events; NaN where there are none (no gap with one).
    window_start_s, window_end_s
        The search window about an event's end, s; inclusive.
    window_is_default
        Whether the average curve had no usable shape and the population's window was taken.
    """

    value: float
    events: BurdenEvents
    hours_of: BurdenHours
    hours: float
    area_pct_min: float
    event_count: int
    mean_duration_s: float
    mean_gap_s: float
    window_start_s: int
    window_end_s: int
    window_is_default: bool


@dataclass(frozen=True, slots=True)
class Quality:
    """How much of the night can be believed.

    Attributes
    ----------
    recorded_h, valid_h, valid_pct
        Time from the first sample to the last (filler at the end left out), the part that is valid, and its share; %.
    masked_s
        Masked seconds by reason (the names of `indices.REASONS`).
    sufficient
        Whether four valid hours were reached, the least that home sleep testing asks for (AASM).
    """

    recorded_h: float
    valid_h: float
    valid_pct: float
    masked_s: Mapping[str, int]
    sufficient: bool


@dataclass(frozen=True, slots=True)
class IndexReading:
    """One index in words: its value, its unit, and the severity that its bands give it."""

    name: str
    value: float
    unit: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Reading:
    """The night in plain sentences; informs, and makes no diagnosis. See `reading`.

    Attributes
    ----------
    severity
        The worst that any index gives.
    drivers
        Names of the indices that give it.
    certainty
        `insufficient` (too few valid hours), `low` (one night that more nights may well overturn) or `provisional`.
    indices
        Every index that was read, with its own severity.
    sentences
        For people.
    """

    severity: Severity
    drivers: tuple[str, ...]
    certainty: Certainty
    indices: tuple[IndexReading, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that one night of oximetry gives under one profile.

    Attributes
    ----------
    interval_s
        The device's sampling interval, s.
    duration_h, valid_h
        Recorded and valid hours.
    profile, profile_version
        The rule behind every desaturation here.
    odi2, odi3, odi4
        Desaturations of >= 2, 3, 4 % per valid hour.
    desaturations
        Those of >= 2 %, in order of time.
    desaturation_severity
        Area of the desaturations of >= 3 % over valid time, % (Kulkas 2013).
    biomarkers
        By name; units in `biomarkers.catalogue`.
    """

    interval_s: float
    duration_h: float
    valid_h: float
    profile: str
    profile_version: str
    spo2: Spo2Summary
    pulse: PulseSummary | None
    odi2: float
    odi3: float
    odi4: float
    desaturations: tuple[DesaturationRow, ...]
    desaturation_severity: float
    hypoxic_burden: HypoxicBurden
    severity: Severity
    quality: Quality
    biomarkers: Mapping[str, float]
    reading: Reading

    def to_dict(self) -> dict[str, Any]:
        """Plain containers for JSON: never NaN or infinity (None instead), never a numpy type."""
        plain = {name: _plain(value) for name, value in asdict(self).items()}
        plain["pulse"] = plain["pulse"] or {}
        return plain


def _plain(value: Any) -> Any:
    """`value` in types that JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""A night's numbers with their names and what they say, the reading of a closed night, and what else is to be known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from analytics.adherence.usage import GOAL_H
from analytics.nights.records import PatientNight
from analytics.nights.words import NAMES, UNITS
from analytics.oximetry.indices import PAYER_LIMIT_S
from analytics.oximetry.reading import MIN_VALID_H, Sex, read_night
from analytics.oximetry.results import HypoxicBurden, PulseSummary, Quality, Reading, Severity, Spo2Summary
from gateway.service.exchange.report.build import NOTES
from gateway.service.records import NightKind, NightResult, Patient, State
from gateway.service.views.night_sources import Sources
from gateway.service.views.night_values import Index, NightReading


@dataclass(frozen=True, slots=True)
class _Word:
    """How an index is told."""

    name: str
    label: str
    unit: str
    digits: int
    says: str
    scale: float = 1.0


OXIMETRY: Final = (
    _Word("odi4", NAMES["odi4"], UNITS["odi4"], 1, "Desaturations of 4 % or more per hour of valid recording."),
    _Word("odi3", NAMES["odi3"], UNITS["odi3"], 1, "Desaturations of 3 % or more per hour of valid recording."),
    _Word("t90_pct", NAMES["t90_pct"], UNITS["t90_pct"], 1, "Share of the valid time with SpO2 below 90 %."),
    _Word(
        "seconds_le_88",
        "time at or below 88 %",
        "min",
        1,
        "In all; five minutes meet the nocturnal oxygen criterion of payers.",
        1 / 60,
    ),
    _Word(
        "hypoxic_burden",
        NAMES["hypoxic_burden"],
        UNITS["hypoxic_burden"],
        1,
        "Area under the recording's own desaturations per hour, not under scored breathing events; told when the night "
        "is over.",
    ),
    _Word("mean_spo2", "mean SpO2", "%", 1, "Of the valid samples."),
    _Word("min_spo2", "lowest SpO2", "%", 0, "Lowest valid sample."),
    _Word("pulse_mean_bpm", "mean pulse", "/min", 0, "Of the seconds with a believable pulse."),
    _Word(
        "pulse_rise_index",
        "pulse rise index",
        "/h",
        1,
        "Desaturations (2 % or more) with a pulse rise per hour of valid pulse.",
    ),
)
BED: Final = (
    _Word("disturbance_index", "disturbances of breath", "/h", 1, "Per hour of sleep in which a breath could be read."),
    _Word("heart_rate_bpm", "heart in bed", "/min", 0, "Median, by the strip under the mattress."),
    _Word("respiration_rate_per_min", "breaths in bed", "/min", 1, "Median, by the strip under the mattress."),
)
_VALID: Final = (
    f"Hours with a valid SpO2: what every rate is by. A night of less than {MIN_VALID_H:g} is never called normal."
)
_AMBIGUOUS: Final = (
    "Two people seem to be in the bed: rates may be either's, and the index of disturbances is not to be relied on."
)


def indices_of(sources: Sources, reading: Reading | None) -> tuple[Index, ...]:
    """Every number that a page shows, in its order; what no device told is left out."""
    night = sources.joined
    severities = {one.name: one.severity for one in reading.indices} if reading is not None else {}
    severities["seconds_le_88"] = severities.pop("time_le_88", "unknown")
    found: list[Index] = []
    if sources.results("oximetry"):
        told: Mapping[str, float | None] = night.indices
        found += [_index(word, "oximetry", told.get(word.name), severities.get(word.name)) for word in OXIMETRY]
        found.append(_index(_Word("valid_h", "valid recording", "h", 1, _VALID), "oximetry", night.valid_h))
    if sources.results("wear"):
        found += _wear(night)
    if sources.results("bed"):
        found += _bed(sources)
    return tuple(found)


def _wear(night: PatientNight) -> list[Index]:
    goal = f"Within this night, suspect wear not counted; the goal is {GOAL_H:g} h."
    words = (
        (_Word("wear_h", "MAD worn", "h", 1, goal), night.wear_h),
        (
            _Word("wear_of_sleep_pct", "worn of the sleep", "%", 0, "Wear during the sleep over its hours."),
            night.wear_of_sleep_pct,
        ),
        (_Word("supine_pct", "on the back", "%", 0, "Share of the time lying with a known posture."), night.supine_pct),
    )
    found = [_index(word, "wear", value) for word, value in words]
    if night.suspect_wear_h:
        said = "Warm, but without signs of a mouth: shown, and not counted."
        found.insert(1, _index(_Word("suspect_wear_h", "suspect wear", "h", 1, said), "wear", night.suspect_wear_h))
    return found


def _bed(sources: Sources) -> list[Index]:
    result = max(sources.results("bed"), key=lambda one: (one.indices.get("in_bed_min") or 0.0, one.device))
    slept = result.indices.get("sleep_min")
    said = "By movement; who lies awake and still is read as asleep."
    hours = None if slept is None else slept / 60
    return [
        _index(_Word("sleep_h", "asleep", "h", 1, said), "bed", hours),
        *(_index(word, "bed", result.indices.get(word.name)) for word in BED),
    ]


def _index(word: _Word, of: NightKind, value: float | None, severity: Severity | None = None) -> Index:
    known = value is not None and math.isfinite(value)
    told = value * word.scale if known and value is not None else None
    graded = severity if told is not None and severity != "unknown" else None
    return Index(word.name, of, word.label, told, word.unit, word.digits, word.says, graded)


def read(sources: Sources) -> Reading | None:
    """The reading of a night whose oximetry is closed, by its indices on record; None before, and without any."""
    results = sources.results("oximetry")
    if not results or any(one.state is State.RUNNING for one in results):
        return None
    night, told = sources.joined, sources.joined.index
    low_s = told("seconds_le_88")
    nan = math.nan
    spo2 = Spo2Summary(
        mean=told("mean_spo2"),
        median=told("median_spo2"),
        min=told("min_spo2"),
        max=nan,
        sd=told("sd_spo2"),
        p1=told("p1_spo2"),
        p5=told("p5_spo2"),
        p95=told("p95_spo2"),
        baseline=told("baseline_spo2"),
        t95_pct=told("t95_pct"),
        t90_pct=told("t90_pct"),
        t88_pct=told("t88_pct"),
        t85_pct=told("t85_pct"),
        t80_pct=told("t80_pct"),
        t90_le_pct=told("t90_le_pct"),
        le_88_s=low_s if math.isfinite(low_s) else 0.0,
        longest_le_88_s=told("longest_le_88_s"),
        nocturnal_oxygen_criterion=low_s >= PAYER_LIMIT_S,
    )
    pulse = PulseSummary(
        mean=told("pulse_mean_bpm"),
        min=told("pulse_min_bpm"),
        max=told("pulse_max_bpm"),
        sd=told("pulse_sd_bpm"),
        valid_h=told("pulse_valid_s") / 3600,
        rise_index=told("pulse_rise_index"),
        response_bpm=told("pulse_response_bpm"),
        response_sd_bpm=told("pulse_response_sd_bpm"),
        response_events=0,
    )
    burden = HypoxicBurden(told("hypoxic_burden"), "own", "recording", night.valid_h, nan, 0, nan, nan, 0, 0, False)
    recorded_h = sum(one.end_ms - one.start_ms for one in results) / 3_600_000
    share_pct = 100.0 * night.valid_h / recorded_h if recorded_h else 0.0
    quality = Quality(recorded_h, night.valid_h, share_pct, {}, night.valid_h >= MIN_VALID_H)
    sex, age = _person(sources.patient, sources.night.year)
    return read_night(told("odi3"), told("odi4"), spo2, burden, pulse, quality, sex=sex, age=age)


def _person(patient: Patient, year: int) -> tuple[Sex | None, float | None]:
    sex = cast(Sex, patient.sex) if patient.sex in ("female", "male") else None
    return sex, None if patient.birth_year is None else max(0.0, float(year - patient.birth_year))


def told_reading(reading: Reading | None) -> NightReading | None:
    """A reading as the view tells it."""
    return None if reading is None else NightReading(reading.severity, reading.certainty, reading.sentences)


def notes_of(sources: Sources, pending: frozenset[str], shared: frozenset[str]) -> tuple[str, ...]:
    """What a reader should know of this night, a sentence each."""
    night = sources.joined
    said = [f"A night {NOTES[note]}." for note in night.notes]
    said += [
        f"More has come from {device} than these results tell: they are being made again." for device in sorted(pending)
    ]
    said += [
        f"{device} was the patient's for a part of this night alone: only that part is shown, and the indices are of "
        "its whole recording."
        for device in sorted(shared)
    ]
    if any(_is_set(result, "ambiguous") for result in sources.results("bed")):
        said.append(_AMBIGUOUS)
    return tuple(said)


def _is_set(result: NightResult, name: str) -> bool:
    return bool(result.indices.get(name))

"""A patient over many nights: where the index goes, how the MAD was worn, whether it works, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from analytics.adherence.follow_up import FollowUp
from analytics.adherence.titration import (
    AdvancementResponse,
    SideEffectReport,
    TitrationStep,
    TreatedNight,
    least_sufficient_mm,
    response_by_advancement,
)
from analytics.adherence.titration import SideEffect as Effect
from analytics.adherence.usage import Usage
from analytics.nights.model import POPULATIONS
from analytics.nights.records import PatientNight, Side
from analytics.nights.records import TreatmentStep as Step
from analytics.nights.report import NightsReport
from analytics.nights.summary import LEAST_VALID_H, SETTLED_NIGHTS
from analytics.nights.treatment import side_of
from gateway.service.access import RULES, Access, Action, Principal
from gateway.service.exchange.report.follow_up import as_rule
from gateway.service.exchange.report.gather import history
from gateway.service.exchange.report.response import response_of
from gateway.service.exchange.report.values import DeviceUse, Facts, Wear
from gateway.service.exchange.report.wear import wear_of
from gateway.service.nights import local_date
from gateway.service.records import Alert, FollowUpMark, Patient, Records, SideEffect, SideEffectKind, TreatmentStep

INDICES: Final = ("odi3", "odi4", "hypoxic_burden", "t90_pct")
BANDS: Final[Mapping[str, tuple[float, float, float]]] = {
    name: one.bands for name, one in POPULATIONS.items() if one.bands is not None
}
"""Where mild, moderate and severe begin, by index."""

EFFECTS: Final = {
    SideEffectKind.SORE_JAW: Effect.SORE_JAW,
    SideEffectKind.SALIVA: Effect.SALIVA,
    SideEffectKind.DRY_MOUTH: Effect.DRY_MOUTH,
    SideEffectKind.TOOTH_PAIN: Effect.TOOTH_PAIN,
    SideEffectKind.BITE_CHANGE: Effect.BITE_CHANGE,
}

WearState = Literal["worn", "not_worn", "no_data"]


@dataclass(frozen=True, slots=True)
class NightLine:
    """One night of the list.

    Attributes
    ----------
    side : str
        Whether the MAD was in: ``with``, ``without``, ``mixed``, ``unknown``.
    usable : bool
        Enough valid hours for its indices to join a mean.
    indices : mapping of str to float
        Those of `INDICES` that are known.
    final : bool
        False while data arrive or are analysed.
    """

    night: date
    side: Side
    usable: bool
    valid_h: float
    sleep_h: float | None
    wear_h: float | None
    supine_pct: float | None
    indices: Mapping[str, float]
    notes: tuple[str, ...]
    final: bool


@dataclass(frozen=True, slots=True)
class WearCell:
    """One night of the calendar; ``no_data`` is never the same as ``not_worn``, and suspect hours are in no sum."""

    night: date
    state: WearState
    hours: float | None
    suspect_h: float


@dataclass(frozen=True, slots=True)
class DueOne:
    """A follow-up, with what was noted of it."""

    follow_up: FollowUp
    marks: tuple[FollowUpMark, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the page of a patient shows.

    Attributes
    ----------
    first, last : date
        The period; means and comparisons look back further, as reports do (`reading.first`).
    provisional : bool
        Fewer usable nights than settle a mean.
    reading : NightsReport
        What the nights say together, with class probabilities, comparison, trends, changes and bedtime.
    calendar : tuple of WearCell
        Consecutive nights; empty without a recorder.
    usage : Usage or None
    goal_h : float
        Wear that is aimed at, as the rules about wear have it.
    by_advancement : tuple of AdvancementResponse
        ODI3 and wear at each advancement; `sufficient_mm` the least that responds.
    devices : tuple of DeviceUse
        Of the period.
    alerts : tuple of Alert or None
        Open ones, the most urgent first; None where they are not for who asks.
    """

    patient: Patient
    clinic: str
    first: date
    last: date
    now_ms: int
    nights: tuple[NightLine, ...]
    provisional: bool
    reading: NightsReport
    calendar: tuple[WearCell, ...]
    usage: Usage | None
    goal_h: float
    steps: tuple[TreatmentStep, ...]
    side_effects: tuple[SideEffect, ...]
    by_advancement: tuple[AdvancementResponse, ...]
    sufficient_mm: float | None
    follow_ups: tuple[DueOne, ...]
    devices: tuple[DeviceUse, ...]
    alerts: tuple[Alert, ...] | None


def overview(
    records: Records, access: Access, who: Principal, patient: Patient, period: tuple[date, date], *, now_ms: int
) -> Overview:
    """Put a patient's overview together.

    Raises
    ------
    StoreUnavailableError
        The records do not answer.
    """
    facts = history(records, patient, period, now_ms=now_ms)
    wear = wear_of(facts)
    lines = night_lines(facts)
    goal_h = records.thresholds.in_force(patient.clinic, patient.id)["wear_short"]["goal_h"]
    by_advancement, sufficient_mm = _titration(facts)
    return Overview(
        patient=patient,
        clinic=facts.clinic,
        first=facts.first,
        last=facts.last,
        now_ms=now_ms,
        nights=lines,
        provisional=sum(line.usable for line in lines) < SETTLED_NIGHTS,
        reading=facts.reading,
        calendar=calendar(wear),
        usage=None if wear is None else wear.usage,
        goal_h=goal_h,
        steps=facts.steps,
        side_effects=facts.side_effects,
        by_advancement=by_advancement,
        sufficient_mm=sufficient_mm,
        follow_ups=due(facts),
        devices=facts.devices,
        alerts=_alerts(records, access, who, patient),
    )


def night_lines(facts: Facts) -> tuple[NightLine, ...]:
    """The nights of the period, in order."""
    steps = [Step(step.night, step.advancement_mm) for step in facts.steps]
    return tuple(
        NightLine(
            night=night.night,
            side=side_of(night, steps),
            usable=night.valid_h >= LEAST_VALID_H,
            valid_h=night.valid_h,
            sleep_h=night.sleep_h,
            wear_h=night.wear_h,
            supine_pct=night.supine_pct,
            indices={name: night.indices[name] for name in INDICES if name in night.indices},
            notes=night.notes,
            final=night.night not in facts.unfinished,
        )
        for night in facts.nights
        if facts.first <= night.night <= facts.last
    )


def calendar(wear: Wear | None) -> tuple[WearCell, ...]:
    """Wear night by night."""
    if wear is None:
        return ()
    return tuple(WearCell(day.night, _wear_state(day.hours), day.hours, day.suspect_h) for day in wear.days)


def _wear_state(hours: float | None) -> WearState:
    if hours is None:
        return "no_data"
    return "worn" if hours > 0 else "not_worn"


def due(facts: Facts) -> tuple[DueOne, ...]:
    """Follow-ups on the patient's date, with what was noted of each."""
    found = as_rule(facts.steps, facts.marks, local_date(facts.now_ms, facts.patient.zone))
    return tuple(DueOne(one, tuple(mark for mark in facts.marks if mark.kind == one.kind)) for one in found)


def _titration(facts: Facts) -> tuple[tuple[AdvancementResponse, ...], float | None]:
    """Index and wear at each advancement, over the nights with the MAD in, against the baseline without it."""
    baseline = response_of(facts).baseline
    if not facts.steps or not baseline:
        return (), None
    steps = [Step(step.night, step.advancement_mm) for step in facts.steps]
    treated = [
        TreatedNight(one.night, _index(one), one.wear_h) for one in facts.nights if side_of(one, steps) == "with"
    ]
    found = response_by_advancement(
        baseline,
        [TitrationStep(step.night, step.advancement_mm) for step in facts.steps],
        treated,
        [SideEffectReport(one.night, EFFECTS[one.kind]) for one in facts.side_effects if one.kind in EFFECTS],
    )
    return found, least_sufficient_mm(found)


def _index(night: PatientNight) -> float | None:
    return night.indices.get("odi3") if night.valid_h >= LEAST_VALID_H else None


def _alerts(records: Records, access: Access, who: Principal, patient: Patient) -> tuple[Alert, ...] | None:
    if who.user is not None and who.user.role not in RULES[Action.READ_ALERT]:
        return None
    found = records.alerts.list(open_only=True, patient=patient.id, among=access.patients(who))
    return tuple(found)

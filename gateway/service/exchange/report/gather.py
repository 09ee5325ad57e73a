"""From the records and the sample store to the facts of a report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from analytics.nights.records import TreatmentStep as Step
from analytics.nights.report import evaluate
from gateway.errors import ConfigurationError
from gateway.service.exchange.report.values import DeviceUse, Facts, NightTrace
from gateway.service.nights import night_bounds, night_of
from gateway.service.patient_nights import moment_of, own, patient_nights
from gateway.service.records import Assignment, NightResult, Patient, Records, State, Stretch
from gateway.service.store.base import SampleStore

USUAL: Final = timedelta(days=89)
"""Before the last night: 90 nights."""
MOST: Final = timedelta(days=800)
"""Nights that one report reads at most."""
BASELINE: Final = timedelta(days=90)
"""Nights so long before the treatment (or the period) are looked at for the index without the MAD."""

Wears = tuple[tuple[NightResult, tuple[Stretch, ...]], ...]


def usual_period(patient: Patient, now_ms: int, first: date | None, last: date | None) -> tuple[date, date]:
    """The period that is meant where one end or both are left out.

    Raises
    ------
    ConfigurationError
        It ends before it begins, or is longer than `MOST`.
    """
    until = last or night_of(now_ms, patient.zone)
    since = first or until - USUAL
    if not since <= until <= since + MOST:
        raise ConfigurationError(f"a period is 0 to {MOST.days} days, from the first night to the last")
    return since, until


def gather(
    records: Records,
    store: SampleStore,
    patient: Patient,
    period: tuple[date, date],
    *,
    now_ms: int,
    night: date | None = None,
) -> Facts:
    """Read what a report needs: the history, and one night.

    Parameters
    ----------
    night : date or None
        The night to be shown sample by sample; the last with oximetry in the period if None.

    Raises
    ------
    ConfigurationError
        `night` has no oximetry of this patient.
    StoreUnavailableError
        The records or the store do not answer.
    """
    facts = history(records, patient, period, now_ms=now_ms)
    assignments = records.assignments.list(patient=patient.id)
    results = _oximetry(records, assignments, *period)
    return replace(facts, trace=_trace(records, store, patient, assignments, results, facts.wear, night))


def history(records: Records, patient: Patient, period: tuple[date, date], *, now_ms: int) -> Facts:
    """All that is on record of a patient; no samples, so `trace` is None.

    Parameters
    ----------
    period : (date, date)
        First and last night, both included.

    Raises
    ------
    StoreUnavailableError
        The records do not answer.
    """
    first, last = period
    assignments = records.assignments.list(patient=patient.id)
    steps = tuple(records.treatment.steps(patient.id))
    marks = records.follow_ups.of([patient.id]).get(patient.id, [])
    begun = [first, *(step.night for step in steps)]
    since = max(min(begun) - BASELINE, last - MOST)
    nights = patient_nights(records, patient, since, last)
    reading = evaluate(nights, [Step(step.night, step.advancement_mm) for step in steps])
    begin_ms, end_ms = night_bounds(first, patient.zone)[0], night_bounds(last, patient.zone)[1]
    held = [one for one in assignments if one.from_ms < end_ms and (one.to_ms is None or one.to_ms > begin_ms)]
    held.sort(key=lambda one: (one.device, one.from_ms))
    known = records.devices.get_many({one.device for one in held})
    wear = _wear(records, assignments, since, last)
    results = _oximetry(records, assignments, first, last)
    stale = {one for one in (*records.results.stale(), *records.results.stale(kind="wear")) if one[0] in known}
    return Facts(
        patient=patient,
        clinic=next((one.name for one in records.people.clinics() if one.id == patient.clinic), patient.clinic),
        first=first,
        last=last,
        now_ms=now_ms,
        devices=tuple(DeviceUse(known[one.device], one.from_ms, one.to_ms) for one in held if one.device in known),
        wear=wear,
        nights=nights,
        reading=reading,
        steps=steps,
        side_effects=tuple(one for one in records.treatment.side_effects(patient.id) if first <= one.night <= last),
        marks=tuple(marks),
        unfinished=frozenset(
            [night for _, night in stale if first <= night <= last]
            + [one.night for one in (*results, *(night for night, _ in wear)) if one.state is State.RUNNING]
        ),
        trace=None,
    )


def _wear(records: Records, assignments: list[Assignment], first: date, last: date) -> Wears:
    """The recorders' nights while they were the patient's, in order, each with its stretches."""
    found = [
        result
        for device in sorted({one.device for one in assignments})
        for result in own(records.results.nights(device=device, first=first, last=last, kind="wear"), assignments)
    ]
    stretches = records.results.stretches_of(found)
    ordered = sorted(found, key=lambda one: (one.night, one.device))
    return tuple((one, tuple(stretches.get(one.key, ()))) for one in ordered)


def _oximetry(records: Records, assignments: list[Assignment], first: date, last: date) -> list[NightResult]:
    """Nights of oximetry while their device was the patient's, in order; of one night the most valid one last."""
    found = [
        result
        for device in sorted({one.device for one in assignments})
        for result in own(records.results.nights(device=device, first=first, last=last, kind="oximetry"), assignments)
    ]
    return sorted(found, key=lambda one: (one.night, one.valid_s, one.device))


def _trace(
    records: Records,
    store: SampleStore,
    patient: Patient,
    assignments: list[Assignment],
    results: list[NightResult],
    wear: Wears,
    night: date | None,
) -> NightTrace | None:
    """The night asked for, or the last: no sample of it from before or after the patient had the device."""
    chosen = [one for one in results if night is None or one.night == night]
    if not chosen:
        if night is not None:
            raise ConfigurationError(f"no oximetry of {patient.id} in the night of {night.isoformat()}")
        return None
    result = chosen[-1]
    held = next(one for one in assignments if one.device == result.device and one.holds_at(moment_of(result)))
    start_ms = max(result.start_ms, held.from_ms)
    end_ms = result.end_ms if held.to_ms is None else min(result.end_ms, held.to_ms)
    wears = {
        (told.device, one.start_ms): one
        for told, stretches in wear
        for one in stretches
        if one.kind == "wear" and one.start_ms < end_ms and one.end_ms > start_ms
    }
    events = [one for one in records.results.desaturations(result) if start_ms <= one.start_ms and one.end_ms <= end_ms]
    return NightTrace(
        result,
        store.read(result.device, "oximetry", start_ms, end_ms),
        tuple(events),
        tuple(wears[key] for key in sorted(wears)),
    )

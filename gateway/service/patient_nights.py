"""A patient's nights, joined from what every device of theirs says: the way from results to `analytics.nights`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol, TypeVar

from analytics.nights.join import join_nights
from analytics.nights.records import PatientNight, SensorRecord
from analytics.nights.records import TreatmentStep as Step
from analytics.nights.report import NightsReport, evaluate
from gateway.service.nights import moment_ms
from gateway.service.records import Assignment, NightResult, Patient, Records, Stretch


class Told(Protocol):
    """A night of a device."""

    @property
    def device(self) -> str:
        """Its id."""

    @property
    def night(self) -> date:
        """The local date on which its evening began."""

    @property
    def zone(self) -> str:
        """IANA name of the zone of that date."""

    @property
    def start_ms(self) -> int:
        """First sample, UTC."""

    @property
    def end_ms(self) -> int:
        """End of the last, UTC."""


T = TypeVar("T", bound=Told)


def moment_of(result: Told) -> int:
    """The moment that decides whose a night is: local midnight, or what of the data is nearest to it; UTC ms."""
    return moment_ms(result.night, result.zone, result.start_ms, result.end_ms)


def own(results: Iterable[T], assignments: Sequence[Assignment]) -> list[T]:
    """Those of the results that fall into an assignment of their device: a re-used device tells nobody else's."""
    return [
        result
        for result in results
        if any(one.device == result.device and one.holds_at(moment_of(result)) for one in assignments)
    ]


def patient_nights(records: Records, patient: Patient, first: date, last: date) -> tuple[PatientNight, ...]:
    """A patient's nights between two dates, both included, in order; a night without any data is left out."""
    assignments = records.assignments.list(patient=patient.id)
    told: list[SensorRecord] = []
    for device in sorted({one.device for one in assignments}):
        results = own(records.results.nights(device=device, first=first, last=last), assignments)
        stretches = records.results.stretches_of([result for result in results if result.kind == "wear"])
        for result in reversed(results):
            told += sensor_records(result, stretches.get(result.key, []))
    # A wear across noon is told by both of its nights.
    unique = {(one.kind, one.device, one.start_ms): one for one in told}
    nights = join_nights(unique.values(), patient.zone)
    return tuple(night for night in nights if first <= night.night <= last)


def patient_report(records: Records, patient: Patient, first: date, last: date) -> NightsReport:
    """What a patient's nights say together."""
    steps = [Step(step.night, step.advancement_mm) for step in records.treatment.steps(patient.id)]
    return evaluate(patient_nights(records, patient, first, last), steps)


def sensor_records(result: NightResult, stretches: Sequence[Stretch]) -> list[SensorRecord]:
    """One night of one device as the join takes it."""
    indices = {name: value for name, value in result.indices.items() if value is not None}
    if result.kind == "wear":
        return _recorder(result, stretches)
    if result.kind == "bed":
        bedtime_ms, rise_ms = indices.get("bedtime_ms"), indices.get("rise_ms")
        if bedtime_ms is None or rise_ms is None:
            return []  # nobody lay in it
        valid_s = min(indices.get("in_bed_min", 0.0) * 60, (rise_ms - bedtime_ms) / 1000)
        told = {**indices, "sleep_s": indices["sleep_min"] * 60}
        return [SensorRecord("bed", result.device, int(bedtime_ms), int(rise_ms), valid_s, told)]
    valid_s = min(result.valid_s, (result.end_ms - result.start_ms) / 1000)
    return [SensorRecord("oximetry", result.device, result.start_ms, result.end_ms, valid_s, indices)]


def _recorder(result: NightResult, stretches: Sequence[Stretch]) -> list[SensorRecord]:
    """Stretches for which a recorder has data, and those in which the MAD was worn."""
    told = []
    at_ms = result.start_ms
    for gap in sorted((one for one in stretches if one.kind == "missing"), key=lambda one: one.start_ms):
        if gap.start_ms > at_ms:
            told.append(SensorRecord("recorder", result.device, at_ms, gap.start_ms))
        at_ms = max(at_ms, gap.end_ms)
    if result.end_ms > at_ms:
        told.append(SensorRecord("recorder", result.device, at_ms, result.end_ms))
    for one in stretches:
        if one.kind == "wear":
            minutes = {name: one.data.get(f"{name}_min") for name in ("supine", "left", "right", "prone")}
            known = {name: value for name, value in minutes.items() if isinstance(value, (int, float))}
            lying = sum(known.values())
            posture = {"supine_pct": 100.0 * known["supine"] / lying} if lying else {}
            suspect = bool(one.data.get("suspect"))
            told.append(SensorRecord("wear", result.device, one.start_ms, one.end_ms, 0.0, posture, suspect))
    return told

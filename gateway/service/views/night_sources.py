"""What of a night is a patient's: devices, the times in which each was theirs, and results that are their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from analytics.nights.join import join_night
from analytics.nights.records import PatientNight
from gateway.service.access import Access, Action, Principal
from gateway.service.nights import night_bounds, night_of
from gateway.service.patient_nights import own, sensor_records
from gateway.service.records import Assignment, NightKind, NightResult, Patient, Records, Stretch
from gateway.service.views.night_values import Span

ALL: Final[tuple[NightKind, ...]] = ("oximetry", "wear", "bed")
_DAY: Final = timedelta(days=1)
_MET: Final = 8
"""Results that an end of an assignment may cut, and that are another's: several analyses of two nights or three."""


@dataclass(frozen=True, slots=True)
class Sources:
    """One night of one patient, before any sample is read.

    Attributes
    ----------
    parts : mapping of str to tuple of Span
        Times of the night in which a device was the patient's, by device, in order.
    told : tuple of (NightResult, tuple of Stretch)
        The results that are of this night and the patient's own.
    joined : PatientNight
        They as one night.
    """

    patient: Patient
    night: date
    noon_ms: Span
    assignments: tuple[Assignment, ...]
    parts: Mapping[str, tuple[Span, ...]]
    told: tuple[tuple[NightResult, tuple[Stretch, ...]], ...]
    joined: PatientNight

    def results(self, kind: NightKind) -> list[NightResult]:
        """Results of a kind."""
        return [result for result, _ in self.told if result.kind == kind]

    def stretches(self, kind: NightKind, what: str) -> list[tuple[Stretch, Span]]:
        """Stretches that results of a kind tell, with the part that lies in the patient's own time, in order."""
        found = {
            (part.start_ms, result.device): (one, part)
            for result, stretches in self.told
            if result.kind == kind
            for one in stretches
            if one.kind == what
            for part in cut(Span(one.start_ms, one.end_ms), self.parts[result.device])
        }
        return [found[key] for key in sorted(found)]

    def counted(self) -> frozenset[str]:
        """Oximeters whose data are shown: those that count; all, where none has enough to count."""
        counting = frozenset(self.joined.oximeters)
        return counting or frozenset(result.device for result in self.results("oximetry"))

    def kinds(self, device: str) -> tuple[NightKind, ...]:
        """What a device measures, as its results tell; anything, where there are none yet."""
        told = {result.kind for result, _ in self.told if result.device == device}
        return tuple(kind for kind in ALL if kind in told) or ALL


def cut(span: Span, parts: tuple[Span, ...]) -> list[Span]:
    """What of a time lies in some parts."""
    within = (Span(max(span.start_ms, one.start_ms), min(span.end_ms, one.end_ms)) for one in parts)
    return [one for one in within if one.start_ms < one.end_ms]


def night_sources(records: Records, access: Access, who: Principal, patient: str, night: date) -> Sources:
    """Find what there is of a night.

    Raises
    ------
    HiddenError
        There is no such patient, or `who` must not know.
    AccessError
        `who` sees the patient, but may not read their nights.
    """
    found = access.patient(who, Action.READ_PATIENT, patient)
    noon = Span(*night_bounds(night, found.zone))
    assignments = tuple(records.assignments.list(patient=patient))
    parts: dict[str, tuple[Span, ...]] = {}
    for one in assignments:
        until_ms = noon.end_ms if one.to_ms is None else one.to_ms
        parts[one.device] = (*parts.get(one.device, ()), *cut(Span(one.from_ms, until_ms), (noon,)))
    parts = {device: held for device, held in sorted(parts.items()) if held}
    told = tuple(
        (result, tuple(records.results.stretches(result)) if result.kind != "oximetry" else ())
        for result in own(records.patient_nights.around(parts, night - _DAY, night + _DAY), assignments)
        if _belongs(result, night, found.zone, noon)
    )
    # A wear across noon is told by both of its nights.
    sensors = {
        (one.kind, one.device, one.start_ms): one
        for result, stretches in told
        for one in sensor_records(result, stretches)
    }
    joined = join_night(night, sensors.values(), found.zone)
    return Sources(found, night, noon, assignments, parts, told, joined)


def _belongs(result: NightResult, night: date, zone: str, noon: Span) -> bool:
    """By its middle, as nights are joined; a recorder's by any of its time, for it is cut at noon."""
    if result.kind == "wear":
        return result.start_ms < noon.end_ms and result.end_ms > noon.start_ms
    return night_of((result.start_ms + result.end_ms) // 2, zone) == night


def beside(records: Records, sources: Sources) -> tuple[date | None, date | None]:
    """The patient's nights before and after, if there are any."""
    nearest: list[date | None] = []
    for later in (False, True):
        limit = _MET * (1 + len(sources.assignments))
        met = records.patient_nights.beside(sources.patient.id, sources.night, later=later, limit=limit)
        spans = own(met, sources.assignments)
        nearest.append(spans[0].night if spans else None)
    return nearest[0], nearest[1]

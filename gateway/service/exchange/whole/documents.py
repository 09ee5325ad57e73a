"""What the records hold of a patient, as documents: names are those of the API's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Final

import msgspec

from gateway.service.nights import night_bounds
from gateway.service.patient_nights import own
from gateway.service.records import Assignment, AuditEntry, NightResult, Patient, Records

FIRST, LAST = date(1970, 1, 2), date(2199, 12, 31)
EVER_MS: Final = 1 << 62
AT_ONCE: Final = 1000


def lines(documents: Iterator[object]) -> Iterator[bytes]:
    """One JSON document a line."""
    for one in documents:
        yield msgspec.json.encode(one) + b"\n"


def of_record(records: Records, patient: Patient) -> Iterator[tuple[str, object]]:
    """Documents by file name: who it is, consent, devices, treatment, alerts, account, thresholds."""
    assignments = records.assignments.list(patient=patient.id)
    devices = records.devices.get_many({one.device for one in assignments})
    clinic = next((one for one in records.people.clinics() if one.id == patient.clinic), None)
    user = next((one for one in records.users.list(clinic=patient.clinic) if one.patient == patient.id), None)
    alerts = records.alerts.list(patient=patient.id, limit=1_000_000)
    teams = [one.name for one in records.teams.list(patient.clinic) if patient.id in one.patients]
    yield "patient.json", {**asdict(patient), "clinic_name": None if clinic is None else clinic.name, "teams": teams}
    yield "consents.json", [asdict(one) for one in records.consents.history(patient.id)]
    yield "assignments.json", [asdict(one) for one in assignments]
    yield (
        "devices.json",
        [{"id": one.id, "family": one.family, "model": one.model, "zone": one.zone} for one in devices.values()],
    )
    yield "treatment_steps.json", [asdict(one) for one in records.treatment.steps(patient.id)]
    yield "side_effects.json", [asdict(one) for one in records.treatment.side_effects(patient.id)]
    own_thresholds = records.thresholds.own("patient", patient.id)
    yield "thresholds.json", {f"{rule}.{name}": value for (rule, name), value in own_thresholds.items()}
    yield "account.json", None if user is None else asdict(user)
    yield (
        "alerts.json",
        [{**asdict(one), "history": [asdict(event) for event in records.alerts.history(one.id)]} for one in alerts],
    )


def nights(records: Records, assignments: Sequence[Assignment]) -> Iterator[object]:
    """Results of every night that is the patient's, in part or whole; what was found only while they had the device."""
    for device in sorted({one.device for one in assignments}):
        held = [one for one in assignments if one.device == device]
        last = LAST
        while found := records.results.nights(device=device, first=FIRST, last=last):
            for result in found:
                document = _night(records, result, held)
                if document is not None:
                    yield document
            oldest = min(one.night for one in found)
            if len(found) < AT_ONCE or oldest <= FIRST:
                break
            last = date.fromordinal(oldest.toordinal() - 1)


def _night(records: Records, result: NightResult, held: Sequence[Assignment]) -> object | None:
    parts = [(one.from_ms, EVER_MS if one.to_ms is None else one.to_ms) for one in held]
    if not any(start < result.end_ms and end > result.start_ms for start, end in parts):
        return None

    def theirs(start_ms: int) -> bool:
        return any(start <= start_ms < end for start, end in parts)

    mine = bool(own([result], held))
    return {
        "device": result.device,
        "night": result.night,
        "kind": result.kind,
        "profile": result.profile,
        "version": result.version,
        "zone": result.zone,
        "state": result.state,
        "start_ms": result.start_ms if mine else None,
        "end_ms": result.end_ms if mine else None,
        "valid_s": result.valid_s if mine else None,
        "indices": dict(result.indices) if mine else None,
        "desaturations": [asdict(one) for one in records.results.desaturations(result) if theirs(one.start_ms)],
        "stretches": [asdict(one) for one in records.results.stretches(result) if theirs(one.start_ms)],
    }


def events(records: Records, patient: Patient) -> Iterator[object]:
    """What the feed told of the patient, as far as it is kept."""
    seq = 0
    while found := records.feed.after(seq, clinic=patient.clinic, limit=AT_ONCE):
        seq = found[-1].id
        yield from (one for one in found if one.patient == patient.id)


def audit(records: Records, patient: Patient) -> Iterator[object]:
    """Who read or changed what of the patient: staff by role and opaque id; and what the patient did."""
    users = {one.id: one for one in records.users.list()}
    about = {patient.id}
    about |= {one.id for one in records.assignments.list(patient=patient.id)}
    about |= {one.id for one in records.alerts.list(patient=patient.id, limit=1_000_000)}
    nights = {
        (one.device, one.night.isoformat())
        for device in {one.device for one in records.assignments.list(patient=patient.id)}
        for one in own(records.results.nights(device=device), records.assignments.list(patient=patient.id))
    }
    own_account = next((one.id for one in users.values() if one.patient == patient.id), None)
    number = 0
    while found := records.audit.after(number, limit=AT_ONCE):
        number = found[-1].number
        for entry in found:
            if _concerns(entry, about, nights, own_account):
                user = users.get(entry.account or "")
                yield {
                    "at_ms": entry.at_ms,
                    "role": "program" if user is None else user.role,
                    "account": entry.account,
                    "action": entry.action,
                    "what": entry.what,
                }


def _concerns(entry: AuditEntry, about: set[str], nights: set[tuple[str, str]], account: str | None) -> bool:
    """By the account, or by an id (or a night of a device) that the path names."""
    if account is not None and entry.account == account:
        return True
    words = entry.what.replace("?", "/").replace(" ", "/").split("/")
    return bool(about.intersection(words) or nights.intersection(itertools.pairwise(words)))


def bounds_of(assignment: Assignment, night: date, zone: str) -> tuple[int, int]:
    """The part of a night in which a device was the patient's."""
    start_ms, end_ms = night_bounds(night, zone)
    return max(start_ms, assignment.from_ms), min(end_ms, EVER_MS if assignment.to_ms is None else assignment.to_ms)

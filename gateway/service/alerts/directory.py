"""Whose a device is, and by which thresholds it is watched: a copy of the records, read again when they change."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from analytics.alerts.thresholds import escalate_after_ms, in_force
from gateway.service.records import Assignment, Device, Patient, Records, Subject

READ_EVERY_S: Final = 10.0
"""A change by another process is seen after at most this; one by this process at the next look."""

ThresholdTable = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class _Copy:
    patients: dict[str, Patient]
    assignments: dict[str, list[Assignment]]
    clinics: dict[str, str]
    own: dict[tuple[str, str], dict[tuple[str, str], float]]


class Directory:
    """Answers who and by which rule, from memory. Used by one thread."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._versions = (-1, -1)
        self._read_s = 0.0
        self._copy = _Copy({}, {}, {}, {})
        self._thresholds: dict[tuple[str, str | None], ThresholdTable] = {}

    def refresh(self) -> set[str]:
        """Read again if it is time or something changed; returns patients who are to be judged again for it."""
        versions = (self._records.assignments.version, self._records.thresholds.version)
        now_s = time.monotonic()
        if versions == self._versions and now_s - self._read_s < READ_EVERY_S:
            return set()
        first = self._versions == (-1, -1)
        self._versions, self._read_s = versions, now_s
        assignments: dict[str, list[Assignment]] = {}
        for one in self._records.assignments.list():
            assignments.setdefault(one.device, []).append(one)
        before = self._copy
        self._copy = _Copy(
            {one.id: one for one in self._records.people.patients(limit=1_000_000)},
            assignments,
            self._records.people.gateway_clinics(),
            self._records.thresholds.all(),
        )
        if self._copy == before:
            return set()
        self._thresholds.clear()
        return set() if first else _touched(before, self._copy)

    def thresholds(self, clinic: str, patient: str | None) -> ThresholdTable:
        """Those in force for a patient, or for what is nobody's in a clinic."""
        key = (clinic, patient)
        found = self._thresholds.get(key)
        if found is None:
            own = self._copy.own
            layers = [own.get(("clinic", clinic), {})]
            if patient is not None:
                layers.append(own.get(("patient", patient), {}))
            found = self._thresholds[key] = in_force(*layers)
        return found

    def of_subject(self, subject: Subject) -> ThresholdTable:
        """Those in force for a subject."""
        return self.thresholds(subject.clinic, subject.patient)

    def escalate_after_ms(self, rule: str, subject: Subject) -> int | None:
        """How long after it was raised an alert of a subject escalates."""
        values = self.of_subject(subject).get(rule)
        return None if values is None else escalate_after_ms(values)

    def wearer(self, device: str, utc_ms: int) -> Patient | None:
        """The patient who had the device then, unless archived; None: the data wait."""
        for one in self._copy.assignments.get(device, ()):
            if one.holds_at(utc_ms):
                return self._copy.patients.get(one.patient)
        return None

    def patient(self, patient: str) -> Patient | None:
        """A patient who is followed."""
        return self._copy.patients.get(patient)

    def assignments_of(self, patient: str) -> list[Assignment]:
        """All of a patient's."""
        return [one for ones in self._copy.assignments.values() for one in ones if one.patient == patient]

    def device_subject(self, device: Device, utc_ms: int) -> Subject:
        """A device as a subject: in its wearer's clinic, or in its gateway's."""
        patient = self.wearer(device.id, utc_ms)
        clinic = self.clinic_of(device.gateway_id) if patient is None else patient.clinic
        return Subject(device.id, clinic, None if patient is None else patient.id, device.id, device.gateway_id)

    def gateway_subject(self, gateway: str) -> Subject:
        """A gateway as a subject."""
        return Subject(gateway, self.clinic_of(gateway), gateway=gateway)

    def clinic_of(self, gateway: str) -> str:
        """The clinic that a gateway is of."""
        found = self._copy.clinics.get(gateway)
        if found is None:  # enrolled since the last look
            self._copy.clinics.update(self._records.people.gateway_clinics())
            found = self._copy.clinics[gateway]
        return found


def _touched(before: _Copy, after: _Copy) -> set[str]:
    """Patients whose values, devices or thresholds differ."""
    found = {name for name, patient in after.patients.items() if before.patients.get(name) != patient}
    for device in before.assignments.keys() | after.assignments.keys():
        was, now = before.assignments.get(device, []), after.assignments.get(device, [])
        found |= {one.patient for one in [*was, *now] if (one in was) != (one in now)}
    for owner in before.own.keys() | after.own.keys():
        if before.own.get(owner) != after.own.get(owner):
            kind, name = owner
            found |= {name} if kind == "patient" else {one.id for one in after.patients.values() if one.clinic == name}
    return found & after.patients.keys()

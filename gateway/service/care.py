"""What is done to patients in more than one step, the same from the API and from the pages."""

from __future__ import annotations

from dataclasses import replace

from gateway.service.access import Access, Action, Principal
from gateway.service.records import Patient, Records


def make_patient(
    records: Records,
    access: Access,
    who: Principal,
    clinic: str,
    name: str,
    *,
    zone: str,
    at_ms: int,
    sex: str | None = None,
    birth_year: int | None = None,
    untreated_index: float | None = None,
) -> Patient:
    """Make a patient, of whom the care teams of the maker take care.

    Raises
    ------
    HiddenError, AccessError
        Not in that clinic.
    StoreRejectedError, ConfigurationError
        A value makes no sense.
    """
    access.clinic(who, Action.MAKE_PATIENT, clinic)
    made = records.people.add_patient(
        clinic, name, zone=zone, at_ms=at_ms, sex=sex, birth_year=birth_year, untreated_index=untreated_index
    )
    for team in () if who.user is None else records.teams.of_user(who.user.id):
        records.teams.put_patient(team, made.id, belongs=True)
    return made


def set_archived(records: Records, patient: Patient, *, archived: bool, now_ms: int) -> Patient:
    """Follow a patient no longer, or again; what is on record stays."""
    return records.people.change_patient(
        replace(patient, archived_ms=(patient.archived_ms or now_ms) if archived else None)
    )

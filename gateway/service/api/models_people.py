"""The documents of patients, assignments and treatment."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from gateway.service.records import Assignment, Clinic, Patient, SideEffect, SideEffectKind, TreatmentStep

Millis = Annotated[int, Field(ge=0, lt=1 << 43)]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Night = Annotated[date, Field(ge=date(1970, 1, 2), le=date(2199, 12, 31))]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Sex = Literal["female", "male", "other"]


class Given(BaseModel):
    """A document that is given to the API: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class ClinicOut(BaseModel):
    """A clinic."""

    id: str
    name: str

    @classmethod
    def of(cls, clinic: Clinic) -> Self:
        """From the records' value."""
        return cls(id=clinic.id, name=clinic.name)


class PatientIn(Given):
    """A new patient. The name is a pseudonym or the clinic's own number."""

    clinic: Code = "clinic"
    name: Name
    zone: Annotated[str, Field(max_length=64, description="IANA name, such as Europe/Berlin")]
    sex: Sex | None = None
    birth_year: Annotated[int, Field(ge=1890, le=2199)] | None = None
    untreated_index: Annotated[float, Field(ge=0, le=200, description="Per hour, without treatment")] | None = None


class PatientChange(Given):
    """What is to be changed; what is left out stays."""

    name: Name | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    sex: Sex | None = None
    birth_year: Annotated[int, Field(ge=1890, le=2199)] | None = None
    untreated_index: Annotated[float, Field(ge=0, le=200)] | None = None
    archived: bool | None = None


class PatientOut(BaseModel):
    """A patient."""

    id: str
    clinic: str
    name: str
    zone: str
    sex: str | None
    birth_year: int | None
    untreated_index: float | None
    created_ms: int
    archived_ms: int | None

    @classmethod
    def of(cls, patient: Patient) -> Self:
        """From the records' value."""
        return cls(
            id=patient.id,
            clinic=patient.clinic,
            name=patient.name,
            zone=patient.zone,
            sex=patient.sex,
            birth_year=patient.birth_year,
            untreated_index=patient.untreated_index,
            created_ms=patient.created_ms,
            archived_ms=patient.archived_ms,
        )


class AssignmentIn(Given):
    """A device for a patient, from a time until before another; without an end until further notice."""

    device: Code
    from_ms: Millis
    to_ms: Millis | None = None


class AssignmentEnd(Given):
    """When an assignment ends; null: not."""

    to_ms: Millis | None


class AssignmentOut(BaseModel):
    """Who had a device when, UTC milliseconds."""

    id: str
    device: str
    patient: str
    from_ms: int
    to_ms: int | None

    @classmethod
    def of(cls, one: Assignment) -> Self:
        """From the records' value."""
        return cls(id=one.id, device=one.device, patient=one.patient, from_ms=one.from_ms, to_ms=one.to_ms)


class TreatmentStepIn(Given):
    """The advancement of the MAD from a night on, mm."""

    night: Night
    advancement_mm: Annotated[float, Field(ge=0, le=20)]
    note: Text = ""


class TreatmentStepOut(BaseModel):
    """A treatment step."""

    night: date
    advancement_mm: float
    note: str
    created_ms: int

    @classmethod
    def of(cls, one: TreatmentStep) -> Self:
        """From the records' value."""
        return cls(night=one.night, advancement_mm=one.advancement_mm, note=one.note, created_ms=one.created_ms)


class SideEffectIn(Given):
    """A side effect; severity 1 (mild) to 3 (severe)."""

    night: Night
    kind: SideEffectKind
    severity: Annotated[int, Field(ge=1, le=3)]
    note: Text = ""


class SideEffectOut(BaseModel):
    """A reported side effect."""

    id: str
    night: date
    kind: SideEffectKind
    severity: int
    note: str
    created_ms: int

    @classmethod
    def of(cls, one: SideEffect) -> Self:
        """From the records' value."""
        return cls(
            id=one.id,
            night=one.night,
            kind=one.kind,
            severity=one.severity,
            note=one.note,
            created_ms=one.created_ms,
        )

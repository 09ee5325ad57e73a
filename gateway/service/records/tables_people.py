"""The tables of clinics and patients, of who wore which device when, and of treatment.

Who a patient is stands in no other place; everything else knows the opaque id.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base


class ClinicRow(Base):
    """A clinic or practice; its id stands in the feed's topic."""

    __tablename__ = "clinic"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_ms: Mapped[int]


class PatientRow(Base):
    """A patient."""

    __tablename__ = "patient"

    id: Mapped[str] = mapped_column(primary_key=True)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"), index=True)
    name: Mapped[str]
    zone: Mapped[str]
    sex: Mapped[str | None]
    birth_year: Mapped[int | None]
    untreated_index: Mapped[float | None]
    created_ms: Mapped[int]
    archived_ms: Mapped[int | None]


class AssignmentRow(Base):
    """Who wore a device from when to when; no two of a device at one time."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("to_ms IS NULL OR to_ms > from_ms", name="ends_after_it_begins"),
        Index("ix_assignment_device", "device_id", "from_ms", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), index=True)
    from_ms: Mapped[int]
    to_ms: Mapped[int | None]


class TreatmentStepRow(Base):
    """The advancement of a patient's MAD from a night on."""

    __tablename__ = "treatment_step"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), primary_key=True)
    night: Mapped[date] = mapped_column(Date, primary_key=True)
    advancement_mm: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
    created_ms: Mapped[int]


class SideEffectRow(Base):
    """A side effect that a patient reported."""

    __tablename__ = "side_effect"

    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), index=True)
    night: Mapped[date] = mapped_column(Date)
    kind: Mapped[str]
    severity: Mapped[int]
    note: Mapped[str] = mapped_column(Text)
    created_ms: Mapped[int]


class FollowUpMarkRow(Base):
    """A follow-up that was done on a day, or postponed until one."""

    __tablename__ = "follow_up_mark"

    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    mark: Mapped[str] = mapped_column(String(16))
    day: Mapped[date] = mapped_column(Date)
    who: Mapped[str]
    note: Mapped[str] = mapped_column(Text)
    created_ms: Mapped[int]

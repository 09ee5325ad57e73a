"""The tables of users and care teams."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base
from gateway.service.records.values_accounts import Role


class UserRow(Base):
    """Somebody who may sign in; a patient's goes with the patient."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(primary_key=True)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"), index=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role] = mapped_column(String(16))
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    created_ms: Mapped[int]
    disabled_ms: Mapped[int | None]


class TeamRow(Base):
    """A care team of a clinic."""

    __tablename__ = "care_team"
    __table_args__ = (Index("uq_care_team_name", "clinic_id", "name", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"))
    name: Mapped[str]


class TeamUserRow(Base):
    """A user is in a care team."""

    __tablename__ = "care_team_account"

    team_id: Mapped[str] = mapped_column(ForeignKey("care_team.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True)


class TeamPatientRow(Base):
    """A patient is cared for by a team."""

    __tablename__ = "care_team_patient"

    team_id: Mapped[str] = mapped_column(ForeignKey("care_team.id", ondelete="CASCADE"), primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), primary_key=True, index=True)

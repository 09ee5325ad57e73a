"""The table of consents."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base


class ConsentRow(Base):
    """One word of a patient on one purpose: given or withdrawn. The latest counts, the others are its history."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_patient", "patient_id", "purpose", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    number: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(16))
    given: Mapped[bool]
    said_ms: Mapped[int]
    recorded_ms: Mapped[int]
    recorded_by: Mapped[str]
    text_version: Mapped[str]
    note: Mapped[str] = mapped_column(Text)

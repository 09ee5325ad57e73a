"""The tables of erasures: that a patient was erased, and what of which device is never to come back."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base


class ErasureRow(Base):
    """One erasure: asked for, under way or done. The patient's opaque id is all that it keeps of them."""

    __tablename__ = "erasure"

    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(index=True)
    clinic_id: Mapped[str] = mapped_column(index=True)
    asked_by: Mapped[str]
    asked_ms: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)
    done_ms: Mapped[int | None]
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    problem: Mapped[str] = mapped_column(Text)


class ErasedTimeRow(Base):
    """A time of a device whose data were erased: what comes of it later is refused."""

    __tablename__ = "erased_time"

    erasure_id: Mapped[str] = mapped_column(ForeignKey("erasure.id", ondelete="CASCADE"), primary_key=True)
    device_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_ms: Mapped[int]
    whole_device: Mapped[bool]

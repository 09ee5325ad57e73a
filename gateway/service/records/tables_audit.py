"""The table of the audit."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base


class AuditRow(Base):
    """One thing that somebody did. Nothing refers to it and it refers to nothing, so that it outlives all else."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at_ms: Mapped[int]
    who: Mapped[str]
    account: Mapped[str | None]
    address: Mapped[str]
    action: Mapped[str]
    what: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))

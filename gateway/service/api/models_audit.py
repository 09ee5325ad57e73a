"""The documents of the audit."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from gateway.service.records import AuditEntry


class AuditEntryOut(BaseModel):
    """One thing that somebody did."""

    number: int
    at_ms: int
    who: str
    user: str | None = Field(description="Id of the user; null: a program")
    address: str
    action: str
    what: str

    @classmethod
    def of(cls, one: AuditEntry) -> Self:
        """From the records' value."""
        return cls(
            number=one.number,
            at_ms=one.at_ms,
            who=one.who,
            user=one.account,
            address=one.address,
            action=one.action,
            what=one.what,
        )


class AuditOut(BaseModel):
    """Entries, the latest first."""

    entries: list[AuditEntryOut]
    before: int | None = Field(description="Ask again before this number for more; null: there are none")


class VerificationOut(BaseModel):
    """Whether the audit is as it was written; number and hash of the latest entry, to be noted elsewhere."""

    whole: bool
    number: int | None = None
    sha256: str | None = None
    problem: str | None = None

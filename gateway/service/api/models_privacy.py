"""The documents of consents and erasures."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from gateway.service.api.models_people import Given, Millis, Text
from gateway.service.records import Consent, Erasure, ErasureState, Purpose, Said

Version = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_. -]+$")]


class ErasureOut(BaseModel):
    """An erasure: asked, cut (who it was is gone, samples are going) or done."""

    id: str
    patient: str
    clinic: str
    asked_by: str
    asked_ms: int
    state: ErasureState
    done_ms: int | None
    counts: dict[str, int]
    problem: str

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """From the records' value."""
        return cls(
            id=erasure.id,
            patient=erasure.patient,
            clinic=erasure.clinic,
            asked_by=erasure.asked_by,
            asked_ms=erasure.asked_ms,
            state=erasure.state,
            done_ms=erasure.done_ms,
            counts=dict(erasure.counts),
            problem=erasure.problem,
        )


class ConsentIn(Given):
    """What a patient said on one purpose."""

    purpose: Purpose
    given: bool
    said_ms: Millis
    text_version: Version
    note: Text = ""

    def said(self) -> Said:
        """As the records take it."""
        return Said(self.purpose, self.given, self.said_ms, self.text_version, self.note)


class ConsentOut(BaseModel):
    """One word of a patient: given or withdrawn, when, on which version of the text, written down by whom."""

    id: str
    purpose: Purpose
    given: bool
    said_ms: int
    recorded_ms: int
    recorded_by: str
    text_version: str
    note: str

    @classmethod
    def of(cls, consent: Consent) -> Self:
        """From the records' value."""
        return cls(
            id=consent.id,
            purpose=consent.purpose,
            given=consent.given,
            said_ms=consent.said_ms,
            recorded_ms=consent.recorded_ms,
            recorded_by=consent.recorded_by,
            text_version=consent.text_version,
            note=consent.note,
        )


class ConsentsOut(BaseModel):
    """What stands now, purpose by purpose (null: never asked, counts as not given), and all that was said."""

    standing: dict[Purpose, bool | None]
    history: list[ConsentOut]

    @classmethod
    def of(cls, history: list[Consent]) -> Self:
        """From what was said, in order."""
        latest = {one.purpose: one.given for one in history}
        return cls(
            standing={purpose: latest.get(purpose) for purpose in Purpose},
            history=[ConsentOut.of(one) for one in history],
        )

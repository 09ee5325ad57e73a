"""Values of clinics, patients, assignments and treatment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from analytics.adherence.follow_up import Kind as FollowUpKind
from analytics.adherence.follow_up import MarkKind


class SideEffectKind(StrEnum):
    """Side effects that a dentist's report lists."""

    SORE_JAW = "sore_jaw"
    SALIVA = "saliva"
    DRY_MOUTH = "dry_mouth"
    TOOTH_PAIN = "tooth_pain"
    BITE_CHANGE = "bite_change"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic or practice; its id stands in the feed's topic."""

    id: str
    name: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient.

    Attributes
    ----------
    id : str
        Opaque: all that anything outside of the records knows.
    name : str
        A pseudonym or the clinic's own number.
    zone : str
        IANA name of the zone in which nights are counted.
    sex : str or None
        female, male, other.
    untreated_index : float or None
        Desaturations (or apnoeas and hypopnoeas) per hour without treatment, as a sleep study found them.
    archived_ms : int or None
        No longer followed since; no rule looks at an archived patient.
    """

    id: str
    clinic: str
    name: str
    zone: str
    created_ms: int
    sex: str | None = None
    birth_year: int | None = None
    untreated_index: float | None = None
    archived_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A patient had a device from `from_ms` until before `to_ms` (None: still has), UTC."""

    id: str
    device: str
    patient: str
    from_ms: int
    to_ms: int | None

    def holds_at(self, utc_ms: int) -> bool:
        """Whether the device was the patient's then."""
        return self.from_ms <= utc_ms and (self.to_ms is None or utc_ms < self.to_ms)


@dataclass(frozen=True, slots=True)
class TreatmentStep:
    """The advancement of the MAD from a night on, mm from the first position."""

    patient: str
    night: date
    advancement_mm: float
    note: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class SideEffect:
    """A reported side effect; severity 1 (mild) to 3 (severe)."""

    id: str
    patient: str
    night: date
    kind: SideEffectKind
    severity: int
    note: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class FollowUpMark:
    """What somebody of the staff noted about a follow-up: done on a day, or postponed until one.

    Attributes
    ----------
    who : str
        Name of the user, or of the program's token.
    """

    id: str
    patient: str
    kind: FollowUpKind
    mark: MarkKind
    day: date
    who: str
    note: str
    created_ms: int

"""What goes into the records of an erasure and comes out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ErasureState(StrEnum):
    """How far an erasure has come."""

    ASKED = "asked"
    """It is on disk that it is to be; nothing is gone yet."""
    CUT = "cut"
    """Who it was is gone; samples and results of their devices are going."""
    DONE = "done"
    """Nothing is left."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A patient who was erased, or is being.

    Attributes
    ----------
    patient : str
        The opaque id, which tells nothing.
    asked_by : str
        Who asked for it; a patient's own wish stands as their opaque id.
    counts : mapping of str to int
        What went, by kind; what was deleted just before a kill may be missing from it.
    problem : str
        Why it does not go on, else empty.
    """

    id: str
    patient: str
    clinic: str
    asked_by: str
    asked_ms: int
    state: ErasureState
    done_ms: int | None
    counts: Mapping[str, int]
    problem: str


@dataclass(frozen=True, slots=True)
class ErasedTime:
    """A time of a device whose data are erased: from, until before; UTC milliseconds.

    Attributes
    ----------
    whole_device : bool
        The device is one for the patient's files alone, and goes with them.
    """

    erasure: str
    device: str
    from_ms: int
    to_ms: int
    whole_device: bool

    def holds(self, start_ms: int, end_ms: int) -> bool:
        """Whether a half-open interval (or a moment) lies within."""
        return self.from_ms <= start_ms and max(end_ms, start_ms) <= self.to_ms

"""What goes into the records of consents and comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a patient consents to."""

    CARE = "care"
    """Devices are worn and their nights are read by the patient's own care teams."""
    SHARING = "sharing"
    """Reports that name the patient are given to the dentist or physician who treats them elsewhere."""
    RESEARCH = "research"
    """Nights without a name may be used to learn from."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One word of a patient on one purpose.

    Attributes
    ----------
    given : bool
        False: it was withdrawn.
    said_ms, recorded_ms : int
        When the patient said it, and when it was written down; UTC milliseconds.
    recorded_by : str
        Who wrote it down; the patient's opaque id where they did it themselves.
    text_version : str
        Which version of the text the patient was given.
    """

    id: str
    patient: str
    purpose: Purpose
    given: bool
    said_ms: int
    recorded_ms: int
    recorded_by: str
    text_version: str
    note: str

"""Values of users and care teams."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a clinic. What that allows stands in `gateway.service.access.rules`."""

    ADMINISTRATOR = "administrator"
    PHYSICIAN = "physician"
    DENTIST = "dentist"
    COORDINATOR = "coordinator"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in.

    Attributes
    ----------
    id : str
        Opaque.
    name : str
        What is typed in to sign in, one of its kind in the whole service, in lower case.
    patient : str or None
        Who the user is, if a patient.
    disabled_ms : int or None
        Not let in since, UTC.
    """

    id: str
    clinic: str
    name: str
    role: Role
    created_ms: int
    patient: str | None = None
    disabled_ms: int | None = None

    @property
    def on_record(self) -> str:
        """The name that lasting records keep: a patient's is the opaque id, so that an erasure leaves no name there."""
        return self.patient or self.name


@dataclass(frozen=True, slots=True)
class Team:
    """A care team: its users see its patients."""

    id: str
    clinic: str
    name: str
    users: frozenset[str]
    patients: frozenset[str]

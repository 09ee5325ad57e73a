"""The documents of users and care teams."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from gateway.service.api.models_people import Given, Name
from gateway.service.records import Role, Team, User


class UserIn(Given):
    """A new user."""

    name: Annotated[str, Field(pattern=r"^[^\s\x00]{1,200}$", description="To sign in with, such as a mail address")]
    role: Role
    patient: Annotated[str, Field(pattern=r"^p-[0-9a-f]{12}$")] | None = None


class UserChange(Given):
    """Whether a user is kept out, and what the user is; what is left out stays."""

    disabled: bool | None = None
    role: Annotated[Role | None, Field(description="Of the staff; nobody becomes a patient")] = None


class UserOut(BaseModel):
    """A user."""

    id: str
    clinic: str
    name: str
    role: Role
    patient: str | None
    created_ms: int
    disabled_ms: int | None

    @classmethod
    def of(cls, user: User) -> Self:
        """From the records' value."""
        return cls(
            id=user.id,
            clinic=user.clinic,
            name=user.name,
            role=user.role,
            patient=user.patient,
            created_ms=user.created_ms,
            disabled_ms=user.disabled_ms,
        )


class MeOut(UserOut):
    """Oneself, with the teams that one is in."""

    teams: list[str]


class TeamIn(Given):
    """A new care team."""

    name: Name


class TeamOut(BaseModel):
    """A care team; its patients by their opaque ids."""

    id: str
    clinic: str
    name: str
    users: list[str]
    patients: list[str]

    @classmethod
    def of(cls, team: Team) -> Self:
        """From the records' value."""
        return cls(
            id=team.id, clinic=team.clinic, name=team.name, users=sorted(team.users), patients=sorted(team.patients)
        )


class TeamsOut(BaseModel):
    """A clinic's care teams, and the patients whom none cares for, so that nobody sees them."""

    teams: list[TeamOut]
    without_team: list[str]

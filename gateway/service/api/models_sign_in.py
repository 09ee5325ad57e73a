"""The documents of sign-in and of one's own account."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from gateway.service.api.models_accounts import UserOut
from gateway.service.api.models_people import Given
from gateway.service.sign_in import SessionState

GivenPassword = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]
GivenCode = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9 _-]*$")]


class SignInIn(Given):
    """Name and password, and the second factor's code where the user has one (or a recovery code)."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    password: GivenPassword
    code: GivenCode | None = None


class SessionOut(BaseModel):
    """The session, and whose it is."""

    user: UserOut
    session: str
    expires_ms: int
    limited: Annotated[bool, Field(description="Opens the own account alone, until a second factor is set up or given")]

    @classmethod
    def of(cls, state: SessionState) -> Self:
        """From what sign-in says."""
        return cls(user=UserOut.of(state.user), session=state.id, expires_ms=state.expires_ms, limited=state.limited)


class InvitationIn(Given):
    """An invitation's code, and the password that is to be."""

    code: GivenCode
    password: GivenPassword

"""The documents of sign-in and of one's own account."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from gateway.service.api.models_accounts import UserOut
from gateway.service.api.models_people import Given
from gateway.service.records import ApiToken, SignInSession, SignInWay
from gateway.service.sign_in import SessionState
from gateway.service.sign_in.account import FactorState
from gateway.service.sign_in.tokens import LONGEST_DAYS

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


class ProviderOut(BaseModel):
    """The OpenID Connect provider."""

    name: Annotated[str | None, Field(description="What it is called; null: there is none")]


class InvitationIn(Given):
    """An invitation's code, and the password that is to be."""

    code: GivenCode
    password: GivenPassword


class InvitationOut(BaseModel):
    """An invitation that was made: told this once, to be handed to whom it is for."""

    code: str
    link: Annotated[str, Field(description="Where the code is to be used")]
    expires_ms: int


class OwnSessionOut(BaseModel):
    """One of one's own sessions; times are UTC."""

    id: str
    way: SignInWay
    second_factor: bool
    created_ms: int
    used_ms: Annotated[int, Field(description="Last request, up to a minute behind")]
    expires_ms: int
    address: str
    agent: Annotated[str, Field(description="What the browser called itself")]
    present: Annotated[bool, Field(description="The session that asks")]

    @classmethod
    def of(cls, one: SignInSession, present: str | None) -> Self:
        """From the records' value."""
        return cls(
            id=one.id,
            way=one.way,
            second_factor=one.second_factor,
            created_ms=one.created_ms,
            used_ms=one.used_ms,
            expires_ms=one.ends_ms,
            address=one.address,
            agent=one.agent,
            present=one.id == present,
        )


class PasswordChange(Given):
    """The present password, and the one that is to be."""

    password: GivenPassword
    new: GivenPassword


class FactorOut(BaseModel):
    """How it stands with one's own second factor."""

    confirmed_ms: Annotated[int | None, Field(description="In force since; null: there is none")]
    recovery_codes: Annotated[int, Field(description="How many are left")]
    required: Annotated[bool, Field(description="Whether somebody of that role must have one")]

    @classmethod
    def of(cls, state: FactorState) -> Self:
        """From what sign-in says."""
        return cls(confirmed_ms=state.confirmed_ms, recovery_codes=state.recovery_codes, required=state.required)


class FactorBegin(Given):
    """The present password, of who has one."""

    password: GivenPassword | None = None


class NewFactorOut(BaseModel):
    """A secret that is told this once, and is in force when a code of it was given."""

    secret: Annotated[str, Field(description="In base 32, to be typed into an app")]
    uri: Annotated[str, Field(description="otpauth://, for an app on the same machine")]
    svg: Annotated[str, Field(description="The same as a QR code")]


class CodeIn(Given):
    """A code of the second factor, or a recovery code."""

    code: GivenCode


class RecoveryCodesOut(BaseModel):
    """Codes that do once each what the second factor does; told this once."""

    recovery_codes: list[str]


class PasswordIn(Given):
    """The present password."""

    password: GivenPassword


class OwnTokenIn(Given):
    """A new API token of one's own."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="What it is for")]
    scopes: Annotated[list[Literal["read", "write"]], Field(min_length=1, max_length=2)]
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS, description="Valid for so long")]


class OwnTokenOut(BaseModel):
    """One of one's own API tokens; its text is not kept."""

    id: str
    name: str
    scopes: list[str]
    created_ms: int
    expires_ms: int | None

    @classmethod
    def of(cls, token: ApiToken) -> Self:
        """From the records' value."""
        return cls(
            id=token.id,
            name=token.name,
            scopes=sorted(token.scopes),
            created_ms=token.created_ms,
            expires_ms=token.expires_ms,
        )


class MadeTokenOut(BaseModel):
    """A token's text, told this once."""

    token: str

"""Values of sign-in: sessions, passwords, second factors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SignInWay(StrEnum):
    """How a session was begun."""

    PASSWORD = "password"
    LINK = "link"
    PROVIDER = "provider"


class CodeKind(StrEnum):
    """What a one-time code is for."""

    INVITATION = "invitation"
    """To set the first, or a forgotten, password."""
    LINK = "link"
    """To begin a session."""


@dataclass(frozen=True, slots=True)
class SignInSession:
    """What is known of a session; the token that its browser holds is not.

    Attributes
    ----------
    id : str
        Opaque; tells sessions of one user apart and opens nothing.
    second_factor : bool
        A code of a second factor was given in it, or the provider vouched for one.
    used_ms : int
        Last request, UTC; up to a minute behind.
    ends_ms : int
        UTC from which it is over, however busy it is.
    agent : str
        What the browser called itself.
    """

    id: str
    user: str
    way: SignInWay
    second_factor: bool
    created_ms: int
    used_ms: int
    ends_ms: int
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor by time (RFC 6238).

    Attributes
    ----------
    secret : str
        As `gateway.service.sign_in.factor` keeps it: plain or sealed.
    confirmed_ms : int or None
        In force since; None while no code of it was given yet.
    last_step : int
        Of the last code that was taken: neither it nor an earlier one is taken again.
    """

    secret: str
    confirmed_ms: int | None
    last_step: int

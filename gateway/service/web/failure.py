"""What a user is told when something cannot be shown or done: one line, nothing of the inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fastapi import HTTPException

from gateway.errors import (
    AccessError,
    ConfigurationError,
    HiddenError,
    InputFileError,
    SignedOutError,
    SignInError,
    StoreRejectedError,
    StoreUnavailableError,
    WireError,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why somebody does not see what they asked for.

    Attributes
    ----------
    status : int
        As the API would answer.
    signed_out : bool
        Signing in anew helps.
    """

    status: int
    title: str
    detail: str
    signed_out: bool = False

    @classmethod
    def of(cls, error: Exception) -> Self:
        """What is told of an error."""
        if isinstance(error, SignedOutError):
            return cls(401, "Signed out", "Your session is over. Sign in again.", signed_out=True)
        if isinstance(error, HiddenError):
            return cls(404, "Not found", "There is nothing here, or it is not yours to see.")
        if isinstance(error, AccessError):
            return cls(403, "Not for your role", "Your role does not allow this.")
        if isinstance(error, StoreUnavailableError):
            return cls(503, "Not available", "The data cannot be read for now. Nothing is lost; try again.")
        if isinstance(error, SignInError):
            return cls(422, "Not taken", _sentence(str(error)))
        if isinstance(error, (StoreRejectedError, ConfigurationError, WireError, InputFileError)):
            # As the API's 422: these say what is wrong with what was typed in.
            return cls(422, "Not taken", _sentence(str(error)))
        if isinstance(error, HTTPException) and error.status_code < 500:
            return cls(error.status_code, "Not taken", _sentence(str(error.detail)))
        return cls(500, "Something went wrong", "This could not be carried out; the service's log says why.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."

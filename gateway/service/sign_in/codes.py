"""Random texts that open something, of which only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code that is told this once.

    Attributes
    ----------
    ends_ms : int
        UTC from which it is no longer taken.
    """

    text: str
    ends_ms: int


def random_text() -> str:
    """256 random bits, as 43 characters that a URL and a cookie take as they are."""
    return secrets.token_urlsafe(32)


def text_hash(text: str) -> str:
    """SHA-256, hex. A plain hash will do: the text is random bits enough, not a password."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def invitation_url(base: str, code: OneTimeCode) -> str:
    """Where an invitation is used. Behind the #, what it says is sent to no server and written into no log."""
    return f"{base}/sign-in#invitation={code.text}"


def link_url(base: str, code: OneTimeCode) -> str:
    """Where a link leads."""
    return f"{base}/sign-in#link={code.text}"

"""API tokens: for programs, and for users' own scripts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final, Literal

from gateway.errors import ConfigurationError
from gateway.service.records import Records
from gateway.service.sign_in.codes import text_hash

TokenScope = Literal["read", "write", "metrics"]

SCOPES: Final[tuple[TokenScope, ...]] = ("read", "write", "metrics")
"""``read``: whatever is asked for. ``write``: whatever changes something. ``metrics``: the Prometheus page alone."""

LONGEST_DAYS: Final = 366
"""A user's token does not outlive a year: by then nobody knows any more where it is."""

_PREFIX: Final = "slk_"
"""Tells a secret scanner what it has found."""


def create_token(
    records: Records,
    name: str,
    scopes: Iterable[str],
    *,
    created_ms: int,
    expires_ms: int | None = None,
    user: str | None = None,
) -> str:
    """Make an API token; its text is returned this once and kept nowhere.

    Parameters
    ----------
    name : str
        What it is for; one token a name.
    scopes : iterable of str
        Of `SCOPES`.
    created_ms : int
        Now, UTC.
    expires_ms : int or None
        UTC from which it is no longer taken; None for never.
    user : str or None
        Id of the user whose it is: within its scopes it opens what the user may. None: a program's, of every clinic.

    Raises
    ------
    ConfigurationError
        If there is no such scope, no scope at all, or it would have expired already.
    StoreRejectedError
        If there is a token of that name.
    """
    wanted = set(scopes)
    if not wanted or not wanted <= set(SCOPES):
        raise ConfigurationError(f"a token's scopes are one or more of {', '.join(SCOPES)}")
    if not name.strip():
        raise ConfigurationError("a token needs a name that says what it is for")
    if expires_ms is not None and expires_ms <= created_ms:
        raise ConfigurationError("a token cannot expire before it is made")
    token = _PREFIX + secrets.token_urlsafe(32)
    records.tokens.add(name, text_hash(token), wanted, created_ms=created_ms, expires_ms=expires_ms, user=user)
    return token

"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.service.records import User


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, or a program.

    Attributes
    ----------
    name : str
        As histories tell it: the user's name, or the token's.
    scopes : frozenset of str
        What the token or session opens at all: ``read``, ``write``, ``metrics``.
    user : User or None
        None: a program with a token of the service's own, which sees every clinic.
    session : str or None
        Id of the session that the request is of; None: a token's.
    limited : bool
        A session that opens the own account alone, until a second factor is set up or given.
    """

    name: str
    scopes: frozenset[str]
    user: User | None = None
    session: str | None = None
    limited: bool = False

    @property
    def on_record(self) -> str:
        """The name that lasting records keep: a patient's is the opaque id, so that an erasure leaves no name there."""
        return self.name if self.user is None else self.user.on_record

"""Sessions: begun, known by the token that the browser holds, over."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

from gateway.clock import Clock
from gateway.service.access import Principal
from gateway.service.records import Records, Role, SignInSession, SignInWay, User
from gateway.service.sign_in.codes import random_text, text_hash
from gateway.settings import SignInSettings

SCOPES: Final = frozenset({"read", "write"})
"""What a session opens, as far as its user may."""

TOUCH_MS: Final = 60_000
"""A session's last use is written this often, not at each request: that would be a commit each."""


@dataclass(frozen=True, slots=True)
class Started:
    """A session that has begun.

    Attributes
    ----------
    token : str
        For the browser's cookie; told this once.
    expires_ms : int
        UTC from which it is over, however busy it is.
    """

    token: str
    principal: Principal
    expires_ms: int


class SessionKeeper:
    """Begins sessions and knows them again."""

    def __init__(self, records: Records, clock: Clock, settings: SignInSettings) -> None:
        self._records = records
        self._clock = clock
        self._settings = settings

    def begin(self, user: User, way: SignInWay, address: str, agent: str, *, second_factor: bool) -> Started:
        """Begin a session of a user who has shown who it is."""
        now_ms = self._clock.utc_ms()
        token = random_text()
        one = SignInSession(
            id=f"s-{secrets.token_hex(6)}",
            user=user.id,
            way=way,
            second_factor=second_factor,
            created_ms=now_ms,
            used_ms=now_ms,
            ends_ms=now_ms + self._settings.session_hours * 3_600_000,
            address=address,
            agent=agent,
        )
        self._records.sessions.add(text_hash(token), one)
        factor = self._records.credentials.second_factor(user.id)
        has_factor = factor is not None and factor.confirmed_ms is not None
        return Started(token, self._principal(user, one, has_factor=has_factor), one.ends_ms)

    def principal(self, token: str, *, used: bool = True) -> Principal | None:
        """Who holds a token; None if it is none, over, or its user is kept out. It counts as a use, unless told not."""
        sha256 = text_hash(token)
        found = self._records.sessions.find(sha256)
        if found is None:
            return None
        now_ms = self._clock.utc_ms()
        one = found.session
        if found.user.disabled_ms is not None or now_ms >= self.over_ms(one):
            return None
        if used and now_ms - one.used_ms >= TOUCH_MS:
            self._records.sessions.touch(sha256, now_ms)
        return self._principal(found.user, one, has_factor=found.has_factor)

    def now(self, who: Principal) -> Principal | None:
        """Who somebody is now that was known before; None if the session is over or the user kept out."""
        if who.user is None:
            return who
        user = self._records.users.get(who.user.id)
        if user is None or user.disabled_ms is not None:
            return None
        if who.session is not None:
            now_ms, own = self._clock.utc_ms(), self._records.sessions.of_user(user.id)
            if not any(one.id == who.session and now_ms < self.over_ms(one) for one in own):
                return None
        return replace(who, user=user)

    def over_ms(self, one: SignInSession) -> int:
        """UTC from which a session is over if it is not used any more."""
        return min(one.ends_ms, one.used_ms + self._settings.session_idle_min * 60_000)

    def needs_factor(self, user: User) -> bool:
        """Whether somebody like this user must have a second factor."""
        return self._settings.staff_second_factor and user.role is not Role.PATIENT

    def _principal(self, user: User, one: SignInSession, *, has_factor: bool) -> Principal:
        # Whoever has a second factor is asked for it, also where a provider or a link let them in.
        limited = not one.second_factor and (has_factor or self.needs_factor(user))
        return Principal(user.name, SCOPES, user, session=one.id, limited=limited)

"""Lets people in: the one class that API, pages and command line use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.clock import Clock
from gateway.errors import SignInError, SignInReason, StoreRejectedError
from gateway.service.access import Principal
from gateway.service.records import CodeKind, Records, Role, SignInSession, SignInWay, User
from gateway.service.sign_in.back_off import BackOff
from gateway.service.sign_in.codes import OneTimeCode, random_text, text_hash
from gateway.service.sign_in.passwords import Passwords, check_new
from gateway.settings import SignInSettings

SCOPES: Final = frozenset({"read", "write"})
"""What a session opens, as far as its user may."""

INVITATION_MS: Final = 7 * 86_400_000
"""An invitation may wait over a weekend in a letter-box."""

LINK_MS: Final = 15 * 60_000
"""A link is opened by who asked for it, at once."""

TOUCH_MS: Final = 60_000
"""A session's last use is written this often, not at each request: that would be a commit each."""


class SignInEvent(StrEnum):
    """What the audit says of sign-in, beside the actions of `gateway.service.access`."""

    SIGN_IN = "sign_in"
    REFUSED = "sign_in_refused"
    SIGN_OUT = "sign_out"
    PASSWORD = "change_password"
    INVITE = "invite"


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


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session, as its user sees it."""

    id: str
    user: User
    expires_ms: int
    limited: bool


class SignIn:
    """Lets people in and out. Usable from many threads at once.

    Parameters
    ----------
    passwords : Passwords or None
        How passwords are hashed; None for as it should be.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        settings: SignInSettings | None = None,
        *,
        passwords: Passwords | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self.settings: Final = settings or SignInSettings()
        self._passwords = passwords or Passwords()
        self._back_off = BackOff(records)

    def start(self, name: str, password: str, code: str | None, *, address: str, agent: str = "") -> Started:
        """Let somebody in by name, password and, where the user has one, second factor.

        Parameters
        ----------
        code : str or None
            Of the second factor, or a recovery code.
        address : str
            From where.
        agent : str
            What the browser calls itself.

        Raises
        ------
        SignInError
            If not; nothing of it tells whether there is such a user.
        """
        name = name.strip().lower()
        now_ms = self._clock.utc_ms()
        user = self._records.users.named(name)
        attempt = self._back_off.count(name, None if user is None else user.id, address, now_ms)
        # Whether there is a user or not, the same is read, reckoned and written.
        hashed = self._records.credentials.password("" if user is None else user.id)
        right = self._passwords.matches(hashed, password)
        del code
        if not right or hashed is None or user is None or user.disabled_ms is not None:
            self._audit(user, address, SignInEvent.REFUSED, SignInReason.WRONG)
            raise SignInError(SignInReason.WRONG, "wrong name or password")
        attempt.succeed()
        if self._passwords.is_outdated(hashed):
            self._records.credentials.rehash(user.id, hashed, self._passwords.hash(password))
        return self._begin(user, SignInWay.PASSWORD, address, agent, second_factor=False)

    def principal(self, token: str, *, used: bool = True) -> Principal | None:
        """Who holds a session's token; None if it is none, over, or its user is kept out.

        It counts as a use, which puts off the end of one that lies idle, unless `used` says otherwise.
        """
        sha256 = text_hash(token)
        found = self._records.sessions.find(sha256)
        if found is None:
            return None
        one, user = found
        now_ms = self._clock.utc_ms()
        idle_ms = self.settings.session_idle_min * 60_000
        if user.disabled_ms is not None or now_ms >= min(one.ends_ms, one.used_ms + idle_ms):
            return None
        if used and now_ms - one.used_ms >= TOUCH_MS:
            self._records.sessions.touch(sha256, now_ms)
        return self._principal(user, one)

    def state(self, who: Principal) -> SessionState | None:
        """The session that somebody is in; None with a token."""
        if who.session is None or who.user is None:
            return None
        there = next((one for one in self._records.sessions.of_user(who.user.id) if one.id == who.session), None)
        return None if there is None else SessionState(there.id, who.user, there.ends_ms, who.limited)

    def end(self, token: str, *, address: str = "") -> None:
        """End the session of a token, if there is one."""
        found = self._records.sessions.find(text_hash(token))
        if found is not None:
            one, user = found
            self._audit(user, address, SignInEvent.SIGN_OUT, one.way)
            self._records.sessions.end(user.id, one.id)

    def invite(self, user: str) -> OneTimeCode:
        """Make an invitation, by which a user sets the first, or a forgotten, password; an earlier one is void.

        Raises
        ------
        StoreRejectedError
            If there is no such user.
        """
        return self._code(user, CodeKind.INVITATION, INVITATION_MS)

    def accept(self, code: str, password: str, *, address: str = "") -> User:
        """Set the password of whom an invitation is for; every session of theirs ends.

        Raises
        ------
        SignInError
            If the invitation is none or over, or the password is too easily guessed: then it can be used again.
        """
        now_ms = self._clock.utc_ms()
        sha256 = text_hash(code)
        user = self._user(self._records.credentials.code(CodeKind.INVITATION, sha256, at_ms=now_ms))
        check_new(password, user.name)
        hashed = self._passwords.hash(password)
        self._audit(user, address, SignInEvent.PASSWORD, CodeKind.INVITATION)
        return self._user(self._records.credentials.use_invitation(sha256, hashed, at_ms=now_ms))

    def link(self, user: str) -> OneTimeCode:
        """Make a link that lets a user in once, soon. For who can read and write the records anyway.

        Raises
        ------
        StoreRejectedError
            If there is no such user.
        """
        return self._code(user, CodeKind.LINK, LINK_MS)

    def start_by_link(self, code: str, *, address: str, agent: str = "") -> Started:
        """Let somebody in by a link.

        Raises
        ------
        SignInError
            If it is none, was used, or is over.
        """
        user = self._user(self._records.credentials.use_link(text_hash(code), at_ms=self._clock.utc_ms()))
        return self._begin(user, SignInWay.LINK, address, agent, second_factor=False)

    def _code(self, user: str, kind: CodeKind, valid_ms: int) -> OneTimeCode:
        if self._records.users.get(user) is None:
            raise StoreRejectedError(f"no such user: {user}")
        now_ms = self._clock.utc_ms()
        code = OneTimeCode(random_text(), now_ms + valid_ms)
        self._records.credentials.add_code(user, kind, text_hash(code.text), at_ms=now_ms, ends_ms=code.ends_ms)
        return code

    def _user(self, user: str | None) -> User:
        """Whom a code is for."""
        found = None if user is None else self._records.users.get(user)
        if found is None or found.disabled_ms is not None:
            raise SignInError(SignInReason.CODE_OVER, "this code is over, was used, or never was: ask for another")
        return found

    def _begin(self, user: User, way: SignInWay, address: str, agent: str, *, second_factor: bool) -> Started:
        now_ms = self._clock.utc_ms()
        token = random_text()
        one = SignInSession(
            id=f"s-{secrets.token_hex(6)}",
            user=user.id,
            way=way,
            second_factor=second_factor,
            created_ms=now_ms,
            used_ms=now_ms,
            ends_ms=now_ms + self.settings.session_hours * 3_600_000,
            address=address,
            agent=agent,
        )
        self._audit(user, address, SignInEvent.SIGN_IN, way)
        self._back_off.note_place(user.id, address, now_ms)
        self._records.sessions.add(text_hash(token), one)
        return Started(token, self._principal(user, one), one.ends_ms)

    def _principal(self, user: User, one: SignInSession) -> Principal:
        must = self.settings.staff_second_factor and user.role is not Role.PATIENT
        return Principal(user.name, SCOPES, user, session=one.id, limited=must and not one.second_factor)

    def _audit(self, user: User | None, address: str, event: SignInEvent, what: str) -> None:
        self._records.audit.add(
            at_ms=self._clock.utc_ms(),
            # What a stranger typed in is not written down: it may be a password.
            who="" if user is None else user.on_record,
            account=None if user is None else user.id,
            address=address,
            action=event,
            what=what,
        )

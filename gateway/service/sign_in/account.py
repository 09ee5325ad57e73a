"""One's own account: password, second factor, sessions, tokens.

A token changes none of it: who gets hold of one would otherwise stay for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.errors import AccessError, ConfigurationError, SignInError, SignInReason, StoreRejectedError
from gateway.service.access import Principal
from gateway.service.records import ApiToken, Records, SignInSession, User
from gateway.service.sign_in.back_off import BackOff
from gateway.service.sign_in.factor import Factors, NewFactor
from gateway.service.sign_in.log import SignInEvent, SignInLog
from gateway.service.sign_in.passwords import Passwords, check_new
from gateway.service.sign_in.sessions import SessionKeeper, Started
from gateway.service.sign_in.tokens import LONGEST_DAYS, create_token

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class FactorState:
    """How it stands with somebody's second factor.

    Attributes
    ----------
    confirmed_ms : int or None
        In force since, UTC; None: there is none.
    required : bool
        Whether somebody of that role must have one.
    """

    confirmed_ms: int | None
    recovery_codes: int
    required: bool


class Account:
    """What somebody who has signed in may do with their own account.

    Every method takes who asks and raises `AccessError` where that is a token.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        passwords: Passwords,
        factors: Factors,
        keeper: SessionKeeper,
        back_off: BackOff,
        log: SignInLog,
    ) -> None:
        self._records = records
        self._clock = clock
        self._passwords = passwords
        self._factors = factors
        self._keeper = keeper
        self._back_off = back_off
        self._log = log

    def sessions(self, who: Principal) -> list[SignInSession]:
        """Own sessions that are not over, the last used first."""
        user, _ = _own(who)
        now_ms = self._clock.utc_ms()
        return [one for one in self._records.sessions.of_user(user.id) if now_ms < self._keeper.over_ms(one)]

    def end_session(self, who: Principal, session: str, *, address: str) -> bool:
        """End an own session, perhaps the present one; False if there is none of that id."""
        user, _ = _own(who)
        if not any(one.id == session for one in self._records.sessions.of_user(user.id)):
            return False
        self._log.note(user, address, SignInEvent.SIGN_OUT, session)
        return self._records.sessions.end(user.id, session)

    def end_other_sessions(self, who: Principal, *, address: str) -> None:
        """End all own sessions but the present one."""
        user, session = _own(who)
        self._log.note(user, address, SignInEvent.SIGN_OUT, "all others")
        self._records.sessions.end_all(user.id, but=session)

    def change_password(self, who: Principal, password: str, new: str, *, address: str, agent: str) -> Started:
        """Change the own password; every session ends, and one begins in place of the present one.

        Raises
        ------
        SignInError
            If the present password is another, or the new one is too easily guessed.
        """
        user, session = _own(who)
        present = next((one for one in self._records.sessions.of_user(user.id) if one.id == session), None)
        self._check_password(user, password, address)
        check_new(new, user.name)
        hashed = self._passwords.hash(new)
        if present is None:
            raise AccessError("the session is over: sign in")
        self._log.note(user, address, SignInEvent.PASSWORD, "changed")
        self._records.credentials.set_password(user.id, hashed, at_ms=self._clock.utc_ms())
        return self._keeper.begin(user, present.way, address, agent, second_factor=present.second_factor)

    def factor(self, who: Principal) -> FactorState:
        """How it stands with the own second factor."""
        user, _ = _own(who)
        found = self._records.credentials.second_factor(user.id)
        confirmed_ms = None if found is None else found.confirmed_ms
        codes = self._records.credentials.recovery_codes(user.id)
        return FactorState(confirmed_ms, codes, self._keeper.needs_factor(user))

    def begin_factor(self, who: Principal, password: str | None, *, address: str) -> NewFactor:
        """Make a secret for a second factor, which `confirm_factor` puts in force.

        Parameters
        ----------
        password : str or None
            Of who has one: a session that somebody left open is not enough to lock its user out.

        Raises
        ------
        SignInError
            If the password is another, or there is a second factor.
        """
        user, _ = _own(who)
        if self._records.credentials.password(user.id) is not None:
            self._check_password(user, password or "", address)
        return self._factors.begin(user)

    def confirm_factor(self, who: Principal, code: str, *, address: str) -> list[str]:
        """Put the second factor in force, by a code of it; returns the recovery codes, told this once.

        Other sessions of the user open the own account alone until the code is given in them too.

        Raises
        ------
        SignInError
            If none was begun, or the code is another.
        """
        user, session = _own(who)
        codes = self._factors.confirm(user.id, code)
        self._log.note(user, address, SignInEvent.SECOND_FACTOR, "set up")
        self._records.sessions.set_second_factor(session)
        return codes

    def give_code(self, who: Principal, code: str, *, address: str) -> None:
        """Give the second factor's code in a session that began without it.

        Raises
        ------
        SignInError
            If it is another, or too many were tried.
        """
        user, session = _own(who)
        attempt = self._back_off.count(user.name, user.id, address, self._clock.utc_ms())
        if not self._factors.take(user.id, code):
            self._log.note(user, address, SignInEvent.REFUSED, SignInReason.CODE_WRONG)
            raise SignInError(SignInReason.CODE_WRONG, "this code is wrong or was used before")
        attempt.succeed()
        self._records.sessions.set_second_factor(session)

    def remove_factor(self, who: Principal, password: str, *, address: str) -> None:
        """Remove the own second factor, by the password.

        Raises
        ------
        SignInError
            If the password is another, or there is none.
        """
        user, _ = _own(who)
        if who.limited:
            raise AccessError("this takes the second factor: give its code first")
        self._check_password(user, password, address)
        self._log.note(user, address, SignInEvent.SECOND_FACTOR, "removed")
        self._records.credentials.remove_second_factor(user.id)

    def tokens(self, who: Principal) -> list[ApiToken]:
        """Own API tokens, by name."""
        user, _ = _own(who)
        own = self._records.tokens.list(user=user.id)
        return [replace(one, name=one.name.removeprefix(f"{user.name} ")) for one in own]

    def make_token(self, who: Principal, name: str, scopes: Collection[str], days: int, *, address: str) -> str:
        """Make an own API token that is valid for so many days; its text is told this once.

        Raises
        ------
        ConfigurationError
            If it would last too long, or has no scope that a user's can have.
        StoreRejectedError
            If there is a token of that name.
        """
        user, _ = _own(who)
        if who.limited:
            raise AccessError("this takes a second factor: set it up, or give its code")
        if not 1 <= days <= LONGEST_DAYS or not set(scopes) <= {"read", "write"}:
            raise ConfigurationError(f"a user's token reads or writes, for {LONGEST_DAYS} days at most")
        if any(one.name == name for one in self.tokens(who)):
            raise StoreRejectedError("there is a token of that name")
        now_ms = self._clock.utc_ms()
        self._log.note(user, address, SignInEvent.TOKEN, f"made {name}")
        return create_token(
            self._records,
            f"{user.name} {name}",
            scopes,
            created_ms=now_ms,
            expires_ms=now_ms + days * _DAY_MS,
            user=user.id,
        )

    def remove_token(self, who: Principal, token: str, *, address: str) -> bool:
        """Remove an own API token, at once; False if there is none of that id."""
        user, _ = _own(who)
        if not any(one.id == token for one in self.tokens(who)):
            return False
        self._log.note(user, address, SignInEvent.TOKEN, f"removed {token}")
        return self._records.tokens.remove_own(user.id, token)

    def _check_password(self, user: User, password: str, address: str) -> None:
        attempt = self._back_off.count(user.name, user.id, address, self._clock.utc_ms())
        if not self._passwords.matches(self._records.credentials.password(user.id), password):
            self._log.note(user, address, SignInEvent.REFUSED, SignInReason.WRONG)
            raise SignInError(SignInReason.WRONG, "wrong password")
        # Taken back, not a success: what was tried in vain at the second factor still counts.
        attempt.take_back()


def _own(who: Principal) -> tuple[User, str]:
    if who.user is None or who.session is None:
        raise AccessError("a token does not open the account itself: sign in")
    return who.user, who.session

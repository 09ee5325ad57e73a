"""Lets people in: the one class that API, pages and command line use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.errors import SignInError, SignInReason, StoreRejectedError
from gateway.service.access import Principal
from gateway.service.records import CodeKind, Records, SignInWay, User
from gateway.service.sign_in.account import Account
from gateway.service.sign_in.back_off import BackOff
from gateway.service.sign_in.codes import OneTimeCode, random_text, text_hash
from gateway.service.sign_in.factor import Factors, SecretBox
from gateway.service.sign_in.log import SignInEvent, SignInLog
from gateway.service.sign_in.oidc import Begun, Identity, Provider
from gateway.service.sign_in.passwords import Passwords, check_new
from gateway.service.sign_in.sessions import SessionKeeper, Started
from gateway.settings import SignInSettings, read_secret

INVITATION_MS: Final = 7 * 86_400_000
"""An invitation may wait over a weekend in a letter-box."""

LINK_MS: Final = 15 * 60_000
"""A link is opened by who asked for it, at once."""


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
    public_url : str
        Where people find the service; empty: where each request finds it.
    passwords : Passwords or None
        How passwords are hashed; None for as it should be.

    Attributes
    ----------
    account : Account
        What somebody may do with their own account.

    Raises
    ------
    ConfigurationError
        If a file that the settings name cannot be read.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        settings: SignInSettings | None = None,
        *,
        public_url: str = "",
        passwords: Passwords | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self.settings: Final = settings or SignInSettings()
        self.public_url: Final = public_url.rstrip("/")
        self._passwords = passwords or Passwords()
        key = read_secret(self.settings.factor_key_file, "the key of second factors")
        self._factors = Factors(records, clock, SecretBox(key))
        self._keeper = SessionKeeper(records, clock, self.settings)
        self._back_off = BackOff(records)
        self._log = SignInLog(records, clock)
        self._provider = None
        if self.settings.oidc_issuer:
            secret = read_secret(self.settings.oidc_client_secret_file, "the secret of the OpenID Connect client")
            self._provider = Provider(self.settings, secret, clock)
        self.account: Final = Account(
            records, clock, self._passwords, self._factors, self._keeper, self._back_off, self._log
        )

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
        if not right or hashed is None or user is None or user.disabled_ms is not None:
            self._log.note(user, address, SignInEvent.REFUSED, SignInReason.WRONG)
            raise SignInError(SignInReason.WRONG, "wrong name or password")
        has_factor = self._factors.in_force(user.id)
        if has_factor and not code:
            attempt.take_back()
            raise SignInError(SignInReason.CODE_NEEDED, "the second factor's code is needed too")
        if has_factor and not self._factors.take(user.id, code or ""):
            self._log.note(user, address, SignInEvent.REFUSED, SignInReason.CODE_WRONG)
            raise SignInError(SignInReason.CODE_WRONG, "this code is wrong or was used before")
        attempt.succeed()
        if self._passwords.is_outdated(hashed):
            self._records.credentials.rehash(user.id, hashed, self._passwords.hash(password))
        return self._begin(user, SignInWay.PASSWORD, address, agent, second_factor=has_factor)

    def principal(self, token: str, *, used: bool = True) -> Principal | None:
        """Who holds a session's token; None if it is none, over, or its user is kept out.

        It counts as a use, which puts off the end of one that lies idle, unless `used` says otherwise.
        """
        return self._keeper.principal(token, used=used)

    def state(self, who: Principal) -> SessionState | None:
        """The session that somebody is in; None with a token."""
        if who.session is None or who.user is None:
            return None
        there = next((one for one in self._records.sessions.of_user(who.user.id) if one.id == who.session), None)
        return None if there is None else SessionState(there.id, who.user, there.ends_ms, who.limited)

    def now(self, who: Principal) -> Principal | None:
        """Who somebody is now that has been listening for a while; None if the session is over or the user kept out."""
        return self._keeper.now(who)

    def end(self, token: str, *, address: str = "") -> None:
        """End the session of a token, if there is one."""
        found = self._records.sessions.find(text_hash(token))
        if found is not None:
            self._log.note(found.user, address, SignInEvent.SIGN_OUT, found.session.id)
            self._records.sessions.end(found.user.id, found.session.id)

    def invite(self, user: str, *, by: User | None = None, address: str = "") -> OneTimeCode:
        """Make an invitation, by which a user sets the first, or a forgotten, password; an earlier one is void.

        Parameters
        ----------
        by : User or None
            Who asked for it; None: the command line, which stands in no audit.

        Raises
        ------
        StoreRejectedError
            If there is no such user.
        """
        if by is not None:
            self._log.note(by, address, SignInEvent.INVITE, user)
        return self._code(user, CodeKind.INVITATION, INVITATION_MS)

    def remove_factor(self, user: str, *, by: User | None = None, address: str = "") -> bool:
        """Remove the second factor of a user who has lost it; False if there was none."""
        if by is not None:
            self._log.note(by, address, SignInEvent.SECOND_FACTOR, f"removed of {user}")
        return self._records.credentials.remove_second_factor(user)

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
        self._log.note(user, address, SignInEvent.PASSWORD, CodeKind.INVITATION)
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

    @property
    def provider_name(self) -> str | None:
        """What the OpenID Connect provider is called; None if there is none."""
        return None if self._provider is None else self._provider.name

    def begin_by_provider(self, redirect: str) -> Begun:
        """Send somebody to the provider, to come back to `redirect`.

        Raises
        ------
        SignInError
            If there is no provider, or it does not answer.
        """
        return self._provider_or_none().begin(redirect)

    def start_by_provider(
        self, kept: str, answer: Mapping[str, str], redirect: str, *, address: str, agent: str = ""
    ) -> Started:
        """Let somebody in whom the provider has let in: a user, whom it never makes.

        The first time the user is found by name; from then on by the provider's own id alone.

        Parameters
        ----------
        kept : str
            Of `Begun`, as the browser kept it.
        answer : mapping of str to str
            What the browser came back with.
        redirect : str
            The same as at the beginning.

        Raises
        ------
        SignInError
            If not.
        """
        try:
            identity = self._provider_or_none().finish(kept, answer, redirect)
        except SignInError as error:
            # What strangers can make up without the provider does not fill the audit.
            if error.reason is SignInReason.TOKEN_WRONG:
                self._log.note(None, address, SignInEvent.REFUSED, error.reason)
            raise
        user = self._identified(identity, address)
        return self._begin(user, SignInWay.PROVIDER, address, agent, second_factor=identity.second_factor)

    def _identified(self, identity: Identity, address: str) -> User:
        credentials = self._records.credentials
        bound = credentials.identity(identity.issuer, identity.subject)
        if bound is not None:
            user = self._records.users.get(bound)
        else:
            user = None if identity.name is None else self._records.users.named(identity.name)
        try:
            if user is None or user.disabled_ms is not None:
                raise StoreRejectedError("no user")
            if bound is None:
                credentials.bind(identity.issuer, identity.subject, user.id, at_ms=self._clock.utc_ms())
        except StoreRejectedError:
            self._log.note(user, address, SignInEvent.REFUSED, SignInReason.NOT_KNOWN)
            text = "nobody here has this account, or its address is not verified: ask your administrator"
            raise SignInError(SignInReason.NOT_KNOWN, text) from None
        return user

    def _provider_or_none(self) -> Provider:
        if self._provider is None:
            raise SignInError(SignInReason.PROVIDER_AWAY, "there is no OpenID Connect provider here")
        return self._provider

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
        self._log.note(user, address, SignInEvent.SIGN_IN, way)
        self._back_off.note_place(user.id, address, self._clock.utc_ms())
        return self._keeper.begin(user, way, address, agent, second_factor=second_factor)

"""Joining, revoking and letting in again: the records first, then the broker."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.errors import BrokerError, ConfigurationError
from gateway.service.homes.accounts import BrokerAccounts, Repaired
from gateway.service.homes.codes import code_hash, make_code, qr_svg
from gateway.service.records import Account, Home, JoinCode, Records
from gateway.wire.topics import check_name

LIFE_MIN: Final = 24 * 60
"""A box is taken home today and set up in the evening, or the next morning."""

LIFE_MOST_MIN: Final = 7 * 24 * 60

JOINED: Final = "join_home"
"""The audit's word for a box that joined."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a home finds this service and its broker.

    Attributes
    ----------
    url : str
        Of the service, as homes reach it; empty: the address that whoever makes a code uses.
    broker : str
        ``mqtts://HOST[:PORT]``, as homes reach it.
    authority : Path or None
        The certificate authority of that broker; None: one that every system knows.
    """

    url: str = ""
    broker: str = ""
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code as it is shown, this once.

    Attributes
    ----------
    command : str
        What the box is to be told: ``somnolink join URL CODE``.
    qr : str
        The same as an SVG.
    """

    code: str
    command: str
    qr: str
    kept: JoinCode


@dataclass(frozen=True, slots=True)
class Joined:
    """What a box needs: who it is, where the broker is, and by what password it comes in."""

    gateway: str
    broker: str
    password: str
    authority: str | None


def make_invitation(
    records: Records, clinic: str, name: str, *, by: str, url: str, minutes: int, gateway: str | None, at_ms: int
) -> Invitation:
    """Make a code, as `Enrolment.invite` does for a service that runs."""
    code = make_code()
    kept = records.homes.add_code(
        code_hash(code),
        clinic=clinic,
        gateway=check_name(gateway or f"home-{secrets.token_hex(5)}", "gateway"),
        name=name,
        made_by=by,
        created_ms=at_ms,
        expires_ms=at_ms + minutes * 60_000,
    )
    command = f"somnolink join {url} {code}"
    return Invitation(code, command, qr_svg(command), kept)


class Enrolment:
    """Homes and their accounts. Usable from many threads at once.

    Parameters
    ----------
    accounts : BrokerAccounts or None
        None: the broker's accounts are made by hand. Then nobody joins by a code, and what is revoked is refused by the
        service alone.
    key : bytes
        What passwords are made from, with each gateway's salt: whoever has only the records cannot make them. With the
        same key an account that a broker has lost is made again with the password that its box knows.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        *,
        accounts: BrokerAccounts | None = None,
        key: bytes = b"",
        place: Place | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._accounts = accounts
        self._key = key
        self._place = place or Place()
        # One at a time speaks to the broker: a repair that read the records before a home joined, and the broker's
        # accounts after, would shut it out.
        self._turn = threading.Lock()
        self.refused = 0
        """Tries to join by a code that is none."""

    @property
    def by_code(self) -> bool:
        """Whether homes can join by a code."""
        return self._accounts is not None

    def invite(
        self,
        clinic: str,
        name: str,
        *,
        by: str,
        url: str = "",
        minutes: int = LIFE_MIN,
        gateway: str | None = None,
    ) -> Invitation:
        """Make a code by which one box becomes a home of a clinic.

        Parameters
        ----------
        url : str
            Of this service, where its settings do not tell.
        gateway : str or None
            A home that is there already and gets a new box, or was revoked; None: a new one.

        Raises
        ------
        ConfigurationError
            If the accounts at the broker are not made here.
        StoreRejectedError
            If there is no such clinic, or the home is another clinic's.
        WireError
            If the gateway's id is none.
        """
        self._broker_accounts()
        return make_invitation(
            self._records,
            clinic,
            name,
            by=by,
            url=self._place.url or url,
            minutes=minutes,
            gateway=gateway,
            at_ms=self._clock.utc_ms(),
        )

    def join(self, code: str, box: str, *, address: str = "") -> Joined | None:
        """Let a box in by a code; None if it may not, for whatever reason.

        The same box may ask again until the code's end, and is answered the same: what it was told may have been lost.

        Parameters
        ----------
        box : str
            A secret that the box has made for itself.

        Raises
        ------
        BrokerError
            The broker's account could not be made for now: the box asks again.
        ConfigurationError
            If the accounts at the broker are not made here.
        """
        accounts = self._broker_accounts()
        now_ms = self._clock.utc_ms()
        box_sha256 = hashlib.sha256(box.encode("utf-8", "surrogatepass")).hexdigest()
        used = self._records.homes.redeem(code_hash(code), box_sha256, salt=secrets.token_hex(32), at_ms=now_ms)
        account = None if used is None else self._records.homes.account(used.gateway)
        if used is None or account is None:
            self.refused += 1
            log.warning("somebody tried to join by a code that is not valid")
            return None
        self._records.audit.add(
            at_ms=now_ms,
            who=used.gateway,
            account=None,
            address=address,
            action=JOINED,
            what=f"{used.gateway} joined by code {used.id}, which {used.made_by} made",
        )
        password = self._password(account)
        with self._turn:
            accounts.admit(account.gateway, password)
        log.info("%s has joined", account.gateway)
        return Joined(account.gateway, self._place.broker, password, self._authority())

    def revoke(self, gateway: str) -> tuple[Home, bool]:
        """Take nothing from a home from now on, and end its connection.

        Returns
        -------
        (Home, bool)
            The home, and whether the broker has shut it out too. If not, the service refuses what it sends all the
            same; the broker is told again until it has.

        Raises
        ------
        StoreRejectedError
            If there is no such home.
        """
        home = self._records.homes.set_revoked(gateway, self._clock.utc_ms())
        log.info("%s is revoked", gateway)
        if self._accounts is None:
            return home, False
        try:
            with self._turn:
                self._accounts.block(gateway)
        except BrokerError as error:
            log.warning("%s is revoked, but not yet at the broker: %s", gateway, error)
            return home, False
        return home, True

    def let_in(self, gateway: str) -> tuple[Home, bool]:
        """Take what a home sends again; it comes in by the password that it has.

        Returns
        -------
        (Home, bool)
            The home, and whether the broker lets it in already; if not, it is told again until it does.

        Raises
        ------
        StoreRejectedError
            If there is no such home.
        """
        home = self._records.homes.set_revoked(gateway, None)
        log.info("%s is let in again", gateway)
        account = self._records.homes.account(gateway)
        if self._accounts is None or account is None:
            return home, False
        try:
            with self._turn:
                self._accounts.admit(gateway, self._password(account))
        except BrokerError as error:
            log.warning("%s may come in again, but not yet at the broker: %s", gateway, error)
            return home, False
        return home, True

    def repair(self) -> Repaired:
        """Hold the broker's accounts against the records and mend them.

        Raises
        ------
        BrokerError
            The broker cannot be reached.
        """
        if self._accounts is None:
            return Repaired()
        with self._turn:
            accounts = self._records.homes.accounts()
            wanted = {one.gateway: self._password(one) for one in accounts if not one.revoked}
            blocked = {one.id for one in self._records.homes.homes() if one.revoked_ms is not None}
            listeners = {one.id for one in self._records.people.clinics()}
            return self._accounts.repair(wanted, blocked, listeners)

    def _password(self, account: Account) -> str:
        text = f"somnolink broker {account.gateway} {account.salt}"
        return base64.urlsafe_b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode().rstrip("=")

    def _authority(self) -> str | None:
        if self._place.authority is None:
            return None
        try:
            return self._place.authority.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"certificate authority {self._place.authority}: {error}") from None

    def _broker_accounts(self) -> BrokerAccounts:
        if self._accounts is None:
            raise ConfigurationError(
                "homes cannot join by a code here: the broker's accounts are made by hand (broker.dynamic_security)"
            )
        return self._accounts

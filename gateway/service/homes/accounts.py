"""Accounts at the broker, whichever it is: made, blocked, and held against what the records say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.service.homes import dynsec
from gateway.service.homes.control import Control
from gateway.wire.access import SERVICE_USER
from gateway.wire.client import BrokerAddress


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many accounts were not as the records have them, and are now."""

    made: int = 0
    enabled: int = 0
    disabled: int = 0
    roles: int = 0


class BrokerAccounts(Protocol):
    """What a broker must be able to do for homes to join. Each call may be repeated, and comes from any thread.

    Raises
    ------
    BrokerError
        The broker cannot be reached, or refuses.
    """

    def admit(self, user: str, password: str) -> None:
        """Let a user in by that password, with the rights that `gateway.wire.access` gives it and no others."""

    def block(self, user: str) -> None:
        """Let a user in no more, and end the connections that are there by its name."""

    def repair(self, wanted: Mapping[str, str], blocked: Collection[str], listeners: Collection[str]) -> Repaired:
        """Make the accounts those of the records: users with passwords that come in, and users that do not.

        An account that is there keeps its password. `listeners` are users whose accounts somebody else makes.
        """


class DynamicSecurity:
    """Mosquitto with its dynamic security plugin.

    Parameters
    ----------
    admin : BrokerAddress
        The broker, with the account that may give commands.
    service_password : str
        Of the service's own account, which is made here too.
    """

    def __init__(self, admin: BrokerAddress, service_password: str) -> None:
        self._admin = admin
        self._service_password = service_password

    def prepare(self) -> None:
        """Close what no role allows, and let the service itself in. Before it connects: its connections are ended."""
        with Control(self._admin) as control:
            control.run([dynsec.CLOSED, *dynsec.admit(SERVICE_USER, self._service_password)])

    def admit(self, user: str, password: str) -> None:
        """Let a user in."""
        with Control(self._admin) as control:
            control.run(dynsec.admit(user, password))

    def block(self, user: str) -> None:
        """Let a user in no more."""
        with Control(self._admin) as control:
            control.run(dynsec.block(user))

    def repair(self, wanted: Mapping[str, str], blocked: Collection[str], listeners: Collection[str]) -> Repaired:
        """Make what is missing, disable what was revoked or is known to nobody."""
        passwords = {**wanted, SERVICE_USER: self._service_password}
        with Control(self._admin) as control:
            lacking = dynsec.repairs(control.held(), wanted=passwords, blocked=blocked, listeners=listeners)
            control.run([dynsec.CLOSED, *lacking.commands(passwords)])
        return Repaired(len(lacking.made), len(lacking.enabled), len(lacking.disabled), len(lacking.roles))


class EmbeddedBook(Protocol):
    """The list of users of `gateway.wire.broker.EmbeddedBroker`, which is not imported where amqtt may be missing."""

    def users(self) -> frozenset[str]:
        """Who may connect."""

    def admit(self, user: str, password: str) -> None:
        """Let a user in."""

    def block(self, user: str) -> None:
        """Let a user in no more, and end its connections."""


class EmbeddedAccounts:
    """The broker in this process, for the demo: it forgets all accounts when it ends."""

    def __init__(self, broker: EmbeddedBook) -> None:
        self._broker = broker

    def admit(self, user: str, password: str) -> None:
        """Let a user in."""
        if user in self._broker.users():
            self._broker.block(user)  # whoever is in by the old password is out
        self._broker.admit(user, password)

    def block(self, user: str) -> None:
        """Let a user in no more."""
        self._broker.block(user)

    def repair(self, wanted: Mapping[str, str], blocked: Collection[str], listeners: Collection[str]) -> Repaired:
        """Let in who is missing, put out who was blocked; rights need no repair, and nobody else has an account."""
        assert wanted.keys().isdisjoint(listeners), "a clinic's name is no gateway's"
        there = self._broker.users()
        missing = [user for user in wanted if user not in there]
        for user in missing:
            self._broker.admit(user, wanted[user])
        astray = [user for user in blocked if user in there]
        for user in astray:
            self._broker.block(user)
        return Repaired(made=len(missing), disabled=len(astray))

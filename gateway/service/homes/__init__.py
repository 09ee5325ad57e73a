"""Homes: how a box joins by a one-time code, gets its account at the broker, and loses it again.

`Enrolment` is what the API calls. The records are the source of who may speak; the broker's accounts are made from them
(`BrokerAccounts`), at once when something changes and again at each start, so that a broker that was away, or lost its
accounts, has them right. `dynsec` builds and reads the messages of Mosquitto's dynamic security plugin, without I/O.
"""

from __future__ import annotations

from gateway.service.homes.accounts import BrokerAccounts, DynamicSecurity, EmbeddedAccounts, Repaired
from gateway.service.homes.enrolment import Enrolment, Invitation, Joined, Place
from gateway.service.homes.keeper import AccountKeeper

__all__ = [
    "AccountKeeper",
    "BrokerAccounts",
    "DynamicSecurity",
    "EmbeddedAccounts",
    "Enrolment",
    "Invitation",
    "Joined",
    "Place",
    "Repaired",
]

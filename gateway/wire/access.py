"""Who may say what where: the one rule that the embedded broker enforces, and that Mosquitto is told.

Mosquitto gets it as an ACL file, or as roles of its dynamic security plugin (`gateway.service.homes.dynsec`).

A gateway's user name is its id. It writes its own `up` topics and status, and reads its own `down` topics and the
service's presence; nothing else. A clinic's listeners have the clinic's id as their user name and read its alert feed;
nothing else. The service reads all `up` and status topics and writes `down`, `feed` and its own.
"""

from __future__ import annotations

from typing import Final, Literal

from gateway.errors import WireError
from gateway.wire.topics import ROOT, SERVICE_STATUS, check_clinic, check_name, feed

SERVICE_USER: Final = "somnolink-service"

Action = Literal["read", "write"]


def rules_of(user: str) -> dict[Action, tuple[str, ...]]:
    """The filters of topics that a user may subscribe to, and publish to; what none of them covers is refused."""
    if user == SERVICE_USER:
        return {
            "read": (f"{ROOT}/+/up/#", f"{ROOT}/+/status"),
            "write": (f"{ROOT}/+/down/#", f"{ROOT}/feed/#", f"{ROOT}/service/#"),
        }
    if is_clinic(user):
        return {"read": (feed(user),), "write": ()}
    return {
        "read": (f"{ROOT}/{user}/down/#", SERVICE_STATUS),
        "write": (f"{ROOT}/{user}/up/#", f"{ROOT}/{user}/status"),
    }


def is_clinic(user: str) -> bool:
    """Whether a user name is a clinic's: that of the listeners to its feed."""
    try:
        check_clinic(user)
    except WireError:
        return False
    return True


def covers(rule: str, topic: str) -> bool:
    """Whether every topic that `topic` (a name or a filter) can mean is one that `rule` (a filter) means."""
    wanted = topic.split("/")
    allowed = rule.split("/")
    for position, level in enumerate(allowed):
        if level == "#":
            return True
        if position >= len(wanted):
            return False
        if wanted[position] == "#" or (level != "+" and level != wanted[position]):
            return False
    return len(wanted) == len(allowed)


def allowed(user: str, action: Action, topic: str) -> bool:
    """Whether `user` may publish to the topic, or subscribe to the filter, `topic`.

    A user name that is no gateway's (a wildcard, a path) may do nothing.
    """
    try:
        check_name(user, "device" if is_clinic(user) else "gateway")
    except WireError:
        return False
    return any(covers(rule, topic) for rule in rules_of(user)[action])


def mosquitto_acl() -> str:
    """Return the same rule as an ACL file for Mosquitto (`acl_file`).

    A pattern holds for every user. What it gives a clinic's listeners beyond their feed are topics under their own
    name, which the service refuses as no gateway's; what it gives a gateway, a feed of its name, is no clinic's.
    """
    gateway = rules_of("%u")
    service = rules_of(SERVICE_USER)
    lines = ["# Written by somnolink: one home cannot read or write another's topics."]
    lines += [f"pattern {action} {rule}" for action in gateway for rule in gateway[action]]
    lines += [f"pattern read {feed('%u')}"]
    lines += [f"user {SERVICE_USER}"]
    lines += [f"topic {action} {rule}" for action in service for rule in service[action]]
    return "\n".join(lines) + "\n"

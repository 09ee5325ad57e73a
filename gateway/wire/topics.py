"""MQTT topics: where each message goes, and which gateway and device a topic names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.errors import WireError
from gateway.wire.messages import KINDS, Kind

ROOT: Final = "somnolink/v1"
SERVICE_STATUS: Final = f"{ROOT}/service/status"
ALL_BATCHES: Final = f"{ROOT}/+/up/+/+"
ALL_STATUS: Final = f"{ROOT}/+/status"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED: Final = frozenset({"service", "feed"})
_CLINIC: Final = re.compile(r"clinic(-[a-z0-9_-]{1,57})?")


@dataclass(frozen=True, slots=True)
class BatchTopic:
    """The parts of an `up` topic."""

    gateway: str
    device: str
    kind: Kind


def check_name(name: str, what: str) -> str:
    """Return `name` if it may stand in a topic (1 to 64 of a-z, 0-9, `-`, `_`); else `WireError`."""
    if not _NAME.fullmatch(name):
        raise WireError(f"{what} must be 1 to 64 of a-z, 0-9, - and _, not {name[:80]!r}")
    if what == "gateway" and (name in _RESERVED or _CLINIC.fullmatch(name)):
        raise WireError(f"{name!r} is no name for a gateway: it is taken")
    return name


def check_clinic(name: str) -> str:
    """Return `name` if it is one for a clinic (`clinic`, `clinic-...`); else `WireError`.

    A clinic's listeners are the user of its name at the broker, so no gateway may have such a name.
    """
    if not _CLINIC.fullmatch(name):
        raise WireError(f"a clinic's id is clinic or clinic- and 1 to 57 of a-z, 0-9, - and _, not {name[:80]!r}")
    return name


def feed(clinic: str) -> str:
    """Where a clinic's alerts are told."""
    return f"{ROOT}/feed/{clinic}"


def batch(gateway: str, device: str, kind: Kind) -> str:
    """Where a gateway publishes the batches of one device and kind."""
    return f"{ROOT}/{gateway}/up/{device}/{kind}"


def status(gateway: str) -> str:
    """The gateway's retained presence."""
    return f"{ROOT}/{gateway}/status"


def ack(gateway: str) -> str:
    """Where the service says what is on its disk."""
    return f"{ROOT}/{gateway}/down/ack"


def command(gateway: str) -> str:
    """Where the service asks a gateway for something."""
    return f"{ROOT}/{gateway}/down/command"


@lru_cache(maxsize=16_384)
def parse_batch(topic: str) -> BatchTopic:
    """Read an `up` topic.

    Raises
    ------
    WireError
        The topic is none, or names a kind that does not exist.
    """
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:2]) != ROOT or parts[3] != "up":
        raise WireError(f"not a batch topic: {topic[:120]!r}")
    for kind in KINDS:
        if kind == parts[5]:
            return BatchTopic(check_name(parts[2], "gateway"), check_name(parts[4], "device"), kind)
    raise WireError(f"unknown kind in topic: {parts[5][:40]!r}")

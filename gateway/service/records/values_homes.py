"""Homes as they come out of the records: who may join, and how gateways and devices are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JoinCode:
    """A one-time code; its text is not kept.

    Attributes
    ----------
    gateway : str
        The gateway that whoever has the code becomes.
    name : str
        What people call that home.
    used_ms, withdrawn_ms : int or None
        UTC milliseconds; None: it was not.
    """

    id: str
    clinic: str
    gateway: str
    name: str
    made_by: str
    created_ms: int
    expires_ms: int
    used_ms: int | None = None
    withdrawn_ms: int | None = None

    def open_at(self, utc_ms: int) -> bool:
        """Whether a box may still join by it."""
        return self.used_ms is None and self.withdrawn_ms is None and utc_ms < self.expires_ms


@dataclass(frozen=True, slots=True)
class Home:
    """A gateway with its clinic and its right to speak.

    Attributes
    ----------
    joined_ms : int or None
        When its box last joined by a code; None: its account at the broker was made by hand.
    revoked_ms : int or None
        Since when nothing is taken from it; None: it may speak.
    """

    id: str
    name: str
    clinic: str
    first_seen_ms: int
    last_seen_ms: int
    joined_ms: int | None
    revoked_ms: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """What a gateway's account at the broker is made from."""

    gateway: str
    salt: str
    revoked: bool


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What a gateway last said of itself; None, or an empty text, where it did not say.

    Attributes
    ----------
    since_ms : int
        UTC milliseconds from which it has been online, or offline.
    heard_ms : int
        UTC milliseconds of its last word.
    pending : int
        Batches that wait there.
    oldest_ms : int or None
        When the one was measured that waits for longest.
    radio : str
        `ok`, `unavailable`, `silent`.
    clock_set : bool or None
        Whether something keeps its clock right.
    clock_error_ms : int or None
        By how much the gateway believes that its clock may be off.
    clock_offset_ms : int or None
        Its clock less the service's, when its word arrived: the way that the message took is in it.
    """

    gateway: str
    online: bool
    since_ms: int
    heard_ms: int
    version: str = ""
    pending: int = 0
    oldest_ms: int | None = None
    disk_free_bytes: int | None = None
    radio: str = ""
    clock_set: bool | None = None
    clock_error_ms: int | None = None
    clock_offset_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What was last told of a device; None, or an empty text, where nothing was.

    Attributes
    ----------
    heard_ms : int
        UTC milliseconds at which something of this was last told.
    contact_ms : int or None
        When its gateway last spoke with it, by the gateway's clock.
    clock : str
        `ok`, or `lost`: it was never set, or forgot the time.
    clock_ms : int
        The moment of which that is true.
    uncertainty_ms : int or None
        Half width of the interval that holds the true time of its last samples.
    """

    device: str
    heard_ms: int
    contact_ms: int | None = None
    reachable: bool | None = None
    voltage: float | None = None
    boots: int | None = None
    clock: str = ""
    clock_ms: int = 0
    drift_ppm: float | None = None
    uncertainty_ms: int | None = None

"""What goes into the records and comes out of them: plain values, never rows of an open session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Literal

MAIN_INDICES: Final = ("odi3", "odi4", "t90_pct", "mean_spo2", "min_spo2")
"""Indices that are columns of their own too, so that lists can sort and filter by them."""

MAX_PAYLOAD: Final = 64 * 1024
"""Bytes of a set-aside message that are kept: enough to see what it was, too little to fill a disk quickly."""

NightKind = Literal["oximetry", "wear", "bed"]


class State(StrEnum):
    """How final a night's results are."""

    RUNNING = "running"
    CLOSED = "closed"
    REVISED = "revised"


class Severity(StrEnum):
    """How soon a person should look."""

    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


class Refusal(StrEnum):
    """Why a gateway may not speak for a device; the text is the reason code of the set-aside message."""

    UNKNOWN_DEVICE = "unknown_device"
    FOREIGN_DEVICE = "foreign_device"
    REVOKED_GATEWAY = "revoked_gateway"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A home gateway."""

    id: str
    name: str
    first_seen_ms: int
    last_seen_ms: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device and the gateway that owns it.

    Attributes
    ----------
    battery_pct : float or None
        0 to 100 as last reported; None if it never was.
    zone : str
        IANA name of the zone in which its nights are counted.
    """

    id: str
    family: str
    gateway_id: str
    zone: str
    enrolled_ms: int
    last_contact_ms: int
    model: str | None = None
    firmware: str | None = None
    battery_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """What one contact told about a device; None leaves what was known."""

    device: str
    at_ms: int
    battery_pct: float | None = None
    model: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class Desaturation:
    """One fall of SpO2 below its baseline.

    Attributes
    ----------
    baseline, nadir, depth : float
        SpO2 in %; depth is baseline less nadir.
    area : float
        Between baseline and trace, % x s.
    confidence : float
        0 to 1.
    """

    start_ms: int
    nadir_ms: int
    end_ms: int
    baseline: float
    nadir: float
    depth: float
    area: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time that a night's analysis tells of.

    Attributes
    ----------
    kind : str
        ``wear`` (of the MAD; `data` has the minutes by posture, the uncertainty of both ends and why it is suspect, if
        it is), ``missing`` (no data) or ``disturbance`` (of breath).
    start_ms, end_ms : int
        UTC milliseconds.
    """

    kind: str
    start_ms: int
    end_ms: int
    data: Mapping[str, float | str | list[str] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NightResult:
    """What one analysis says about one night of one device, named by (device, night, profile, version).

    Attributes
    ----------
    night : date
        The local date on which its evening began.
    start_ms, end_ms : int
        UTC of the night's first sample, and of the end of its last.
    valid_s : float
        Seconds with a valid SpO2.
    indices : mapping of str to float or None
        Every index by name; those of `MAIN_INDICES` are columns too. A NaN is stored as None.
    updated_ms : int
        When this result was made, UTC.
    """

    device: str
    night: date
    profile: str
    version: str
    zone: str
    state: State
    start_ms: int
    end_ms: int
    valid_s: float
    indices: Mapping[str, float | None]
    updated_ms: int

    @property
    def key(self) -> tuple[str, date, str, str]:
        """(device, night, profile, version)."""
        return self.device, self.night, self.profile, self.version

    @property
    def kind(self) -> NightKind:
        """What the night is told from: analyses of wear and of the bed have one profile each."""
        return "wear" if self.profile == "wear" else "bed" if self.profile == "bed" else "oximetry"


@dataclass(frozen=True, slots=True)
class NightUpdate:
    """A running night's current result and the desaturations that are new (or finished) since the last update."""

    result: NightResult
    desaturations: tuple[Desaturation, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that is to be set aside, as ingest hands it over."""

    received_ms: int
    gateway: str
    topic: str
    reason: str
    detail: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that was set aside; `payload` is its first `MAX_PAYLOAD` bytes, `size` its whole length."""

    id: str
    received_ms: int
    gateway: str
    topic: str
    reason: str
    detail: str
    payload: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of an API token; its text is not.

    Attributes
    ----------
    user : str or None
        Whose it is: it opens what the user may, within its scopes. None: a program's of the whole service.
    id : str
        Tells it from the user's others, and opens nothing.
    """

    name: str
    scopes: frozenset[str]
    created_ms: int
    expires_ms: int | None
    user: str | None = None
    id: str = ""

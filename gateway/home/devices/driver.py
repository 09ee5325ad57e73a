"""The one way to add a device: a package below `gateway.home.devices` with a `driver` module that holds a `Driver`.

The collector finds the class, asks it whether an advertisement is of its family, connects, and gives it the link and a
desk. The driver talks its protocol (a sans-I/O module of its own beside it) and hands what it learns to the desk. It
never dates, stores, publishes, scans, retries or disconnects: the collector does, the same way for all families.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.clock import Clock
from gateway.home.outbox.ledger import Item
from gateway.wire.messages import Array, Kind

Mode = Literal["stored", "live", "both"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One advertisement (with its scan response) as the radio heard it.

    Attributes
    ----------
    service_uuids : frozenset of str
        128-bit form, lower case.
    rssi_dbm : int
    """

    address: str
    name: str
    rssi_dbm: int
    service_uuids: frozenset[str] = frozenset()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)


class Link(Protocol):
    """A connection to one device. Every call raises `DeviceError` when the link is gone."""

    @property
    def address(self) -> str:
        """The address connected to."""

    def has(self, characteristic: str) -> bool:
        """Whether the device offers a characteristic (UUID)."""

    async def read(self, characteristic: str) -> bytes:
        """Read a characteristic."""

    async def write(self, characteristic: str, data: bytes, *, response: bool) -> None:
        """Write a characteristic, in one piece."""

    def notifications(self, characteristic: str) -> AbstractAsyncContextManager[asyncio.Queue[bytes | None]]:
        """Subscribe for the length of the block; the queue yields each value, and None when the link is lost."""

    async def pair(self) -> None:
        """Pair and bond where there is no bond yet; nothing on platforms that do it by themselves when it is needed."""

    def payload(self, characteristic: str) -> int:
        """Bytes that a notification may carry now: the MTU less 3. It may grow just after the connection."""


class Stream(Protocol):
    """Where live samples go."""

    def add(self, values: Mapping[str, float], arrival_ms: int | None = None) -> None:
        """Take the sample that has just arrived (or arrived at `arrival_ms`)."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What records of a device's log say, in the order of their sequences.

    Attributes
    ----------
    boot : array of int64, shape (records,)
        The device's boot counter, 0 to 65535.
    tick_ms : array of int64, shape (records,)
        Milliseconds since that boot, at the first sample of each record.
    columns : mapping of str to array, shape (samples,)
        Columns of a kind, the samples of all records behind each other.
    sizes : array of int64, shape (records,), or None
        Samples in each record; None: one each.
    dt_ms : int or None
        Between the samples of a record; None: uneven, one sample a record.
    tick_doubt_ms : int
        How much later than its tick a sample may have been taken.
    """

    boot: NDArray[np.int64]
    tick_ms: NDArray[np.int64]
    columns: Mapping[str, Array]
    sizes: NDArray[np.int64] | None = None
    dt_ms: int | None = None
    tick_doubt_ms: int = 0


@dataclass(frozen=True, slots=True)
class Records:
    """Raw records of one layout whose sequences follow each other; they say nothing without their layout."""

    layout: int
    count: int
    data: bytes


Read = Callable[[Records], Readings]
"""Turns raw records that were checked before into readings."""


class Desk(Protocol):
    """What the collector does for a driver during one visit."""

    @property
    def clock(self) -> Clock:
        """The one clock."""

    @property
    def mode(self) -> Mode:
        """What the home's settings ask of oximeters that can both stream and store."""

    @property
    def live_ms(self) -> int:
        """How often a device that is asked for each reading is asked, ms."""

    def local_time(self) -> datetime:
        """The home's wall clock now, naive: what a device that knows no zone should show."""

    async def introduce(self, *, serial: str | None, model: str = "", firmware: str = "") -> str:
        """Say who the device is; returns its id. Without a serial number the id is bound to the address."""

    async def note_anchor(self, tick_ms: int, utc_ms: int, uncertainty_ms: int, *, epoch: int | None = None) -> int:
        """Note what the device's clock read at a time of ours; returns its epoch.

        Without `epoch` the desk finds it: the last one, or a new one if the clock was set since.
        """

    def stream(self, kind: Kind, dt_ms: int) -> AbstractAsyncContextManager[Stream]:
        """Open a live stream; leaving the block writes what is in hand."""

    async def accepts_stored(self) -> bool:
        """Whether a stored item may be pulled now (False when the outbox runs full: it is safe where it is)."""

    async def listed(self, names: Collection[str]) -> None:
        """Take note of all stored items that the device has now, where they are named by the device.

        What is no longer there is forgotten: a device whose clock was reset may give another recording the same name.
        """

    async def item(self, name: str, size: int = 0) -> Item:
        """Return what is known of a stored item, noting it if it is new."""

    async def keep_partial(self, name: str, received: bytes) -> None:
        """Keep what has arrived of a stored item."""

    async def deliver(
        self,
        name: str,
        kind: Kind,
        columns: Mapping[str, Array],
        *,
        tick0_ms: int,
        dt_ms: int | None = None,
        offsets_ms: NDArray[np.int64] | None = None,
    ) -> None:
        """Take a whole stored item: dated from the anchors, cut into batches, on disk when this returns.

        `tick0_ms` is the device's clock at the first sample; the others follow every `dt_ms`, or at `offsets_ms`.
        """

    def secret(self) -> bytes | None:
        """The enrolment secret of the device at this address; None: nobody has entered one."""

    async def note_boot(self, boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int) -> None:
        """Note what the clock of a device with a boot counter (16 bits) read at a time of ours."""

    async def position(self, log: int) -> int:
        """First sequence of a device's log that is not on our disk yet; 0 in a log never seen."""

    async def keep_records(self, log: int, records: Sequence[Records], end: int) -> None:
        """Keep raw records, all before sequence `end`: on disk when this returns, so the device may free them."""

    async def deliver_records(self, kind: Kind, read: Read, *, complete: bool) -> None:
        """Date all that is kept and hand it on as one stored session.

        `complete`: nothing of the log is missing behind it. What cannot be dated yet (a boot that no anchor knows and
        of which more may come) stays kept.
        """

    async def pass_on(self, kind: Kind, readings: Readings, log: int, end: int) -> None:
        """Hand on what has just been recorded, dated by the last anchor: on disk when this returns, up to `end`."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell who watches how far a long transfer is (bytes)."""

    def status(self, **values: float) -> None:
        """Report battery (%), voltage (V) or boot count, for kind `device`."""

    async def report(self) -> None:
        """Send what `status` was told now, not at the end of the visit: for links that are held for hours."""

    async def set_aside(self, data: bytes, reason: str) -> None:
        """Put away bytes that make no sense, with the reason in one line: counted, kept on disk, seen by people.

        The driver then goes on: bad input blocks nothing. Never fails; a refusing disk keeps the count alone.
        """


class After(Enum):
    """What the driver expects of the device after a visit."""

    WATCH = "watch"
    """It may have more at any time: visit it again as soon as it is heard."""

    RECORDING = "recording"
    """It is making a recording: come back now and then until that is pulled, for afterwards it falls asleep."""

    REST = "rest"
    """All is pulled: leave it alone for a while, so that it can sleep."""

    SELDOM = "seldom"
    """All is pulled, and each contact costs its cell dearly: come back a few times a day."""


class Capability(Enum):
    """What a family can give."""

    LIVE = "live"
    """It streams while it measures."""

    STORED = "stored"
    """It keeps recordings that are pulled later."""

    SPOT = "spot"
    """It makes single measurements, now and then."""


class Dating(Enum):
    """Where the times of a family's samples come from (DESIGN, The way of the data, 3)."""

    ARRIVAL = "arrival"
    """From when they came in: `Desk.stream`."""

    ANCHORS = "anchors"
    """From the device's clock, read at each contact: `Desk.note_anchor`, then `Desk.deliver`; or with a boot counter
    `Desk.note_boot`, then `Desk.deliver_records` and `Desk.pass_on`."""


class Acknowledgement(Enum):
    """When a device lets go of what was handed over."""

    NOTHING_KEPT = "nothing kept"
    """It keeps nothing: a live sample that nobody took is gone, and the gap is seen."""

    LEDGER = "ledger"
    """It keeps its last recordings whatever is said to it; the gateway's ledger knows which of them it has."""

    DELETE = "delete"
    """The driver tells it to delete, after `Desk.deliver`, `keep_records` or `pass_on` has returned and not before."""

    CONFIRMATION = "confirmation"
    """It lets go when the radio confirms (an ATT indication), before our disk has it. Protocol's fault: a gateway that
    loses power in that moment loses the measurement."""


class Driver(ABC):
    """A device family.

    Attributes
    ----------
    family : str
        The first part of its devices' ids: lower-case letters and digits.
    services : frozenset of str
        Service UUIDs (128-bit, lower case) any of which tells the family in an advertisement.
    kinds : frozenset of Kind
        Kinds of samples that it hands over.
    capabilities : frozenset of Capability
        What it can give. The settings' mode chooses among LIVE and STORED where a family has both.
    dating : frozenset of Dating
        Where its samples' times come from.
    acknowledgement : Acknowledgement
        When its devices let go of what they keep.
    enrolled : bool
        Whether its devices are visited only where an enrolment secret was entered for their address.

    Notes
    -----
    The contract, which `tests/integration/devices/conformance` holds every family to:

    1. `matches` takes its own devices' advertisements and no other family's. Where the service is one that many things
       use (a vendor's UART), the name decides too.
    2. `visit` calls `Desk.introduce` before anything else of the desk, with the same serial number at every visit; None
       where the device has none, never a placeholder that two devices could share.
    3. Every sample goes to the desk once. Live ones to a stream, when they arrive; stored ones by `deliver`, whole,
       under a name that is the same whenever the same recording is seen, after `item` said that it is not done yet.
    4. What the device shall delete is deleted after `deliver` has returned.
    5. Bytes that make no sense go to `Desk.set_aside`, and the visit goes on. Only an answer that a transfer cannot do
       without may end it, with a `DeviceError`.
    6. `visit` ends in one of three ways. It returns (`After` says what next); the loss of the link is the normal end of
       a live stream, and of nothing else. It raises a `DeviceError`: the collector disconnects and comes back with a
       back-off. It is cancelled: the gateway stops. In each, what was handed to the desk is kept, subscriptions are
       ended and the link is left as it was.
    7. A driver keeps no state between visits: the ledger has it. One object serves one visit.
    8. A wait for an answer has a limit; a wait for the next live sample has one too, for a link that stays up while its
       device has stopped sending gives nothing.
    """

    family: ClassVar[str]
    services: ClassVar[frozenset[str]]
    kinds: ClassVar[frozenset[Kind]]
    capabilities: ClassVar[frozenset[Capability]]
    dating: ClassVar[frozenset[Dating]]
    acknowledgement: ClassVar[Acknowledgement]
    enrolled: ClassVar[bool] = False

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """Whether an advertisement is of this family."""
        return bool(cls.services & sighting.service_uuids)

    @abstractmethod
    async def visit(self, link: Link, desk: Desk) -> After:
        """Do all there is to do on this connection."""

"""What the collector does for a driver during one visit: names, anchors, streams, the ledger, delivery."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.clock import Clock
from gateway.errors import OutboxError, TransferError
from gateway.home.collect.dating import continues, place_recording
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.collect.live import LiveStream
from gateway.home.collect.logbook import Logbook
from gateway.home.devices.driver import Mode, Read, Readings, Records
from gateway.home.outbox import Outbox
from gateway.home.outbox.ledger import Anchor, Item
from gateway.wire.columns import columns_of
from gateway.wire.messages import Array, Batch, ClockInfo, Kind, device_id

STORED_SAMPLES: Final = 240
"""Samples a stored batch: 4 to 16 minutes, over which a clock off by 100 ppm slips by 0.1 s at the most."""

SET_ASIDE_KEPT: Final = 16
"""Oddities of one visit that are written down whole; a device that sends nothing else would wear the disk out."""

GAP_MS: Final = 4 * 3_600_000
"""A live stream that goes on within this is of the same night, so the time between is a gap in it."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Known:
    """What the gateway knows of a device since its start; for the status and for people."""

    device: str
    family: str
    address: str
    model: str = ""
    firmware: str = ""
    last_contact_ms: int = 0
    last_pull_ms: int = 0
    values: dict[str, float] = field(default_factory=dict)
    duplicates: int = 0
    dropped: int = 0
    set_aside: int = 0
    drift_ppm: float | None = None
    clock_read: bool = False
    streamed_ms: int = 0
    gaps: int = 0
    gap_s: float = 0.0
    stream: LiveStream | None = None


class VisitDesk:
    """The desk of one visit; see `gateway.home.devices.driver.Desk`."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        *,
        family: str,
        address: str,
        mode: Mode,
        live_ms: int,
        zone: tzinfo,
        known: dict[str, Known],
        progress: Callable[[str, str, int, int], None],
        enrolment: EnrolmentSecrets | None = None,
    ) -> None:
        self._enrolment = enrolment
        self._logbook: Logbook | None = None
        self._outbox = outbox
        self._clock = clock
        self._family = family
        self._address = address
        self._mode: Mode = mode
        self._live_ms = live_ms
        self._zone = zone
        self._known = known
        self._progress = progress
        self._device: str | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._before_ms: int | None = None
        self._unseen_ms: dict[str, int | None] = {}
        self._set_aside = 0
        self.delivered = False

    @property
    def clock(self) -> Clock:
        """The one clock."""
        return self._clock

    @property
    def mode(self) -> Mode:
        """What the settings ask of oximeters that can both stream and store."""
        return self._mode

    @property
    def live_ms(self) -> int:
        """How often a device that is asked for each reading is asked."""
        return self._live_ms

    def local_time(self) -> datetime:
        """The home's wall clock now, naive: what a device that knows no zone should show."""
        return datetime.fromtimestamp(self._clock.utc_ms() / 1000, self._zone).replace(tzinfo=None)

    @property
    def device(self) -> str:
        """The device's id; `introduce` comes first."""
        if self._device is None:
            raise TransferError(f"{self._family} at {self._address} has not introduced itself")
        return self._device

    async def introduce(self, *, serial: str | None, model: str = "", firmware: str = "") -> str:
        """Name the device."""
        if serial:
            self._device = device_id(self._family, serial)
        else:
            fresh = f"{self._family}-{secrets.token_hex(5)}"
            self._device = await self._outbox.ledger.bound_id(self._family, self._address, fresh)
        known = self._known.setdefault(self._device, Known(self._device, self._family, self._address))
        known.address, known.model, known.firmware = self._address, model, firmware
        known.last_contact_ms = self._clock.utc_ms()
        return self._device

    async def note_anchor(self, tick_ms: int, utc_ms: int, uncertainty_ms: int, *, epoch: int | None = None) -> int:
        """Note a contact of the two clocks; returns the epoch of the device's."""
        ledger = self._outbox.ledger
        self._known[self.device].clock_read = True
        known = await ledger.anchors(self.device)
        if epoch is None:
            self._before_ms = max((anchor.utc_ms for anchor in known), default=None)
            epoch = known[-1].epoch if known else 0
            if not continues(known, Anchor(epoch, tick_ms, utc_ms, uncertainty_ms)):
                epoch += 1
        await ledger.add_anchor(self.device, Anchor(epoch, tick_ms, utc_ms, uncertainty_ms))
        return epoch

    @asynccontextmanager
    async def stream(self, kind: Kind, dt_ms: int) -> AsyncIterator[LiveStream]:
        """Open a live stream; one that goes on after a break counts as a gap."""
        known = self._known[self.device]
        broken_ms = self._clock.utc_ms() - known.streamed_ms
        if 0 < broken_ms < GAP_MS:
            known.gaps += 1
            known.gap_s += broken_ms / 1000
        stream = LiveStream(self._outbox, self._clock, device=self.device, kind=kind, dt_ms=dt_ms)
        known.stream = stream
        try:
            yield stream
        finally:
            known.stream = None
            await stream.close()
            known.streamed_ms = self._clock.utc_ms()
            known.duplicates += stream.duplicates
            known.dropped += stream.dropped

    async def accepts_stored(self) -> bool:
        """Whether a stored item may be pulled now."""
        return await self._outbox.accepts_stored()

    async def item(self, name: str, size: int = 0) -> Item:
        """Return what is known of a stored item."""
        await self._settle()
        item = await self._outbox.ledger.item(self.device, name, size)
        if item.new:
            # It was not there at the contact before this one.
            self._unseen_ms[name] = self._before_ms
        return item

    async def listed(self, names: Collection[str]) -> None:
        """Take note of all stored items that the device has now."""
        await self._settle()
        if names:  # a device that lists nothing may be busy
            await self._outbox.ledger.listed(self.device, names)

    async def keep_partial(self, name: str, received: bytes) -> None:
        """Keep what has arrived of a stored item: written while the transfer goes on, in the order of the calls.

        Raises
        ------
        OutboxError
            The disk has refused what was to be kept before.
        """
        await self._settle()
        self._keeping = asyncio.create_task(self._outbox.ledger.keep_partial(self.device, name, received))

    async def _settle(self) -> None:
        """Wait until what is to be kept is on disk."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            await keeping

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
        """Date a whole stored item, cut it into batches and commit them with its mark in the ledger.

        Raises
        ------
        TransferError
            The device's clock was never read, so nothing can be dated.
        OutboxError
            The disk refuses: the item is not marked, and is pulled again.
        """
        device = self.device
        await self._settle()
        ledger = self._outbox.ledger
        item, anchors = await asyncio.gather(ledger.item(device, name), ledger.anchors(device))
        if not anchors:
            raise TransferError(f"{device}: {name} cannot be dated: its clock was never read")
        size = next(iter(columns.values())).size
        if size == 0:
            await self._outbox.finish(device, name, [])
            return
        offsets = np.arange(size, dtype=np.int64) * (dt_ms or 0) if offsets_ms is None else offsets_ms
        epoch, date = place_recording(
            anchors,
            tick0_ms,
            tick0_ms + int(offsets[-1]),
            now_ms=self._clock.utc_ms(),
            unseen_ms=self._unseen_ms.get(name),
            room=item.room,
        )
        batches = []
        for seq, first in enumerate(range(0, size, STORED_SAMPLES)):
            part = slice(first, first + STORED_SAMPLES)
            tick = tick0_ms + int(offsets[first])
            dated = date(tick)
            batches.append(
                Batch(
                    device=device,
                    kind=kind,
                    origin="stored",
                    session=item.session,
                    seq=seq,
                    last=part.stop >= size,
                    t0_ms=dated.utc_ms,
                    dt_ms=dt_ms,
                    t_ms=None if offsets_ms is None else (offsets[part] - offsets[first]).astype(np.int32),
                    columns={key: column[part] for key, column in columns.items()},
                    clock=ClockInfo("anchors", dated.uncertainty_ms, boot=epoch, tick0=tick),
                )
            )
        await self._outbox.finish(device, name, batches)
        self._known[device].last_pull_ms = self._clock.utc_ms()
        self.delivered = True
        log.info("%s: %s is in the outbox, %d samples", device, name, size)

    def secret(self) -> bytes | None:
        """The enrolment secret of the device at this address."""
        return None if self._enrolment is None else self._enrolment.of(self._address)

    @property
    def logbook(self) -> Logbook:
        """The books of a device with a log of records."""
        if self._logbook is None:
            self._logbook = Logbook(self._outbox, self.device)
        return self._logbook

    async def note_boot(self, boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int) -> None:
        """Note a contact with the clock of a device that counts its boots."""
        known = self._known[self.device]
        known.clock_read = True
        known.drift_ppm = await self.logbook.note_boot(boot, tick_ms, utc_ms, uncertainty_ms)

    async def position(self, log: int) -> int:
        """First sequence of a device's log that is not on our disk yet."""
        return await self.logbook.position(log)

    async def keep_records(self, log: int, records: Sequence[Records], end: int) -> None:
        """Keep raw records, everything before sequence `end`."""
        await self.logbook.keep(log, records, end)

    async def deliver_records(self, kind: Kind, read: Read, *, complete: bool) -> None:
        """Date what is kept and hand it on as one stored session."""
        samples = await self.logbook.deliver(kind, read, complete=complete)
        if samples:
            self._known[self.device].last_pull_ms = self._clock.utc_ms()
            self.delivered = True
            log.info("%s: %d samples of its memory are in the outbox", self.device, samples)

    async def pass_on(self, kind: Kind, readings: Readings, log: int, end: int) -> None:
        """Hand on what has just been recorded."""
        await self.logbook.pass_on(kind, readings, log, end)

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell who watches."""
        self._progress(self.device, what, done, total)

    def status(self, **values: float) -> None:
        """Keep what the device says of itself for the batch of kind `device` at the end of the visit."""
        known = self._known[self.device]
        known.values = {**known.values, **values}

    async def set_aside(self, data: bytes, reason: str) -> None:
        """Put away bytes that make no sense: all are counted, the first of a visit are kept on disk."""
        # A device may talk nonsense before it has said who it is.
        device = self._device or self._family
        if self._device is not None:
            self._known[self._device].set_aside += 1
        self._set_aside += 1
        if self._set_aside > SET_ASIDE_KEPT:
            return
        log.warning("%s: set aside %s: %s", device, data[:20].hex() or "nothing", reason)
        try:
            await self._outbox.set_aside.keep(device, data, reason)
        except OutboxError as error:
            log.warning("%s", error)

    async def report(self, rssi_dbm: int | None = None) -> None:
        """Put one sample of kind `device` into the outbox: what the visit learned of the device itself.

        Where the outbox refuses it is left out: the next visit tells the same, and this one went as it went.
        """
        try:
            await self._settle()
        except OutboxError as error:
            log.warning("%s", error)
        if self._device is None:
            return
        values = dict(self._known[self._device].values)
        if rssi_dbm is not None:
            values["rssi"] = float(max(-128, min(127, rssi_dbm)))
        if not values:
            return
        batch = Batch(
            device=self._device,
            kind="device",
            origin="live",
            session=secrets.token_hex(8),
            seq=0,
            t0_ms=self._clock.utc_ms(),
            dt_ms=1,
            columns=columns_of("device", [values]),
            clock=ClockInfo("arrival", 50),
        )
        try:
            await self._outbox.put([batch])
        except OutboxError as error:
            log.warning("%s", error)

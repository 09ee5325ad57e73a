"""OxyII rings (O2Ring-S) on a link: pull what they stored, then stream while they are worn.

The order of requests is the one found to work on hardware (source in `protocol`): authenticate, set up, set the time,
read the configuration, end any reading, list, read each file; live readings last, for a ring that was asked for one
hands out no file until the link is closed. So a night that ends while the ring is streamed is pulled by the next visit.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from gateway.errors import DeviceError, ProtocolError, TransferError
from gateway.home.devices import identity
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link, Sighting
from gateway.home.devices.notified import Frames
from gateway.home.devices.oximetry import row_of
from gateway.home.devices.oxyii import protocol
from gateway.home.devices.oxyii.protocol import Frame, FrameAssembler, Op
from gateway.home.devices.oxyii.pull import FilePull
from gateway.home.devices.reading import OximeterReading
from gateway.wire.files.oxyii import TRAILER_BYTES, OxyiiFile, parse_oxyii
from gateway.wire.messages import Array, Kind

ANSWER_S: Final = 5.0
"""A ring answers within some 100 ms; five seconds outlast a bad spell of the radio."""

TRIES: Final = 3
"""Requests that get no answer are asked again."""

OFF_FINGER_S: Final = 60.0
"""Off for this long, and the night (or this part of it) is over; less is a hand that was washed."""

KEEP_EVERY_S: Final = 2.0
"""Between two commits of a partial file: the transfer that a cut supply costs. A link that breaks costs none."""

STAMPED_MS: Final = 1000
"""The ring tells whole seconds, and stamps its recordings in them."""

SET_OFF: Final = timedelta(milliseconds=750)
"""A clock that reads so far off was off before it was set. Less is the half second by which a reading is uncertain, and
the journey."""

SET_MS: Final = 1250
"""How far setting a clock that was not found off may have moved it: `SET_OFF` and that half second."""

NAME: Final = "s8-aw"
COMPANY: Final = 0xF34E
"""An O2Ring-S that is ready to be read is called so, with this company number, also where it lists no service."""

log = logging.getLogger(__name__)


class OxyiiDriver(Driver):
    """O2Ring-S."""

    family = "oxyii"
    services = frozenset({protocol.SERVICE})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE, Capability.STORED})
    dating = frozenset({Dating.ARRIVAL, Dating.ANCHORS})
    acknowledgement = Acknowledgement.LEDGER

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """The service, or the name with the maker's number. While it records it shows neither, and is left alone."""
        named = sighting.name.lower().startswith(NAME) and COMPANY in sighting.manufacturer_data
        return super().matches(sighting) or named

    async def visit(self, link: Link, desk: Desk) -> After:
        """Read who it is, pull what is new, stream while it is worn if asked to."""
        async with link.notifications(protocol.NOTIFY) as queue:
            ring = _Ring(link, desk, Frames(link, desk, queue, FrameAssembler()))
            await self._open(ring, desk)
            waiting = False
            if desk.mode != "live":
                waiting = await self._pull_new(ring, desk)
            reading = await ring.live()
            if desk.mode == "stored":
                return After.RECORDING if reading.worn or waiting else After.REST
            if await self._stream(ring, desk, reading) or waiting:
                return After.RECORDING
        return After.REST

    async def _open(self, ring: _Ring, desk: Desk) -> None:
        """Authenticate, say who it is, note what its clock reads, set it."""
        await ring.tell(Op.AUTHENTICATE, protocol.authentication(desk.clock.utc_ms() // 1000))
        await ring.ask(Op.SETUP, b"\0")
        answer = await ring.ask(Op.INFO)
        try:
            info = protocol.decode_info(answer.data)
        except ProtocolError as error:
            raise TransferError(f"{ring.address}: {error}") from None
        await desk.introduce(serial=identity.serial_of(info.serial), model="O2Ring-S", firmware=info.firmware)
        epoch, off = None, SET_OFF
        middle_ms, doubt_ms = ring.contact()
        if info.clock is not None:
            epoch = await desk.note_anchor(_tick(info.clock) + 500, middle_ms, doubt_ms)
            off = abs(info.clock + timedelta(milliseconds=500) - desk.local_time())
        # Every visit sets the time, as the maker's own program does: as a second begins, for the ring takes whole ones.
        # A clock that was right stays so, and counts on as the one that it was.
        await desk.clock.sleep(1.0 - desk.local_time().microsecond / 1e6)
        local = (desk.local_time() + timedelta(milliseconds=100)).replace(microsecond=0)
        await ring.ask(Op.SET_TIME, protocol.set_time(local))
        if off >= SET_OFF:
            middle_ms, doubt_ms = ring.contact()
            await desk.note_anchor(_tick(local), middle_ms, doubt_ms, epoch=None if epoch is None else epoch + 1)
        await ring.ask(Op.CONFIG)

    async def _pull_new(self, ring: _Ring, desk: Desk) -> bool:
        """Pull what is not in the outbox yet, oldest first; True if some of it is not ready yet.

        A file that cannot be pulled keeps none behind it from being pulled.
        """
        # A ring that has recorded by itself keeps a reading open, and lists nothing until it is ended.
        await ring.ask(Op.FILE_END)
        answer = await ring.ask(Op.FILE_LIST)
        try:
            names = protocol.decode_file_list(answer.data)
        except ProtocolError as error:
            raise TransferError(f"{ring.address}: {error}") from None
        await desk.listed(names)
        waiting = False
        failure: TransferError | None = None
        for name in sorted(names):
            if (await desk.item(name)).done:
                continue
            if not await desk.accepts_stored():
                log.warning("the outbox is nearly full: %s stays on the ring", name)
                return False
            try:
                waiting |= not await self._pull(ring, desk, name, newest=name == max(names))
            except TransferError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return waiting

    async def _pull(self, ring: _Ring, desk: Desk, name: str, *, newest: bool) -> bool:
        """Pull one file; False if its end is not written yet.

        One that has no end though the ring has begun another will never have one (its battery ran out): it is taken as
        far as it goes.
        """
        pull = FilePull(name, (await desk.item(name)).received, first_seq=ring.next_seq)
        kept_s = desk.clock.monotonic_s()
        try:
            while (request := pull.next_request()) is not None:
                pull.feed(await ring.send(request))
                desk.progress(name, pull.received, pull.size or 0)
                now_s = desk.clock.monotonic_s()
                if now_s - kept_s >= KEEP_EVERY_S:
                    kept_s = now_s
                    await desk.keep_partial(name, pull.data)
        finally:
            if not pull.closed:
                await desk.keep_partial(name, pull.data)
        if not pull.complete and newest:
            # Where its end will be written there is something else as yet.
            await desk.keep_partial(name, pull.data[:-TRAILER_BYTES])
            log.info("%s: the ring has not finished this recording", name)
            return False
        try:
            file = parse_oxyii(pull.data)
        except ProtocolError as error:
            await desk.keep_partial(name, b"")
            await desk.set_aside(pull.data, f"{name}: {error}")
            return True
        if not file.complete:
            log.warning("%s: the ring never finished this recording: taken as far as it goes", name)
        elif not file.checksum_ok:
            await desk.keep_partial(name, b"")
            raise TransferError(f"{name}: the sum over the file is wrong: it is read anew")
        await desk.deliver(
            name,
            "oximetry",
            columns_of_file(file),
            tick0_ms=_tick(file.start or datetime.strptime(name, "%Y%m%d%H%M%S")),  # noqa: DTZ007 - no zone
            dt_ms=round(file.interval_s * 1000),
        )
        return True

    async def _stream(self, ring: _Ring, desk: Desk, reading: OximeterReading) -> bool:
        """Ask for readings while the ring is worn; True if it was."""
        if not reading.worn:
            return False
        clock = desk.clock
        worn_s = clock.monotonic_s()
        async with desk.stream("oximetry", desk.live_ms) as stream:
            due_s = clock.monotonic_s()
            while clock.monotonic_s() - worn_s < OFF_FINGER_S:
                stream.add(row_of(reading))
                if reading.worn:
                    worn_s = clock.monotonic_s()
                due_s = max(due_s + desk.live_ms / 1000, clock.monotonic_s())
                await clock.sleep(due_s - clock.monotonic_s())
                reading = await ring.live()
        return True


class _Ring:
    """Requests and their answers, one at a time, each with a number of its own."""

    def __init__(self, link: Link, desk: Desk, frames: Frames[Frame]) -> None:
        self._link = link
        self._desk = desk
        self._frames = frames
        self._asked_ms = 0
        self._answered_ms = 0
        self.next_seq = 0

    @property
    def address(self) -> str:
        """Of the ring."""
        return self._link.address

    def contact(self) -> tuple[int, int]:
        """Return the middle of the last exchange (UTC ms) and the doubt about a whole second told in it (ms)."""
        journey_ms = self._answered_ms - self._asked_ms
        return self._asked_ms + journey_ms // 2, STAMPED_MS + SET_MS + (journey_ms + 1) // 2

    async def tell(self, op: Op, payload: bytes = b"") -> None:
        """Send a request that is not answered."""
        request = protocol.encode_frame(Frame(op, payload, self.next_seq))
        self.next_seq = (self.next_seq + 1) & 0xFF
        await self._link.write(protocol.WRITE, request, response=False)

    async def ask(self, op: Op, payload: bytes = b"") -> Frame:
        """Send a request; returns its answer.

        Raises
        ------
        DeviceError
            The link is gone, or the ring does not answer.
        """
        return await self.send(protocol.encode_frame(Frame(op, payload, self.next_seq)))

    async def send(self, request: bytes) -> Frame:
        """Send a request as it is, again where no answer comes; returns the answer that repeats its number."""
        asked = protocol.decode_frame(request)
        self.next_seq = (asked.seq + 1) & 0xFF
        for _ in range(TRIES):
            self._asked_ms = self._desk.clock.utc_ms()
            await self._link.write(protocol.WRITE, request, response=False)
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await self._frames.next()
                    while not (answer.answer and (answer.op, answer.seq) == (asked.op, asked.seq)):
                        answer = await self._frames.next()
            except TimeoutError:
                self._frames.drop_late()
                continue
            self._answered_ms = self._desk.clock.utc_ms()
            return answer
        small = asked.op == Op.FILE_START and self._link.payload(protocol.NOTIFY) < protocol.MTU - 3
        why = f": it wants an MTU of {protocol.MTU} for files" if small else ""
        raise DeviceError(f"{self.address}: the ring does not answer{why}")

    async def live(self) -> OximeterReading:
        """One reading; the ring hands out no files on this link any more."""
        for _ in range(TRIES):
            answer = await self.ask(Op.LIVE)
            try:
                reading = protocol.decode_live(answer.data).reading
            except ProtocolError as error:
                await self._desk.set_aside(answer.data, str(error))
                continue
            if reading.battery_pct is not None:
                self._desk.status(battery=reading.battery_pct)
            return reading
        raise DeviceError(f"{self.address}: the ring's readings make no sense")


def columns_of_file(file: OxyiiFile) -> dict[str, Array]:
    """Columns of kind oximetry: what the file marks as missing is NaN, everything else stays as it is."""
    spo2, pulse = file.spo2.astype("<f4"), file.pulse.astype("<f4")
    spo2[file.spo2_invalid | (file.spo2 == 0) | (file.spo2 > 100)] = np.nan
    pulse[file.pulse_invalid | (file.pulse == 0)] = np.nan
    return {"spo2": spo2, "pulse": pulse, "motion": file.motion.copy(), "flags": np.zeros(file.spo2.size, "<u2")}


def _tick(local: datetime) -> int:
    """The ring's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)

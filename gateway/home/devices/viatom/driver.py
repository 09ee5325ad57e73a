"""Viatom / Wellue Oxy rings on a link: pull what they stored, stream while they are worn, then let them sleep."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from gateway.errors import DeviceError, ProtocolError, TransferError
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link
from gateway.home.devices.oximetry import row_of
from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.viatom import protocol
from gateway.home.devices.viatom.protocol import DeviceInfo, FrameAssembler, Response
from gateway.home.devices.viatom.pull import FilePull
from gateway.wire.files.viatom import MISSING_PULSE, ViatomFile, parse_vld
from gateway.wire.messages import Array, Kind

ANSWER_S: Final = 5.0
"""A ring answers within some 50 ms; five seconds outlast a bad spell of the radio."""

TRIES: Final = 3
"""Requests that get no answer are asked again: rings drop one now and then while they write to their memory."""

OFF_FINGER_S: Final = 60.0
"""Off for this long, and the night (or this part of it) is over; less is a hand that was washed."""

FILE_WAIT_S: Final = 300.0
"""A ring closes its recording some minutes after it came off; its list of files is asked for until then."""

FILE_POLL_S: Final = 20.0

CLOCK_OFF: Final = timedelta(seconds=60)
"""A ring further off the home's wall clock is set, after what it holds has been pulled and dated."""

KEEP_EVERY_S: Final = 2.0
"""Between two commits of a partial file: the transfer that a cut supply costs. A link that breaks costs none."""

log = logging.getLogger(__name__)


class ViatomDriver(Driver):
    """O2Ring, CheckO2, SleepO2, O2 Max."""

    family = "o2ring"
    services = frozenset({protocol.SERVICE})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE, Capability.STORED})
    dating = frozenset({Dating.ARRIVAL, Dating.ANCHORS})
    acknowledgement = Acknowledgement.LEDGER

    async def visit(self, link: Link, desk: Desk) -> After:
        """Read who it is, pull what is new, stream while it is worn if asked to, pull again."""
        async with link.notifications(protocol.NOTIFY) as queue:
            ring = _Ring(link, desk, queue)
            info = await self._introduce(ring, desk)
            await self._pull_new(ring, desk, info)
            if desk.mode == "stored":
                return After.RECORDING if (await ring.sensors()).worn else After.REST
            if await self._stream(ring, desk) and not await self._await_recording(ring, desk, info):
                return After.RECORDING  # put on again meanwhile, perhaps: a rest would miss the end
        return After.REST

    async def _introduce(self, ring: _Ring, desk: Desk) -> DeviceInfo:
        info = await ring.info()
        await desk.introduce(serial=info.serial or None, model=info.model, firmware=info.software)
        if info.battery_pct is not None:
            desk.status(battery=info.battery_pct)
        if info.clock is not None:
            # The ring tells whole seconds: the moment is somewhere within the one that it names, and so is the start of
            # a recording within the one that it is stamped with.
            middle = (ring.asked_ms + ring.answered_ms) // 2
            doubt = 1000 + (ring.answered_ms - ring.asked_ms + 1) // 2
            epoch = await desk.note_anchor(tick_of(info.clock) + 500, middle, doubt)
            if abs(info.clock - desk.local_time()) > CLOCK_OFF and not await self._missing(desk, info):
                await self._set_clock(ring, desk, epoch)
        return info

    async def _set_clock(self, ring: _Ring, desk: Desk, epoch: int) -> None:
        local = desk.local_time().replace(microsecond=0)
        await ring.ask(protocol.request_set_time(local))
        middle = (ring.asked_ms + ring.answered_ms) // 2
        await desk.note_anchor(tick_of(local) + 500, middle, 1_000, epoch=epoch + 1)
        log.info("the ring's clock is set")

    async def _missing(self, desk: Desk, info: DeviceInfo) -> dict[str, bytes]:
        """Names of the files that are not in the outbox yet, with what an earlier pull has received of each."""
        # Asked for together: the books answer on a thread of their own, once for all.
        items = await asyncio.gather(*(desk.item(name) for name in info.files))
        return {name: item.received for name, item in zip(info.files, items, strict=True) if not item.done}

    async def _pull_new(self, ring: _Ring, desk: Desk, info: DeviceInfo) -> bool:
        """Pull what is not in the outbox yet, oldest first; True if there was anything.

        A file that cannot be pulled keeps none behind it from being pulled.
        """
        await desk.listed(info.files)
        missing = await self._missing(desk, info)
        failure: TransferError | None = None
        for name, received in missing.items():
            if not await desk.accepts_stored():
                log.warning("the outbox is nearly full: %s stays on the ring", name)
                return False
            try:
                await self._pull(ring, desk, name, received)
            except TransferError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return bool(missing)

    async def _pull(self, ring: _Ring, desk: Desk, name: str, received: bytes) -> None:
        pull = FilePull(name, received)
        kept_s = desk.clock.monotonic_s()
        try:
            while (request := pull.next_request()) is not None:
                size_was = pull.size
                await ring.ask(request, accept=functools.partial(_moves, pull))
                if pull.size is not None and pull.size != size_was:
                    await desk.item(name, pull.size)
                desk.progress(name, pull.received, pull.size or 0)
                now_s = desk.clock.monotonic_s()
                if now_s - kept_s >= KEEP_EVERY_S and not pull.complete:
                    kept_s = now_s
                    await desk.keep_partial(name, bytes(pull.data))
        except (DeviceError, asyncio.CancelledError):
            if not pull.complete:
                await desk.keep_partial(name, bytes(pull.data))
            raise
        await self._deliver(desk, name, bytes(pull.data))

    async def _deliver(self, desk: Desk, name: str, data: bytes) -> None:
        try:
            file = parse_vld(data)
        except ProtocolError as error:
            # No error of the visit: trying again at once would only keep the ring awake. The next visit reads it anew.
            await desk.keep_partial(name, b"")
            await desk.set_aside(data, f"{name}: {error}")
            return
        if not file.complete:
            await desk.keep_partial(name, b"")
            raise TransferError(f"{name}: the ring has not finished this recording")
        start = file.start or protocol.file_start(name)
        interval_ms = round(file.interval_s * 1000)
        await desk.deliver(name, "oximetry", columns_of_file(file), tick0_ms=tick_of(start), dt_ms=interval_ms)

    async def _stream(self, ring: _Ring, desk: Desk) -> bool:
        """Ask for readings while the ring is worn; True if it was."""
        clock = desk.clock
        reading = await ring.sensors()
        if not reading.worn:
            return False
        worn_s = clock.monotonic_s()
        async with desk.stream("oximetry", desk.live_ms) as stream:
            due_s = clock.monotonic_s()
            while clock.monotonic_s() - worn_s < OFF_FINGER_S:
                stream.add(row_of(reading))
                if reading.worn:
                    worn_s = clock.monotonic_s()
                if reading.battery_pct is not None:
                    desk.status(battery=reading.battery_pct)
                due_s += desk.live_ms / 1000
                wait_s = due_s - clock.monotonic_s()
                if wait_s > 0:
                    await clock.sleep(wait_s)
                else:
                    due_s = clock.monotonic_s()
                reading = await ring.sensors()
        return True

    async def _await_recording(self, ring: _Ring, desk: Desk, before: DeviceInfo) -> bool:
        """Ask for the list of files until the night's recording is closed, and pull it; False if it is not in time."""
        deadline_s = desk.clock.monotonic_s() + FILE_WAIT_S
        while desk.clock.monotonic_s() < deadline_s:
            info = await self._introduce(ring, desk)
            if set(info.files) - set(before.files) and await self._pull_new(ring, desk, info):
                return True
            await desk.clock.sleep(FILE_POLL_S)
        return False


class _Ring:
    """Requests and their answers, one at a time."""

    def __init__(self, link: Link, desk: Desk, queue: asyncio.Queue[bytes | None]) -> None:
        self._link = link
        self._desk = desk
        self._clock = desk.clock
        self._queue = queue
        self._frames = FrameAssembler()
        self.asked_ms = 0
        self.answered_ms = 0

    async def ask(self, request: bytes, accept: Callable[[Response], bool] = lambda _: True) -> Response:
        """Send a request until an answer comes that `accept` takes.

        Raises
        ------
        DeviceError
            The link is gone, or the ring does not answer.
        """
        for _ in range(TRIES):
            await self._drop_late()
            self.asked_ms = self._clock.utc_ms()
            for start in range(0, len(request), protocol.WRITE_CHUNK):
                await self._link.write(protocol.WRITE, request[start : start + protocol.WRITE_CHUNK], response=False)
            try:
                async with asyncio.timeout(ANSWER_S):
                    while True:
                        for answer in await self._next():
                            self.answered_ms = self._clock.utc_ms()
                            if accept(answer):
                                return answer
            except TimeoutError:
                continue
        raise DeviceError(f"{self._link.address}: the ring does not answer")

    async def _drop_late(self) -> None:
        """Forget answers to what was asked before, and halves of them: they would be taken for this one's."""
        while not self._queue.empty():
            await self._next()
        self._frames.reset()

    async def _next(self) -> list[Response]:
        data = await self._queue.get()
        if data is None:
            raise DeviceError(f"{self._link.address}: the link is gone")
        before = self._frames.discarded
        answers = list(self._frames.feed(data))
        if stray := self._frames.discarded - before:
            await self._desk.set_aside(data, f"{stray} bytes up to here belong to no frame")
        return answers

    async def info(self) -> DeviceInfo:
        """Who the ring is, what it holds and what its clock says."""
        answer = await self.ask(protocol.request_info(), accept=lambda answer: answer.data.lstrip()[:1] == b"{")
        return protocol.decode_info(answer.data)

    async def sensors(self) -> OximeterReading:
        """One reading."""
        answer = await self.ask(
            protocol.request_sensors(), accept=lambda answer: len(answer.data) == protocol.SENSORS_SIZE
        )
        return protocol.decode_sensors(answer.data)


def _moves(pull: FilePull, answer: Response) -> bool:
    """Feed an answer; False if it was a repeat, so that the one asked for is still to come."""
    repeats = pull.duplicates
    pull.feed(answer)
    return pull.duplicates == repeats


def tick_of(local: datetime) -> int:
    """The ring's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)


def columns_of_file(file: ViatomFile) -> dict[str, Array]:
    """Columns of kind oximetry: what the file marks as missing is NaN, everything else stays as it is."""
    spo2 = file.spo2.astype("<f4")
    spo2[(file.spo2 == 0) | (file.spo2 > 100)] = np.nan
    pulse = file.pulse.astype("<f4")
    pulse[(file.pulse == 0) | (file.pulse == 0xFF) | (file.pulse == MISSING_PULSE)] = np.nan
    return {"spo2": spo2, "pulse": pulse, "motion": file.motion.copy(), "flags": np.zeros(file.spo2.size, "<u2")}

"""Nonin 3230 (finger) and 3150 (wrist, with a memory) on a link.

A 3150's memory can only be played back whole and only be wiped whole. So it is played when no finger is in the sensor,
every session in it goes to the outbox, and it is wiped only when each of them is there, none is still being recorded
and nothing was measured meanwhile.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.errors import DeviceError, ProtocolError, TransferError
from gateway.home.devices import identity, live
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link
from gateway.home.devices.live import Arrived
from gateway.home.devices.nonin import memory, protocol
from gateway.home.devices.notified import LinkLostError, Messages, SilentError
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import Kind

INTERVAL_MS: Final = 1000
"""A measurement comes once a second, with a counter."""

ANSWER_S: Final = 5.0
QUIET_S: Final = 10.0
"""A playback that pauses for so long has broken off."""

OFF_FINGER_S: Final = 180.0
"""No value for so long: the oximeter itself takes the finger for gone after three minutes."""

IN_PROGRESS: Final = timedelta(minutes=3)
"""A session that ended less than this before it was played may go on."""

CLOCK_OFF: Final = timedelta(seconds=60)
"""A clock further off the home's is set, after the memory has been pulled and dated."""

STAMPED_MS: Final = 1000
"""The clock tells whole seconds, and sessions are stamped in them."""

log = logging.getLogger(__name__)


class NoninDriver(Driver):
    """3230, 3150."""

    family = "nonin"
    services = frozenset({protocol.SERVICE})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE, Capability.STORED})
    dating = frozenset({Dating.ARRIVAL, Dating.ANCHORS})
    acknowledgement = Acknowledgement.DELETE

    async def visit(self, link: Link, desk: Desk) -> After:
        """Pull the memory where there is one and no finger, stream while there is."""
        # Both ask for a bond before they say anything.
        await link.pair()
        await identity.introduce(link, desk)
        has_memory = link.has(protocol.MEMORY)
        async with AsyncExitStack() as stack:
            measured = await stack.enter_async_context(link.notifications(protocol.MEASUREMENT))
            stream = _Stream(desk, Messages(link, desk, measured, protocol.decode_measurement))
            if not has_memory:
                await stream.pass_on(())
                return After.WATCH
            answers = await stack.enter_async_context(link.notifications(protocol.CONTROL))
            recorder = _Recorder(link, desk, stream, Messages(link, desk, answers, protocol.decode_answer))
            first = await stream.next_reading()
            arrived_ms = desk.clock.utc_ms()
            after = After.REST
            if not _has_values(first) and desk.mode != "live":
                after = await recorder.pull()
                first = await stream.next_reading()
                arrived_ms = desk.clock.utc_ms()
            if desk.mode == "stored":
                return After.RECORDING if _has_values(first) else after
            if not await stream.pass_on(((arrived_ms, first),)):
                return After.WATCH
            # It may be put on again soon.
            return await recorder.pull() if desk.mode == "both" else After.RECORDING


def _has_values(reading: OximeterReading) -> bool:
    return reading.spo2_pct is not None or reading.pulse_bpm is not None


class _Stream:
    """Measurements, each once: the oximeter counts them."""

    def __init__(self, desk: Desk, messages: Messages[OximeterReading]) -> None:
        self._desk = desk
        self._messages = messages
        self._counter: int | None = None

    async def next_reading(self) -> OximeterReading:
        """Wait for the next one; the same one again is left out."""
        while (reading := await self._messages.next()).counter == self._counter:
            pass
        self._counter = reading.counter
        if reading.battery_v is not None:
            self._desk.status(voltage=reading.battery_v)
        return reading

    async def pass_on(self, held: tuple[Arrived, ...]) -> bool:
        """Stream until the link is lost (False) or no value has come for a while (True)."""
        return await live.pass_on(
            self.next_reading, self._desk, dt_ms=INTERVAL_MS, held=held, off_finger_s=OFF_FINGER_S
        )

    async def values_since(self) -> bool:
        """Whether any measurement that has come by now had a value; they are used up."""
        seen = False
        while self._messages.waiting:
            seen |= _has_values(await self.next_reading())
        return seen


class _Recorder:
    """The memory of a 3150 and its clock."""

    def __init__(self, link: Link, desk: Desk, stream: _Stream, answers: Messages[protocol.Answer]) -> None:
        self._link = link
        self._desk = desk
        self._stream = stream
        self._answers = answers

    async def pull(self) -> After:
        """Play the memory back, hand every session over, and wipe it when that is safe.

        Returns
        -------
        After
            `RECORDING` where something of it is still to come.

        Raises
        ------
        DeviceError
            The playback broke off, after what had arrived whole was handed over.
        """
        if not await self._desk.accepts_stored():
            log.warning("the outbox is nearly full: the memory stays on the oximeter")
            return After.REST
        local, epoch = await self._read_clock()
        playback = memory.MemoryPlayback()
        failure: DeviceError | None = None
        async with self._link.notifications(protocol.MEMORY) as pieces:
            messages = Messages(self._link, self._desk, pieces, bytes)
            await self._stream.values_since()
            await self._link.write(protocol.CONTROL, protocol.PLAYBACK, response=True)
            try:
                while not playback.ended:
                    playback.feed(await messages.next(within_s=QUIET_S))
                    # How much there is it does not say.
                    self._desk.progress("memory", playback.received, 0)
            except ProtocolError as error:
                failure = TransferError(f"{self._link.address}: {error}")
            except (LinkLostError, SilentError) as error:
                failure = error
        if playback.discarded:
            await self._desk.set_aside(b"", f"a playback had {playback.discarded} bytes that belong to no sample")
        all_safe = True
        for session in playback.sessions():
            all_safe &= await self._deliver(session)
        if failure is not None:
            raise failure
        if await self._stream.values_since() or not all_safe:
            return After.RECORDING
        if playback.sessions():
            await self._ask(protocol.CLEAR_MEMORY)
        if abs(local - self._desk.local_time()) > CLOCK_OFF:
            await self._set_clock(epoch)
        return After.REST

    async def _deliver(self, session: memory.Session) -> bool:
        """Hand a session over; True if it is on disk, so that the oximeter may forget it."""
        if timedelta(0) <= session.played - session.stop < IN_PROGRESS:
            return False
        content = session.pulse_bpm.tobytes() + session.spo2_pct.tobytes()
        # The clock may show the same start twice: after a pulled battery, or in the night that summer time ends.
        name = f"{session.start:%Y%m%dT%H%M%S}-{hashlib.sha256(content).hexdigest()[:12]}"
        if not session.complete:
            reason = f"session {name}: {session.spo2_pct.size} of {session.expected} samples came"
            await self._desk.set_aside(content, reason)
            return False
        if not (await self._desk.item(name)).done:
            await self._desk.deliver(
                name,
                "oximetry",
                {"spo2": session.spo2_pct.astype("<f4"), "pulse": session.pulse_bpm.astype("<f4")},
                tick0_ms=_tick(session.start),
                dt_ms=session.interval_s * 1000,
            )
        return True

    async def _read_clock(self) -> tuple[datetime, int]:
        """What its clock shows now, and the epoch of that clock; noted as an anchor."""
        clock = self._desk.clock
        asked_ms = clock.utc_ms()
        payload = await self._ask(protocol.GET_CLOCK)
        answered_ms = clock.utc_ms()
        try:
            local = protocol.decode_clock(payload)
        except ProtocolError as error:
            raise TransferError(f"{self._link.address}: {error}") from None
        doubt_ms = STAMPED_MS + (answered_ms - asked_ms + 1) // 2
        epoch = await self._desk.note_anchor(_tick(local) + 500, (asked_ms + answered_ms) // 2, doubt_ms)
        return local, epoch

    async def _set_clock(self, epoch: int) -> None:
        local = self._desk.local_time().replace(microsecond=0)
        await self._ask(protocol.set_clock(local))
        await self._desk.note_anchor(_tick(local) + 500, self._desk.clock.utc_ms(), 2 * STAMPED_MS, epoch=epoch + 1)
        log.info("the oximeter's clock is set")

    async def _ask(self, command: bytes) -> bytes:
        """Send a command of the control point; returns what it is answered.

        Raises
        ------
        DeviceError
            No answer, a refusal, or the link is gone.
        """
        self._answers.drop_late()
        await self._link.write(protocol.CONTROL, command, response=True)
        answer = await self._answers.next(within_s=ANSWER_S)
        if answer.result != 0:
            raise TransferError(f"{self._link.address}: the oximeter refused a command ({answer.result})")
        return answer.payload


def _tick(local: datetime) -> int:
    """The oximeter's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)

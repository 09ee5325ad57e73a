"""Contec CMS50D-BT and EMAY SleepO2 on a link: started, kept alive, streamed, stopped."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from gateway.errors import DeviceError
from gateway.home.devices import identity, live
from gateway.home.devices.contec import protocol
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link, Sighting
from gateway.home.devices.notified import SILENT_S, Frames, SilentError
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import Kind

WRITE, NOTIFY, SERVICE_EMAY = (
    identity.SIG_BASE.format(number) for number in (protocol.WRITE, protocol.NOTIFY, protocol.SERVICE_EMAY)
)

NAMES: Final = ("spo208", "cms50d", "emay", "sleepo2")
"""Contec's maker number for the CMS50D-BT in its advertised name, and how the models are sold."""

EARLY_S: Final = 1.0
"""A keep-alive goes out so much before its time: readings come every second, and it goes between two of them."""


class ContecDriver(Driver):
    """CMS50D-BT, EMAY SleepO2 (EMO-80)."""

    family = "contec"
    services = frozenset({SERVICE_EMAY})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE})
    dating = frozenset({Dating.ARRIVAL})
    acknowledgement = Acknowledgement.NOTHING_KEPT

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """The name decides: FF12 is nobody's own number, and what a CMS50D-BT lists is not known."""
        return sighting.name.lower().startswith(NAMES)

    async def visit(self, link: Link, desk: Desk) -> After:
        """Start it, stream until the link ends; stop it where the visit ends first."""
        await identity.introduce(link, desk)
        async with link.notifications(NOTIFY) as queue:
            stream = _Stream(link, desk, Frames(link, desk, queue, protocol.MessageAssembler()))
            await link.write(WRITE, protocol.BATTERY, response=False)
            await link.write(WRITE, protocol.START, response=False)
            try:
                await live.pass_on(stream.next_reading, desk)
            finally:
                await _tell(link, protocol.STOP)
        return After.WATCH


class _Stream:
    """Readings, with a keep-alive between them when it is due."""

    def __init__(self, link: Link, desk: Desk, frames: Frames[protocol.Message]) -> None:
        self._link = link
        self._desk = desk
        self._frames = frames
        self._told_s = desk.clock.monotonic_s()

    async def next_reading(self) -> OximeterReading:
        """Wait for the next one."""
        heard_s = self._desk.clock.monotonic_s()
        while True:
            now_s = self._desk.clock.monotonic_s()
            if now_s - self._told_s >= protocol.KEEP_ALIVE_S - EARLY_S:
                self._told_s = now_s
                await _tell(self._link, protocol.KEEP_ALIVE)
            try:
                message = await self._frames.next(within_s=protocol.KEEP_ALIVE_S - EARLY_S)
            except SilentError:
                if self._desk.clock.monotonic_s() - heard_s >= SILENT_S:
                    raise
                continue
            if isinstance(message, protocol.Battery):
                self._desk.status(battery=message.level_pct)
            if isinstance(message, OximeterReading):
                return message


async def _tell(link: Link, command: bytes) -> None:
    """Send a command if that can be done; a link that is gone shows where the next reading is waited for."""
    with suppress(DeviceError):
        await link.write(WRITE, command, response=False)

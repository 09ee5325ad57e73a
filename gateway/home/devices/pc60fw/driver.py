"""Viatom PC-60FW on a link: it streams while a finger is in it, and keeps nothing."""

from __future__ import annotations

from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices import identity, live
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link, Sighting
from gateway.home.devices.notified import Frames
from gateway.home.devices.pc60fw import protocol
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import Kind

NAMES: Final = ("pc-60", "oxysmart")
"""The service is Nordic's UART, which thousands of things have: the name decides (names as in viatomEcho/LepuBle)."""


class Pc60fwDriver(Driver):
    """PC-60FW, PC-60NW, OxySmart."""

    family = "pc60fw"
    services = frozenset({protocol.SERVICE})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE})
    dating = frozenset({Dating.ARRIVAL})
    acknowledgement = Acknowledgement.NOTHING_KEPT

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """An oximeter's name, with the service where the advertisement has room for it."""
        fits = not sighting.service_uuids or super().matches(sighting)
        return fits and sighting.name.lower().startswith(NAMES)

    async def visit(self, link: Link, desk: Desk) -> After:
        """Stream until the link ends."""
        await identity.introduce(link, desk)
        async with link.notifications(protocol.NOTIFY) as queue:
            frames = Frames(link, desk, queue, protocol.FrameAssembler())

            async def next_reading() -> OximeterReading:
                while True:
                    frame = await frames.next()
                    try:
                        message = protocol.decode_message(frame)
                    except ProtocolError as error:
                        await desk.set_aside(protocol.encode_frame(frame), str(error))
                        continue
                    if isinstance(message, protocol.Battery):
                        desk.status(battery=25.0 * (message.level + 1))
                    if isinstance(message, OximeterReading):
                        return message

            await live.pass_on(next_reading, desk)
        return After.WATCH

"""Jumper JPD-500F on a link: it streams while a finger is in it, and keeps nothing."""

from __future__ import annotations

from typing import Final

from gateway.home.devices import identity, live
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link, Sighting
from gateway.home.devices.jumper import protocol
from gateway.home.devices.notified import Messages
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import Kind

NAMES: Final = ("my oximeter", "jpd-500", "medical")
"""How the oximeters call themselves in public programs that look for them. The maker's thermometers have the same
service and are "My Thermometer": so the name decides."""


class JumperDriver(Driver):
    """JPD-500F and its kin."""

    family = "jumper"
    services = frozenset({protocol.SERVICE})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE})
    dating = frozenset({Dating.ARRIVAL})
    acknowledgement = Acknowledgement.NOTHING_KEPT

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """The service with an oximeter's name."""
        return super().matches(sighting) and sighting.name.lower().startswith(NAMES)

    async def visit(self, link: Link, desk: Desk) -> After:
        """Stream until the link ends."""
        await identity.introduce(link, desk)
        async with link.notifications(protocol.NOTIFY) as queue:
            messages = Messages(link, desk, queue, protocol.decode_notification)

            async def next_reading() -> OximeterReading:
                while not isinstance(message := await messages.next(), OximeterReading):
                    pass  # a piece of the wave form
                return message

            await live.pass_on(next_reading, desk)
        return After.WATCH

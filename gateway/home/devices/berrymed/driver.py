"""BerryMed BM1000 on a link: a hundred packets a second, of which one reading a second is kept."""

from __future__ import annotations

from typing import Final

from gateway.home.devices import identity, live
from gateway.home.devices.berrymed import protocol
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link, Sighting
from gateway.home.devices.notified import Frames
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import Kind

NAMES: Final = ("berrymed", "bm1000")
"""The service is a UART bridge of a chip maker's, which many things have: the name decides (Adafruit's and other
public clients look for it too; some devices have NULs behind it)."""

KEPT_MS: Final = 1000
"""Every packet repeats what the display shows, and that changes once a second."""


class BerryMedDriver(Driver):
    """BM1000, BM1000B, BM1000C, BM1000E."""

    family = "berrymed"
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
            frames = Frames(link, desk, queue, protocol.PacketAssembler())
            due_ms = 0

            async def next_reading() -> OximeterReading:
                nonlocal due_ms
                while True:
                    packet = await frames.next()
                    now_ms = desk.clock.utc_ms()
                    if abs(now_ms - due_ms) > KEPT_MS:
                        due_ms = now_ms  # the first, or behind a gap, or our clock was set
                    if now_ms >= due_ms:
                        due_ms += KEPT_MS
                        return packet.reading

            await live.pass_on(next_reading, desk, dt_ms=KEPT_MS)
        return After.WATCH

"""Template of a driver: what the protocol says, to the desk. Copy to `gateway/home/devices/FAMILY/driver.py`.

The registry finds it there by its being there. A family that stores adds `Capability.STORED`, notes an anchor of its
clock (`Desk.note_anchor`), asks `Desk.item` what is done, and hands whole recordings to `Desk.deliver`: see the drivers
of `viatom` (a ledger), `nonin` (deletes behind itself) and `plx` (record access).
"""

from __future__ import annotations

from gateway.home.devices import identity, live
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link
from gateway.home.devices.notified import Messages
from gateway.wire.messages import Kind
from tests.integration.devices.template import protocol


class ExampleDriver(Driver):
    """An oximeter that streams and keeps nothing."""

    family = "example"
    services = frozenset({protocol.SERVICE})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE})
    dating = frozenset({Dating.ARRIVAL})
    acknowledgement = Acknowledgement.NOTHING_KEPT

    async def visit(self, link: Link, desk: Desk) -> After:
        """Say who it is, stream until the link ends, come back at once."""
        await identity.introduce(link, desk)
        async with link.notifications(protocol.NOTIFY) as queue:
            messages = Messages(link, desk, queue, protocol.decode_notification)
            await live.pass_on(messages.next, desk)
        return After.WATCH

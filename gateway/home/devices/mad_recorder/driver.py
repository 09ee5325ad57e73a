"""The MAD recorder on a link: anchor, pull what it has recorded, let it sleep."""

from __future__ import annotations

import logging
from typing import Final

from gateway.home.devices.driver import (
    Acknowledgement,
    After,
    Capability,
    Dating,
    Desk,
    Driver,
    Link,
    Sighting,
)
from gateway.home.devices.edge import control
from gateway.home.devices.edge.control import DeviceKind
from gateway.home.devices.edge.peer import meet
from gateway.home.devices.edge.pull import LogPull

NAME: Final = "somnolink-mad"
"""Both of our devices have one service; the name in the scan response tells them apart."""

log = logging.getLogger(__name__)


class RecorderDriver(Driver):
    """Kind wear, stored only.

    Notes
    -----
    A session is what one contact has handed on: all records since the one before, in the order in which they were
    made, with all their boots. So a session is complete when it is made, is never dated anew (the anchors around its
    records are those of this contact and the last), and no month-long session stays open. A contact that breaks off
    hands on what it has as a session of its own. Records are kept raw on the gateway's disk until they can be dated;
    the recorder frees them when they are there.
    """

    family = "mad"
    services = frozenset({control.SERVICE})
    kinds = frozenset({"wear"})
    capabilities = frozenset({Capability.STORED})
    dating = frozenset({Dating.ANCHORS})
    acknowledgement = Acknowledgement.DELETE
    enrolled = True

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """By service and name."""
        return bool(cls.services & sighting.service_uuids) and sighting.name == NAME

    async def visit(self, link: Link, desk: Desk) -> After:
        """Anchor its clock, pull its log."""
        async with meet(link, desk, DeviceKind.RECORDER) as (peer, status):
            if await desk.accepts_stored():
                await LogPull(peer, desk, "wear", status).all()
            else:
                log.warning("the outbox is nearly full: the recorder keeps its records")
        return After.SELDOM

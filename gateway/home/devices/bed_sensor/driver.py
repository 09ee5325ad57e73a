"""The bed sensor on a link: pull what it buffered while nobody was there, then follow it as long as the link lasts."""

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
from gateway.home.devices.edge.peer import LinkGoneError, meet
from gateway.home.devices.edge.pull import LogPull

NAME: Final = "somnolink-bed"

log = logging.getLogger(__name__)


class BedSensorDriver(Driver):
    """Kind waveform: stored what was buffered, live what is recorded while the link is up.

    Notes
    -----
    Every frame has a sequence in the sensor's log and is either in the stored session of the visit that pulled it from
    the buffer, or in the live session of the visit that followed it, never in both: where the one ends, the other
    begins. The stored session is dated between the anchors around the absence, the live one by the last anchor and the
    drift known then.
    """

    family = "bed"
    services = frozenset({control.SERVICE})
    kinds = frozenset({"waveform"})
    capabilities = frozenset({Capability.LIVE, Capability.STORED})
    dating = frozenset({Dating.ANCHORS})
    acknowledgement = Acknowledgement.DELETE
    enrolled = True

    @classmethod
    def matches(cls, sighting: Sighting) -> bool:
        """By service and name."""
        return bool(cls.services & sighting.service_uuids) and sighting.name == NAME

    async def visit(self, link: Link, desk: Desk) -> After:
        """Pull, then follow until the link is gone, which is how such a night ends."""
        async with meet(link, desk, DeviceKind.BED_SENSOR) as (peer, status):
            if not await desk.accepts_stored():
                log.warning("the outbox is nearly full: the bed sensor keeps what it has, for three hours")
                return After.REST
            pull = LogPull(peer, desk, "waveform", status)
            await pull.all()
            await desk.report()
            try:
                await pull.follow()
            except LinkGoneError:
                log.debug("%s: the link is gone", link.address)
        return After.WATCH

"""What gateways say of themselves (retained status), as records and alerts."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.errors import WireError
from gateway.service.records import Contact, DeviceState, GatewayState, Records, Severity
from gateway.wire.client import Message
from gateway.wire.codec import GatewayStatus, decode_gateway_status
from gateway.wire.presence import DeviceStatus
from gateway.wire.topics import check_name

NOTICES: Final = {
    "outbox_full": (Severity.URGENT, "The gateway's outbox is full: what it collects is being thinned."),
    "outbox_nearly_full": (Severity.WARNING, "The gateway's outbox is nearly full: stored nights stay on the devices."),
    "adapter_unavailable": (Severity.WARNING, "The gateway's Bluetooth adapter does not answer."),
    "radio_silent": (
        Severity.WARNING,
        "The gateway hears no Bluetooth device, though its radio was restarted.",
    ),
    "disk_refuses": (
        Severity.URGENT,
        "The gateway cannot write to its disk: nights stay on the devices, which keep only the last few.",
    ),
    "live_dropped": (
        Severity.WARNING,
        "Live readings were lost because the gateway's disk did not take them; what devices stored is not affected.",
    ),
    "set_aside": (Severity.WARNING, "The service has set data of this gateway aside."),
}
"""What each notice of a gateway means to a person."""

log = logging.getLogger(__name__)


class StatusListener(Protocol):
    """Who is told of a gateway's status."""

    def gateway_status(self, gateway: str, at_ms: int, pending: int) -> None:
        """So many batches wait at a gateway, by its own time."""


class Presence:
    """Turns a gateway's notices into alerts, and takes them back when the gateway no longer gives them."""

    def __init__(self, records: Records, clock: Clock, listener: StatusListener) -> None:
        self._listener = listener
        self._records = records
        self._clock = clock
        self._raised: dict[str, frozenset[str]] = {}
        self.refused = 0
        """Words of revoked gateways, which are not taken."""

    def take(self, message: Message) -> None:
        """Take a status message; one that is none is logged and left."""
        try:
            gateway = check_name(message.topic.split("/")[2], "gateway")
            status = decode_gateway_status(message.payload)
        except (WireError, IndexError) as error:
            log.warning("%s: %s", message.topic[:120], error)
            return
        now_ms = self._clock.utc_ms()
        if status.online and self._records.homes.revoked(gateway):
            self.refused += 1
            return
        state = _state(gateway, status, now_ms, retained=message.retained)
        self._records.states.hear(state, [_told(one, now_ms) for one in status.devices])
        if not status.online:
            return
        self._listener.gateway_status(gateway, status.since_ms, status.pending)
        notices = frozenset(status.notices) & NOTICES.keys()
        before = self._raised.get(gateway)
        for kind in sorted(notices - (before or frozenset())):
            severity, text = NOTICES[kind]
            evidence = {name: float(value) for name, value in status.counters.items()}
            self._records.alerts.raise_alert(kind, gateway, text, at_ms=now_ms, severity=severity, evidence=evidence)
        # After a restart it is not known what was raised: resolving what is not open changes nothing.
        for kind in sorted((NOTICES.keys() if before is None else before) - notices):
            self._records.alerts.resolve(kind, gateway, at_ms=now_ms)
        self._raised[gateway] = notices


def _told(one: DeviceStatus, now_ms: int) -> tuple[Contact, DeviceState]:
    """What a status says of a device."""
    state = DeviceState(
        one.device,
        now_ms,
        contact_ms=one.contact_ms or None,
        reachable=one.reachable,
        voltage=one.voltage,
        boots=one.boots,
        clock=one.clock,
        clock_ms=one.contact_ms,
        drift_ppm=one.drift_ppm,
    )
    return Contact(one.device, now_ms, one.battery_pct, one.model or None, one.firmware or None), state


def _state(gateway: str, status: GatewayStatus, now_ms: int, *, retained: bool) -> GatewayState:
    """What a status says; when one that was retained was said is not known, and so not how far its clock is off."""
    return GatewayState(
        gateway,
        status.online,
        since_ms=now_ms,
        heard_ms=now_ms,
        version=status.version[:64],
        pending=status.pending,
        oldest_ms=status.oldest_ms,
        disk_free_bytes=status.disk_free_bytes,
        radio=status.radio,
        clock_set=status.clock_set,
        clock_error_ms=status.clock_error_ms,
        clock_offset_ms=None if retained or not status.since_ms else status.since_ms - now_ms,
    )

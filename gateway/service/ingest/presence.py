"""What gateways say of themselves (retained status), as records and alerts."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.errors import WireError
from gateway.service.records import Records, Severity
from gateway.wire.client import Message
from gateway.wire.codec import decode_gateway_status
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

    def take(self, message: Message) -> None:
        """Take a status message; one that is none is logged and left."""
        try:
            gateway = check_name(message.topic.split("/")[2], "gateway")
            status = decode_gateway_status(message.payload)
        except (WireError, IndexError) as error:
            log.warning("%s: %s", message.topic[:120], error)
            return
        now_ms = self._clock.utc_ms()
        if not status.online:
            return
        self._records.devices.gateway_seen(gateway, now_ms)
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

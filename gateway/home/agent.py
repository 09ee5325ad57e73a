"""The home gateway, put together: radio -> collector -> outbox -> publisher."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import tzinfo
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.clock import Clock
from gateway.errors import OutboxError
from gateway.home.collect.collector import LIVE_MS, Collector, Progress
from gateway.home.collect.enrolment import SECRETS, EnrolmentSecrets
from gateway.home.collect.radio import Radio
from gateway.home.collect.recovery import Rung
from gateway.home.devices.driver import Mode
from gateway.home.outbox import Limits, Outbox, OutboxUse
from gateway.home.publish import Publisher
from gateway.wire.client import BrokerAddress
from gateway.wire.codec import GatewayStatus

USE_EVERY_S: Final = 30.0
"""How often the outbox is measured for the status."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeConfig:
    """What a home gateway is told."""

    gateway: str
    data: Path
    broker: BrokerAddress
    zone: tzinfo
    mode: Mode = "stored"
    live_ms: int = LIVE_MS
    limits: Limits = Limits()  # noqa: RUF009 - a frozen value


class Home:
    """A running home gateway.

    Parameters
    ----------
    radio : Radio
        The Bluetooth adapter.
    progress : callable
        Called with (device, what, bytes done, bytes in all) during long transfers.

    Raises
    ------
    OutboxError
        The outbox cannot be opened.
    """

    def __init__(self, config: HomeConfig, radio: Radio, clock: Clock, progress: Progress = lambda *_: None) -> None:
        self._clock = clock
        self.outbox = Outbox(config.data / "outbox.db", clock, config.limits)
        self.collector = Collector(
            radio,
            self.outbox,
            clock,
            mode=config.mode,
            live_ms=config.live_ms,
            zone=config.zone,
            progress=progress,
            enrolment=EnrolmentSecrets(config.data / SECRETS),
        )
        self.publisher = Publisher(self.outbox, clock, config.broker, config.gateway, self.status)
        self.outbox.on_put = self.publisher.notice
        self._use: OutboxUse | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Start collecting and publishing."""
        self._tasks = [
            asyncio.create_task(self.publisher.run(), name="publisher"),
            asyncio.create_task(self.collector.run(), name="collector"),
            asyncio.create_task(self._measure(), name="measure"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what is in the outbox stays there."""
        # The collector first: what it still has in hand goes into the outbox.
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.outbox.close()

    async def run(self) -> None:
        """Return only when a part of the gateway fails, with its error."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            await task

    async def _measure(self) -> None:
        while True:
            try:
                self._use = await self.outbox.use()
            except OutboxError as error:
                log.warning("%s", error)
            await self._clock.sleep(USE_EVERY_S)

    def status(self) -> GatewayStatus:
        """What the gateway says of itself; no patient, no serial number, no address."""
        use = self._use
        notices = set(self.collector.notices)
        counters: dict[str, int] = {
            "failures": self.collector.failures,
            "rescans": self.collector.repairs[Rung.RESCAN],
            "power_cycles": self.collector.repairs[Rung.POWER_CYCLE],
            "service_restarts": self.collector.repairs[Rung.RESTART_SERVICE],
            "resent": self.publisher.resent,
            "live_dropped": sum(known.dropped for known in self.collector.known.values()),
            "live_gaps": sum(known.gaps for known in self.collector.known.values()),
            "live_gap_s": round(sum(known.gap_s for known in self.collector.known.values())),
            "clock_steps": self.collector.clock_steps,
            "duplicates": sum(known.duplicates for known in self.collector.known.values()),
        }
        if use is not None:
            counters |= use.counters
            if any(name.startswith(("thinned_", "refused_live")) for name in use.counters):
                notices.add("outbox_full")
            elif not use.accepts_stored:
                notices.add("outbox_nearly_full")
            if use.counters.get("set_aside_by_service"):
                notices.add("set_aside")
        return GatewayStatus(
            online=True,
            since_ms=self._clock.utc_ms(),
            version=version("somnolink"),
            pending=0 if use is None else use.batches,
            notices=sorted(notices),
            counters=counters,
        )

"""The home gateway, put together: radio -> collector -> outbox -> publisher."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.clock import Clock
from gateway.errors import ServerError
from gateway.home.collect.collector import LIVE_MS, Collector, Progress
from gateway.home.collect.enrolment import SECRETS, EnrolmentSecrets
from gateway.home.collect.radio import AnyRadio
from gateway.home.devices.driver import Mode
from gateway.home.health import Health
from gateway.home.homeassistant import HomeAssistant
from gateway.home.outbox import Limits, Outbox
from gateway.home.page.server import Page
from gateway.home.publish import Publisher
from gateway.wire.client import BrokerAddress
from gateway.wire.codec import GatewayStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeConfig:
    """What a home gateway is told.

    Attributes
    ----------
    page : (str, int) or None
        Host and port of its own page; None shows none.
    assistant : BrokerAddress or None
        Home Assistant's broker; None tells it nothing.
    """

    gateway: str
    data: Path
    broker: BrokerAddress
    zone: tzinfo
    mode: Mode = "stored"
    live_ms: int = LIVE_MS
    limits: Limits = Limits()  # noqa: RUF009 - a frozen value
    page: tuple[str, int] | None = None
    assistant: BrokerAddress | None = None
    assistant_prefix: str = "homeassistant"


class Home:
    """A running home gateway.

    Parameters
    ----------
    radio : AnyRadio
        The Bluetooth adapter.
    progress : callable
        Called with (device, what, bytes done, bytes in all) during long transfers.

    Raises
    ------
    OutboxError
        The outbox cannot be opened.
    """

    def __init__(self, config: HomeConfig, radio: AnyRadio, clock: Clock, progress: Progress = lambda *_: None) -> None:
        self._config = config
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
        self.health = Health(self.outbox, self.collector, self.publisher, clock, config.data)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Start collecting and publishing."""
        self._tasks = [
            asyncio.create_task(self.publisher.run(), name="publisher"),
            asyncio.create_task(self.collector.run(), name="collector"),
            asyncio.create_task(self.health.run(), name="health"),
        ]
        config = self._config
        if config.assistant is not None:
            told = HomeAssistant(
                config.assistant, config.gateway, self._clock, self.health.shown, prefix=config.assistant_prefix
            )
            self._tasks.append(asyncio.create_task(told.run(), name="home assistant"))
        if config.page is not None:
            self._tasks.append(asyncio.create_task(self._show(*config.page), name="page"))
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

    async def _show(self, host: str, port: int) -> None:
        """Show the page; a port that is taken costs the page, not the nights."""
        try:
            async with Page(self.health.facts, self._config.zone).serve(host, port):
                await asyncio.Event().wait()
        except ServerError as error:
            log.warning("%s", error)

    async def run(self) -> None:
        """Return only when a part of the gateway fails, with its error."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            await task

    def status(self) -> GatewayStatus:
        """What the gateway says of itself to the service."""
        return self.health.status()

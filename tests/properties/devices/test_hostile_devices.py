"""Whatever a device says, a visit to it ends, and only in one of the ways of the contract."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import DeviceError, SomnolinkError
from gateway.home.collect.desk import VisitDesk
from gateway.home.devices.driver import After, Driver, Mode
from gateway.home.devices.registry import drivers
from gateway.home.outbox import Outbox
from simulators.timeloop import SimulatedClock, run
from tests.fuzz.targets import seeds

SEEDS = [seed for seed in seeds() if len(seed) < 600]
T0 = 1_790_114_400_000
CONNECT = sqlite3.connect
LIMIT_S = 24 * 3600.0


class HostileLink:
    """Has every characteristic, and answers each question, and none, with what comes next; then it is gone."""

    address = "C4:00:00:00:00:66"

    def __init__(self, clock: SimulatedClock, values: list[bytes]) -> None:
        self._clock = clock
        self._values = values
        self._queues: list[asyncio.Queue[bytes | None]] = []
        self._speaking: asyncio.Task[None] | None = None
        self._gone = False

    def start(self) -> None:
        self._speaking = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        """Unasked, one value a second to each subscription."""
        for value in list(self._values):
            await self._clock.sleep(1.0)
            for queue in self._queues:
                queue.put_nowait(value)
        self._gone = True
        for queue in self._queues:
            queue.put_nowait(None)

    def _connected(self) -> None:
        if self._gone:
            raise DeviceError(f"{self.address}: the link is gone")

    def has(self, _characteristic: str) -> bool:
        return True

    async def read(self, characteristic: str) -> bytes:
        self._connected()
        return self._values[len(characteristic + str(len(self._queues))) % len(self._values)] if self._values else b""

    async def write(self, _characteristic: str, data: bytes, *, response: bool) -> None:
        assert isinstance(response, bool)
        self._connected()
        if self._values:
            for queue in self._queues:
                queue.put_nowait(self._values[sum(data) % len(self._values)])

    async def pair(self) -> None:
        self._connected()

    def payload(self, _characteristic: str) -> int:
        return 244

    @asynccontextmanager
    async def notifications(self, _characteristic: str) -> AsyncIterator[asyncio.Queue[bytes | None]]:
        self._connected()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)


async def visited(clock: SimulatedClock, driver: type[Driver], mode: Mode, values: list[bytes], path: Path) -> Any:
    outbox = Outbox(path, clock)
    desk = VisitDesk(
        outbox,
        clock,
        family=driver.family,
        address=HostileLink.address,
        mode=mode,
        live_ms=4000,
        zone=UTC,
        known={},
        progress=lambda *_: None,
    )
    link = HostileLink(clock, values)
    link.start()
    try:
        return await asyncio.wait_for(driver().visit(link, desk), LIMIT_S)
    except SomnolinkError as error:
        return error
    finally:
        outbox.close()


@pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.family)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.one_of(st.sampled_from(SEEDS), st.binary(max_size=30)), max_size=25),
    mode=st.sampled_from(["stored", "live", "both"]),
)
def test_a_visit_ends_whatever_it_is_told(
    driver: type[Driver], values: list[bytes], mode: Mode, tmp_path: Path
) -> None:
    def connect(_path: object, **options: Any) -> sqlite3.Connection:
        return CONNECT(":memory:", **options)

    with patch("sqlite3.connect", connect):  # what is stored is no matter here, and a disk is slow
        ended = run(lambda clock: visited(clock, driver, mode, values, tmp_path / "o.db"), epoch_ms=T0)
    assert isinstance(ended, After | SomnolinkError)
    assert "\n" not in str(ended)

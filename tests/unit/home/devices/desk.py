"""A desk in memory, for drivers' parts that need no more; and a link that is only an address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from simulators.timeloop import SimulatedClock

ADDRESS = "C4:00:00:00:00:01"


class Written:
    """A live stream: interval, and what was added with its arrival."""

    def __init__(self, clock: SimulatedClock, dt_ms: int) -> None:
        self._clock = clock
        self.dt_ms = dt_ms
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.closed = False

    def add(self, values: Mapping[str, float], arrival_ms: int | None = None) -> None:
        self.rows.append((self._clock.utc_ms() if arrival_ms is None else arrival_ms, dict(values)))


class MemoryDesk:
    """Keeps what it is told."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.oddities: list[tuple[bytes, str]] = []
        self.streams: list[Written] = []
        self.told: dict[str, float] = {}
        self.reports = 0

    @asynccontextmanager
    async def stream(self, _kind: str, dt_ms: int) -> AsyncIterator[Written]:
        self.streams.append(Written(self.clock, dt_ms))
        try:
            yield self.streams[-1]
        finally:
            self.streams[-1].closed = True

    async def set_aside(self, data: bytes, reason: str) -> None:
        self.oddities.append((data, reason))

    def status(self, **values: float) -> None:
        self.told |= values

    async def report(self) -> None:
        self.reports += 1


class NamedLink:
    address = ADDRESS


def as_any(value: object) -> Any:
    """Hand a part of a protocol over where all of it is asked for."""
    return value


Queue = asyncio.Queue[bytes | None]

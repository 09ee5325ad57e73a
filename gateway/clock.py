"""The one clock: all code takes time and sleep from here, so that a simulation can put its own in place."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Clock(Protocol):
    """Time as a program sees it.

    A simulated clock may jump when nothing is pending. Work that happens outside of the event loop (a commit on a
    thread, a message on its way to a broker) is pending while it holds `busy()`.
    """

    def utc_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""

    def monotonic_s(self) -> float:
        """Seconds that never go back, from an arbitrary start."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""

    def busy(self) -> AbstractContextManager[None]:
        """Hold time still (a simulated clock) while work outside of the event loop is under way."""


class SystemClock:
    """The machine's own clock."""

    def utc_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running event loop."""
        await asyncio.sleep(seconds)

    def busy(self) -> AbstractContextManager[None]:
        """Do nothing: real time waits for nobody."""
        return nullcontext()

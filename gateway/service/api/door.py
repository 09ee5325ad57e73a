"""Keeps work that is slow on purpose, such as hashing a password, from holding up everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
from fastapi import HTTPException

T = TypeVar("T")

AT_ONCE: Final = 4
"""Of the forty threads that serve all requests. Hashing itself goes two at a time."""

WAITING: Final = 40
"""Some five seconds of hashing; who comes then is sent away at once."""


class Door:
    """Runs functions on threads, a few at a time; those that wait take no thread."""

    def __init__(self) -> None:
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def run(self, work: Callable[[], T]) -> T:
        """Run it in its turn; 503 where too many wait already."""
        if self._turns.statistics().tasks_waiting >= WAITING:
            raise HTTPException(503, "too many sign in at this moment; try again", headers={"Retry-After": "5"})
        return await anyio.to_thread.run_sync(work, limiter=self._turns)

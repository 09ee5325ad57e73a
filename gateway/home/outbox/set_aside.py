"""Bytes from devices that made no sense: kept on disk with the reason, bounded, counted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.home.outbox.journal import Journal
from gateway.home.outbox.policy import count

KEPT: Final = 1024
"""The newest stay: what a person would look into. At 4 KiB each, 4 MiB at the most."""

MAX_BYTES: Final = 4096
"""Of one of them; a longer one is cut, its length stands in its reason."""

COUNTER: Final = "set_aside_at_home"


@dataclass(frozen=True, slots=True)
class Oddity:
    """What was set aside, from which device, when and why."""

    device: str
    at_ms: int
    reason: str
    data: bytes


class SetAside:
    """Lives in the outbox's file."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def keep(self, device: str, data: bytes, reason: str) -> None:
        """Keep some bytes with the reason, and count them.

        Raises
        ------
        OutboxError
            The disk refuses.
        """
        at_ms = self._clock.utc_ms()
        why = reason if len(data) <= MAX_BYTES else f"{reason} ({len(data)} bytes, cut)"

        def job(database: sqlite3.Connection) -> None:
            database.execute(
                "INSERT INTO set_aside (device, at_ms, reason, data) VALUES (?, ?, ?, ?)",
                (device, at_ms, why, data[:MAX_BYTES]),
            )
            database.execute("DELETE FROM set_aside WHERE id <= (SELECT MAX(id) FROM set_aside) - ?", (KEPT,))
            count(database, COUNTER, 1)

        await self._journal.run(job)

    async def newest(self, most: int = KEPT) -> list[Oddity]:
        """What is kept, newest first."""

        def job(database: sqlite3.Connection) -> list[Oddity]:
            rows = database.execute(
                "SELECT device, at_ms, reason, data FROM set_aside ORDER BY id DESC LIMIT ?", (most,)
            )
            return [Oddity(*row) for row in rows]

        return await self._journal.run(job)

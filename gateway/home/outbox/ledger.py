"""What the gateway has pulled from devices that know no acknowledgement, what it holds half, and their clocks."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.home.outbox.journal import Journal


@dataclass(frozen=True, slots=True)
class Item:
    """A stored item (a file) of a device.

    Attributes
    ----------
    session : str
        The random id its samples travel under, made when it was first seen, the same for ever.
    received : bytes
        What has arrived so far, from the start of the item; empty once it is done.
    new : bool
        Nothing was known of it until now.
    """

    item: str
    session: str
    size: int
    received: bytes
    done: bool
    new: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """At `tick` of the device's clock it was `utc_ms`, give or take `uncertainty_ms`.

    `epoch` counts the times that the device's clock was set or restarted: ticks compare within one epoch alone.
    """

    epoch: int
    tick: int
    utc_ms: int
    uncertainty_ms: int


class Ledger:
    """Lives in the outbox's file, so that an item's batches and its mark are one commit."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.corrections = 0
        """How often anchors that were noted have been changed: who holds some in memory reads them anew."""

    async def item(self, device: str, item: str, size: int = 0) -> Item:
        """Return what is known of an item; note it if it is new, or if its size (0: unknown) is another than before."""
        now = self._clock.utc_ms()

        def job(database: sqlite3.Connection) -> Item:
            row = database.execute(
                "SELECT session, size, received, done FROM ledger WHERE device = ? AND item = ?", (device, item)
            ).fetchone()
            if row is not None and (row[3] or row[1] == size or size == 0):
                return Item(item, row[0], row[1], row[2], bool(row[3]))
            # A file that grew since (pulled while it was being written) is pulled anew, under the same session.
            session = row[0] if row is not None else secrets.token_hex(8)
            database.execute(
                "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?, x'', 0, ?)", (device, item, session, size, now)
            )
            return Item(item, session, size, b"", False, new=row is None)

        return await self._journal.run(job)

    async def listed(self, device: str, items: Collection[str]) -> None:
        """Forget items that the device no longer has: another may come by the same name, as after a clock's reset."""
        await self._journal.run(
            lambda database: (
                database.execute(
                    "DELETE FROM ledger WHERE device = ? AND item NOT IN (SELECT value FROM json_each(?))",
                    (device, json.dumps(list(items))),
                ).rowcount
            )
        )

    async def keep_partial(self, device: str, item: str, received: bytes) -> None:
        """Keep what has arrived of an item, for the next try."""
        now = self._clock.utc_ms()
        await self._journal.run(
            lambda database: (
                database.execute(
                    "UPDATE ledger SET received = ?, updated_ms = ? WHERE device = ? AND item = ? AND done = 0",
                    (received, now, device, item),
                ).rowcount
            )
        )

    def mark_done(self, database: sqlite3.Connection, device: str, item: str) -> None:
        """Mark an item as done, within a transaction of the outbox."""
        database.execute(
            "UPDATE ledger SET done = 1, received = x'', updated_ms = ? WHERE device = ? AND item = ?",
            (self._clock.utc_ms(), device, item),
        )

    async def add_anchor(self, device: str, anchor: Anchor) -> None:
        """Note an anchor; the same tick again replaces it."""
        await self._journal.run(
            lambda database: (
                database.execute(
                    "INSERT OR REPLACE INTO anchor VALUES (?, ?, ?, ?, ?)",
                    (device, anchor.epoch, anchor.tick, anchor.utc_ms, anchor.uncertainty_ms),
                ).rowcount
            )
        )

    async def anchors(self, device: str, newest: int = -1) -> list[Anchor]:
        """All anchors of a device, or the newest of them, by epoch and tick."""

        def job(database: sqlite3.Connection) -> list[Anchor]:
            rows = database.execute(
                "SELECT epoch, tick, utc_ms, uncertainty_ms FROM anchor WHERE device = ?"
                " ORDER BY epoch DESC, tick DESC LIMIT ?",
                (device, newest),
            )
            return [Anchor(*row) for row in rows][::-1]

        return await self._journal.run(job)

    async def shift_anchors(self, first_ms: int, last_ms: int, by_ms: int) -> int:
        """Correct the anchors noted from `first_ms` to `last_ms` of a host clock that was wrong by `by_ms`.

        Returns
        -------
        int
            How many there were.
        """
        self.corrections += 1
        return await self._journal.run(
            lambda database: (
                database.execute(
                    "UPDATE anchor SET utc_ms = utc_ms + ? WHERE utc_ms BETWEEN ? AND ?", (by_ms, first_ms, last_ms)
                ).rowcount
            )
        )

    async def bound_id(self, family: str, address: str, fresh: str) -> str:
        """Return the id bound to an address of a device without a serial number, binding `fresh` at the first call."""

        def job(database: sqlite3.Connection) -> str:
            database.execute("INSERT OR IGNORE INTO binding VALUES (?, ?, ?)", (family, address, fresh))
            (device,) = database.execute(
                "SELECT device FROM binding WHERE family = ? AND address = ?", (family, address)
            ).fetchone()
            return str(device)

        return await self._journal.run(job)

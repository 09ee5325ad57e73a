"""What the gateway has pulled from devices that know no acknowledgement, what it holds half, and their clocks."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.home.outbox.journal import Journal


@dataclass(frozen=True, slots=True)
class Room:
    """Between which moments, UTC ms, an item was made.

    Attributes
    ----------
    absent_ms : int
        When the device's list did not have it yet.
    earliest_ms : int
        The same, or the end of what stands before it in the list, if that is later.
    latest_ms : int
        When the device's list had it for the first time.
    """

    absent_ms: int
    earliest_ms: int
    latest_ms: int


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
    room : Room or None
        Where it fits by the lists that the device has given; None if it was in the first, or in none.
    """

    item: str
    session: str
    size: int
    received: bytes
    done: bool
    new: bool = False
    room: Room | None = None


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
            room = _room(database, device, item)
            if row is not None and (row[3] or row[1] == size or size == 0):
                return Item(item, row[0], row[1], row[2], bool(row[3]), room=room)
            # A file that grew since (pulled while it was being written) is pulled anew, under the same session.
            session = row[0] if row is not None else secrets.token_hex(8)
            database.execute(
                "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?, x'', 0, ?)", (device, item, session, size, now)
            )
            return Item(item, session, size, b"", False, new=row is None, room=room)

        return await self._journal.run(job)

    async def listed(self, device: str, items: Collection[str]) -> None:
        """Note all items that the device has now, oldest first.

        Those that it no longer has are forgotten: another may come by the same name, as after a clock's reset.
        """
        now_ms = self._clock.utc_ms()
        names = json.dumps(list(items))

        def job(database: sqlite3.Connection) -> None:
            before = database.execute("SELECT utc_ms FROM listing WHERE device = ?", (device,)).fetchone()
            for table in ("ledger", "listed"):
                database.execute(
                    f"DELETE FROM {table} WHERE device = ? AND item NOT IN (SELECT value FROM json_each(?))",
                    (device, names),
                )
            database.execute(
                "INSERT OR IGNORE INTO listed (device, item, absent_ms, seen_ms)"
                " SELECT ?, value, ?, ? FROM json_each(?) ORDER BY key",
                (device, before and before[0], now_ms, names),
            )
            database.execute("INSERT OR REPLACE INTO listing VALUES (?, ?)", (device, now_ms))

        await self._journal.run(job)

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

    def mark_done(self, database: sqlite3.Connection, device: str, item: str, end_ms: int | None) -> None:
        """Mark an item as done, within a transaction of the outbox; its last sample ends at `end_ms`."""
        database.execute("UPDATE listed SET end_ms = ? WHERE device = ? AND item = ?", (end_ms, device, item))
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
        """Correct what was noted from `first_ms` to `last_ms` of a host clock that was wrong by `by_ms`.

        Returns
        -------
        int
            How many anchors there were.
        """
        self.corrections += 1

        def job(database: sqlite3.Connection) -> int:
            for table, column in _TIMES[1:]:
                _shift(database, table, column, first_ms, last_ms, by_ms)
            return _shift(database, *_TIMES[0], first_ms, last_ms, by_ms)

        return await self._journal.run(job)

    async def bound_id(self, family: str, address: str, fresh: str) -> str:
        """Return the id bound to an address of a device without a serial number, binding `fresh` at the first call."""

        def job(database: sqlite3.Connection) -> str:
            database.execute("INSERT OR IGNORE INTO binding VALUES (?, ?, ?)", (family, address, fresh))
            (device,) = database.execute(
                "SELECT device FROM binding WHERE family = ? AND address = ?", (family, address)
            ).fetchone()
            return str(device)

        return await self._journal.run(job)


_TIMES: Final = (
    ("anchor", "utc_ms"),
    ("listing", "utc_ms"),
    ("listed", "absent_ms"),
    ("listed", "seen_ms"),
    ("listed", "end_ms"),
)
"""Where moments are kept that are our own clock's, or were told by it."""


def _shift(database: sqlite3.Connection, table: str, column: str, first_ms: int, last_ms: int, by_ms: int) -> int:
    return database.execute(
        f"UPDATE {table} SET {column} = {column} + ? WHERE {column} BETWEEN ? AND ?", (by_ms, first_ms, last_ms)
    ).rowcount


def _room(database: sqlite3.Connection, device: str, item: str) -> Room | None:
    found = database.execute(
        "SELECT absent_ms, seen_ms, (SELECT max(end_ms) FROM listed AS before"
        " WHERE before.device = own.device AND before.id < own.id AND end_ms <= own.seen_ms)"
        " FROM listed AS own WHERE device = ? AND item = ?",
        (device, item),
    ).fetchone()
    if found is None or found[0] is None:
        return None
    absent_ms, seen_ms, end_ms = found
    return Room(absent_ms, max(absent_ms, end_ms or absent_ms), seen_ms)

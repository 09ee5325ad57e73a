"""What the collector does for a device with a log of records: its position, its boots, dates, delivery."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.errors import TransferError
from gateway.home.collect.boots import BOOTS, date_records, drift_ppm, epoch_at_contact, epochs_of
from gateway.home.collect.records import batches_of, dated_up_to, first_of, joined, settle
from gateway.home.devices.driver import Read, Readings, Records
from gateway.home.outbox import Outbox
from gateway.home.outbox.ledger import Anchor
from gateway.home.outbox.records import DatedUpTo, Kept
from gateway.wire.messages import Kind

RECENT: Final = 128
"""Anchors that live dating and drift look at: two and a half days of a link that is held."""


class Logbook:
    """One device's, for the length of one visit.

    A stored session is what one delivery hands on; a live one is what one visit passes on. So each is complete when it
    is made, or ends with the link, and none goes on in another visit.
    """

    def __init__(self, outbox: Outbox, device: str) -> None:
        self._outbox = outbox
        self._device = device
        self._recent: tuple[int, list[Anchor]] | None = None
        self._before: DatedUpTo | None = None
        self._session = secrets.token_hex(8)
        self._seq = 0

    async def note_boot(self, boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int) -> float | None:
        """Note a contact; returns the drift in ppm by which the device's clock is slow, where it is known."""
        ledger = self._outbox.ledger
        epoch = epoch_at_contact(await ledger.anchors(self._device, 1), boot, tick_ms)
        await ledger.add_anchor(self._device, Anchor(epoch, tick_ms, utc_ms, uncertainty_ms))
        self._recent = None
        return drift_ppm(await self._recent_anchors())

    async def position(self, number: int) -> int:
        """First sequence of log `number` that is not on our disk yet."""
        return await self._outbox.records.position(self._device, number)

    async def keep(self, number: int, records: Sequence[Records], end: int) -> None:
        """Keep raw records, everything before sequence `end`."""
        rows = [(one.layout, one.count, one.data) for one in records]
        await self._outbox.records.keep(self._device, number, rows, end)

    async def deliver(self, kind: Kind, read: Read, *, complete: bool) -> int:
        """Hand on what is kept and can be dated, as one stored session; returns the number of samples.

        Raises
        ------
        OutboxError
            The disk refuses: the records stay kept.
        """
        book = self._outbox.records
        kept = await book.kept(self._device)
        anchors = await self._outbox.ledger.anchors(self._device)
        if not kept or not anchors:
            return 0
        readings = joined([read(Records(one.layout, one.count, one.data)) for one in kept])
        before = await book.dated_up_to(self._device)
        since_ms = None if before is None else before.last_ms - before.uncertainty_ms
        epoch = epochs_of(readings.boot, anchors[-1].epoch)
        dates = date_records(anchors, epoch, readings.tick_ms, since_ms=since_ms, complete=complete)
        count = dates.utc_ms.size
        if count == 0:
            return 0
        readings = first_of(readings, count)
        dates = settle(readings, dates, before, follows_on=False)
        session = secrets.token_hex(8)
        batches = batches_of(self._device, kind, "stored", session, 0, readings, epoch[:count], dates)
        gone, rest = _used(kept, count)
        upto = dated_up_to(batches[-1])

        def along(database: sqlite3.Connection) -> None:
            book.replace(database, self._device, gone, rest)
            book.note_dated(database, self._device, upto)

        await self._outbox.put(batches, along)
        self._before = upto
        return sum(batch.size for batch in batches)

    async def pass_on(self, kind: Kind, readings: Readings, number: int, end: int) -> int:
        """Hand on what has just been recorded; returns the number of samples.

        Raises
        ------
        TransferError
            There are records of a boot that no contact fell into: they are no live ones.
        OutboxError
            The disk refuses: the position stays where it was, and the device keeps its records.
        """
        book = self._outbox.records
        anchors = await self._recent_anchors()
        if not anchors or (readings.boot != anchors[-1].epoch % BOOTS).any():
            raise TransferError(f"{self._device}: live records of a boot that was never met")
        before = self._before or await book.dated_up_to(self._device)
        epoch = epochs_of(readings.boot, anchors[-1].epoch)
        dates = date_records(anchors, epoch, readings.tick_ms, rate_ppm=drift_ppm(anchors) or 0.0)
        dates = settle(readings, dates, before, follows_on=self._seq > 0)
        batches = batches_of(self._device, kind, "live", self._session, self._seq, readings, epoch, dates)
        upto = dated_up_to(batches[-1])

        def along(database: sqlite3.Connection) -> None:
            book.advance(database, self._device, number, end)
            book.note_dated(database, self._device, upto)

        await self._outbox.put(batches, along)
        self._before = upto
        self._seq += len(batches)
        return sum(batch.size for batch in batches)

    async def _recent_anchors(self) -> list[Anchor]:
        """Held in memory until they are corrected because our own clock was set."""
        ledger = self._outbox.ledger
        if self._recent is None or self._recent[0] != ledger.corrections:
            corrections = ledger.corrections
            self._recent = corrections, await ledger.anchors(self._device, RECENT)
        return self._recent[1]


def _used(kept: Sequence[Kept], count: int) -> tuple[list[int], Kept | None]:
    """Rows that the first `count` records empty, and what stays of the one that they empty in part."""
    gone: list[int] = []
    for one in kept:
        if count <= 0:
            break
        gone.append(one.row)
        if count < one.count:
            size = len(one.data) // one.count
            return gone, Kept(one.row, one.layout, one.count - count, one.data[count * size :])
        count -= one.count
    return gone, None

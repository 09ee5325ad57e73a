"""A live stream on its way into the outbox: rows in, dated batches out, at least every 2 s."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutboxError
from gateway.home.collect.dating import LiveDater
from gateway.home.outbox import Outbox
from gateway.wire.columns import columns_of
from gateway.wire.messages import Batch, ClockInfo, Kind

FLUSH_MS: Final = 2_000
"""DESIGN, Wire: a live batch waits no longer."""

KEPT_BATCHES: Final = 1_800
"""Batches held in memory while the disk refuses: an hour of 2 s batches, about 1 MB; then the oldest goes, counted."""

WRITTEN_AT_ONCE: Final = 64
"""After a refusal the backlog goes in pieces: a little room takes a little of it."""

log = logging.getLogger(__name__)


class LiveStream:
    """One device's live samples of one kind, for the length of one connection.

    Parameters
    ----------
    dt_ms : int
        The device's own interval between samples.

    Notes
    -----
    The stated uncertainty is half an interval (50 ms at least), or how far any sample of the batch is dated from its
    arrival, where that is more: after a burst.
    """

    def __init__(
        self, outbox: Outbox, clock: Clock, *, device: str, kind: Kind, dt_ms: int, boot: int | None = None
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._device = device
        self._kind: Kind = kind
        self._dater = LiveDater(dt_ms)
        self._boot = boot
        self._doubt_ms = max(50, dt_ms // 2)
        self._off_ms = 0
        self._session = secrets.token_hex(8)
        self._seq = 0
        self._rows: list[Mapping[str, float]] = []
        self._t0_ms = 0
        self._waiting: list[Batch] = []
        self._writer: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last: tuple[int, Mapping[str, float]] | None = None
        self.duplicates = 0
        self.dropped = 0

    @property
    def newest(self) -> tuple[int, Mapping[str, float]] | None:
        """The newest sample with the UTC milliseconds of its arrival; None before the first."""
        return self._last

    def add(self, values: Mapping[str, float], arrival_ms: int | None = None) -> None:
        """Take the sample that has just arrived (or arrived at `arrival_ms`); columns left out are missing.

        The same values again within a quarter of an interval are a doubled notification (a callback registered twice,
        a link-layer retransmission): counted and left out.
        """
        now = self._clock.utc_ms() if arrival_ms is None else arrival_ms
        if self._last is not None and now - self._last[0] < self._dater.dt_ms / 4 and values == self._last[1]:
            self.duplicates += 1
            return
        self._last = (now, values)
        t_ms, anew = self._dater.place(now)
        if anew and self._rows:
            self._cut()
        if not self._rows:
            self._t0_ms = t_ms
            self._off_ms = 0
        self._off_ms = max(self._off_ms, abs(t_ms - now))
        self._rows.append(values)
        if len(self._rows) * self._dater.dt_ms >= FLUSH_MS:
            self._cut()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_MS / 1000, self._cut)

    def _cut(self) -> None:
        """Close the batch in hand and see that it is written."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._rows:
            return
        columns = columns_of(self._kind, self._rows)
        batch = Batch(
            device=self._device,
            kind=self._kind,
            origin="live",
            session=self._session,
            seq=self._seq,
            t0_ms=self._t0_ms,
            dt_ms=self._dater.dt_ms,
            columns=columns,
            clock=ClockInfo("arrival", max(self._doubt_ms, self._off_ms), boot=self._boot),
        )
        self._seq += 1
        self._rows = []
        self._waiting.append(batch)
        self._bound()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    def _bound(self) -> None:
        if len(self._waiting) > KEPT_BATCHES:
            self._drop(len(self._waiting) - KEPT_BATCHES, "the disk has refused for too long")

    def _drop(self, count: int, why: str) -> None:
        lost = sum(batch.size for batch in self._waiting[:count])
        del self._waiting[:count]
        self.dropped += lost
        log.error("%s: %d live samples lost: %s", self._device, lost, why)

    async def _write(self) -> None:
        while self._waiting:
            # Out of the list while it is being written: what has to give way meanwhile is not of this group.
            group, self._waiting = self._waiting[:WRITTEN_AT_ONCE], self._waiting[WRITTEN_AT_ONCE:]
            try:
                await self._outbox.put(group)
            except OutboxError as error:
                # Kept in memory: the next flush tries again, with all that has come by then.
                log.warning("%s", error)
                self._waiting = group + self._waiting
                self._bound()
                return

    async def close(self) -> None:
        """Write what is in hand; returns when it is on disk or the disk has refused once more."""
        self._cut()
        if self._writer is not None:
            await self._writer
        if self._waiting:
            await self._write()
        if self._waiting:
            self._drop(len(self._waiting), "the disk refuses")

"""Batches and outboxes for tests of the home side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import numpy as np

from gateway.clock import SystemClock
from gateway.home.outbox import Outbox
from gateway.home.outbox.policy import OVERHEAD_BYTES
from gateway.wire.codec import decode_batch, encode_batch
from gateway.wire.messages import SCHEMA, Batch, ClockInfo, Kind, Origin

T0 = 1_790_000_000_000
DEVICE = "o2ring-0123456789"
T = TypeVar("T")


class SetClock(SystemClock):
    """Shows what it is set to."""

    now_ms = T0

    def utc_ms(self) -> int:
        return self.now_ms


def make(
    seq: int = 0,
    kind: Kind = "oximetry",
    origin: Origin = "live",
    *,
    session: str = "s",
    device: str = DEVICE,
    size: int = 2,
    revision: int = 0,
) -> Batch:
    name, dtype = next(iter(SCHEMA[kind].items()))
    columns = {name: np.full(size, seq % 100, dtype)}
    t0_ms = T0 + seq * 2000
    clock = ClockInfo("arrival", 50)
    return Batch(device, kind, origin, session, seq, t0_ms, columns, clock, dt_ms=1000, revision=revision)


def cost(batch: Batch) -> int:
    """Bytes that the outbox counts for a batch."""
    return len(encode_batch(batch)) + OVERHEAD_BYTES


async def waiting(outbox: Outbox) -> list[Batch]:
    """All that waits, in order."""
    return [decode_batch(found.payload) for found in await outbox.next(0, 1 << 30)]


def wait(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def refuse(outbox: Outbox, what: str) -> None:
    """From now on an INSERT or DELETE of a batch fails as on a broken disk: the whole transaction is rolled back."""
    trigger = f"CREATE TRIGGER refuse BEFORE {what} ON batch BEGIN SELECT RAISE(ROLLBACK, 'disk I/O error'); END"
    await outbox._journal.run(lambda database: database.execute(trigger).fetchone())


async def mend(outbox: Outbox) -> None:
    """The disk works again."""
    await outbox._journal.run(lambda database: database.execute("DROP TRIGGER refuse").fetchone())

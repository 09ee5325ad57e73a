"""Ingest on a real SQLite store and real records in a folder: what it stores, computes and answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailableError
from gateway.service.ingest.ingest import Ingest
from gateway.service.records import Desaturation, NightResult, Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import decode_acks, encode_batch
from gateway.wire.messages import Ack, Batch, ClockInfo, Origin
from tests.properties.store.reference import rows_of

GATEWAY = "home"
DEVICE = "o2ring-0123456789"
EVENING = 1_790_114_400_000  # 2026-09-22 22:00 UTC
EVER = 1 << 43

Outcome = tuple[list[Any], list[tuple[NightResult, list[Desaturation]]]]


class FaultyStore(SqliteStore):
    """A store that is away for the next `away` calls."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.away = 0
        self.tried = threading.Event()

    def submit(self, batches: Sequence[Batch], *, timeout_s: float | None = None) -> Future[int]:
        if self.away:
            self.away -= 1
            self.tried.set()
            raise StoreUnavailableError("the store is away")
        return super().submit(batches, timeout_s=timeout_s)


@dataclass
class Scene:
    """A service's inside, without broker."""

    ingest: Ingest
    store: FaultyStore
    records: Records
    acks: list[Ack] = field(default_factory=list)
    acknowledged: list[Message] = field(default_factory=list)

    def offer(self, payload: bytes, topic: str = "") -> Message:
        message = Message(topic or topics.batch(GATEWAY, DEVICE, "oximetry"), payload, 1, 1)
        self.ingest.offer(message)
        return message

    def send(self, batches: Iterable[Batch], gateway: str = GATEWAY) -> None:
        for batch in batches:
            self.offer(encode_batch(batch), topics.batch(gateway, batch.device, batch.kind))

    def answered(self, result: str) -> list[tuple[str, int]]:
        return sorted((ack.session, seq) for ack in self.acks if ack.result == result for seq in ack.seqs)

    def outcome(self) -> Outcome:
        """What the store and the records hold once all is settled."""
        self.ingest.settle()
        rows = rows_of(self.store.read(DEVICE, "oximetry", 0, EVER))
        nights = [replace(night, updated_ms=0) for night in self.records.results.nights(device=DEVICE)]
        return rows, [(night, self.records.results.desaturations(night)) for night in nights]


@contextmanager
def scene(folder: Path, *, auto_enrol: bool = True, zone: str = "UTC", start: bool = True) -> Iterator[Scene]:
    """Open what lies in `folder`, or make it."""
    acks: list[Ack] = []
    acknowledged: list[Message] = []

    class Answers:
        def answer(self, replies: Mapping[str, bytes], messages: Sequence[Message]) -> None:
            for payload in replies.values():
                acks.extend(decode_acks(payload))
            acknowledged.extend(messages)

    records = Records(folder / "records.db")
    with FaultyStore(folder / "samples.db") as store:
        ingest = Ingest(
            records,
            store,
            SystemClock(),
            Answers(),
            auto_enrol=auto_enrol,
            zone=zone,
        )
        if start:
            ingest.start()
        try:
            yield Scene(ingest, store, records, acks, acknowledged)
        finally:
            ingest.stop()
            records.close()


def night(samples: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    """SpO2 with a desaturation about every 90 s and now and then nothing."""
    chance = np.random.default_rng(seed)
    spo2 = np.full(samples, 97.0, np.float32) - (chance.random(samples) < 0.05)
    for start in range(60, samples - 40, 90):
        depth = chance.integers(3, 12)
        spo2[start : start + 15] -= np.linspace(0, depth, 15).round()
        spo2[start + 15 : start + 30] -= np.linspace(depth, 0, 15).round()
    spo2[chance.random(samples) < 0.01] = np.nan
    return spo2.astype(np.float32)


def cut(
    spo2: np.ndarray[Any, np.dtype[np.float32]],
    size: int,
    *,
    session: str = "live",
    origin: Origin = "live",
    t0_ms: int = EVENING,
    dt_ms: int = 1000,
) -> list[Batch]:
    """Batches of `size` samples of one session."""
    starts = range(0, spo2.size, size)
    return [
        Batch(
            DEVICE,
            "oximetry",
            origin,
            session,
            seq,
            t0_ms + first * dt_ms,
            {"spo2": spo2[first : first + size], "pulse": np.full(min(size, spo2.size - first), 60, np.float32)},
            ClockInfo("arrival", 50),
            dt_ms=dt_ms,
            last=origin == "stored" and seq == len(starts) - 1,
        )
        for seq, first in enumerate(starts)
    ]


def wait_for(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return when it holds."""
    waited = threading.Event()
    for _ in range(int(timeout_s / 0.01)):
        if condition():
            return
        waited.wait(0.01)
    raise AssertionError("it did not happen in time")

"""A home that was away brings an erased time's data: nothing of it is taken in, the device's other times are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailableError
from gateway.service.erasure.job import ErasureJob
from gateway.service.erasure.times import without
from gateway.service.ingest.ingest import Ingest
from gateway.service.records import ErasedTime, ErasureState, Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import decode_acks, encode_batch
from gateway.wire.messages import Ack, Batch
from tests.integration.erasure.scene import HANDED_MS, HOME, NIGHTS, RECORDER, RING, ZONE, TwoPatients, batch, same

SETTLE_S = 240.0
"""The bed's kernels may have to be compiled first."""

ERASED = (ErasedTime("e-1", RING, HANDED_MS - 60_000, HANDED_MS, False),)


def made(start_ms: int, size: int, session: str = "late") -> Batch:
    return batch("oximetry", start_ms, size, origin="live", session=session)


@pytest.mark.parametrize(
    ("start_ms", "size", "left"),
    [
        (-68_000, 2, 2),  # ends with the last interval's end where the time begins
        (-68_000, 1, 1),
        (-60_000, 1, 0),
        (-60_000, 8, 1),  # the eighth is at -4 s: within; see below
        (0, 5, 5),
        (-8_000, 5, 4),
        (-80_000, 20, 12),
        (1_000_000, 3, 3),
    ],
)
def test_what_of_a_batch_may_be_kept(start_ms: int, size: int, left: int) -> None:
    given = made(HANDED_MS + start_ms, size)
    kept = without(given, ERASED)
    inside = [time for time in given.times_ms().tolist() if HANDED_MS - 60_000 <= time < HANDED_MS]
    assert (0 if kept is None else kept.size) == size - len(inside)
    if kept is None:
        return
    assert kept.name == given.name
    assert kept.times_ms().tolist() == [time for time in given.times_ms().tolist() if time not in inside]
    places = np.searchsorted(given.times_ms(), kept.times_ms())
    for name, column in kept.columns.items():
        assert column.tobytes() == given.columns[name][places].tobytes()
    assert (kept is given) == (not inside)


class Answers:
    def __init__(self) -> None:
        self.acks: list[Ack] = []

    def answer(self, acks: Mapping[str, bytes], messages: Sequence[Message]) -> None:
        for payload in acks.values():
            self.acks += decode_acks(payload)


def test_the_service_erases_while_it_runs_and_refuses_what_comes_late(tmp_path: Path) -> None:
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    scene = TwoPatients(store, records)
    before = scene.kept()
    answers = Answers()
    clock = SystemClock()
    ingest = Ingest(records, store, clock, answers, auto_enrol=False, zone=ZONE)
    job = ErasureJob(records, store, clock, forget=ingest.forget, inside=ingest.inside)

    def send(*batches: Batch) -> None:
        for one in batches:
            ingest.offer(Message(topics.batch(HOME, RING, "oximetry"), encode_batch(one), 1, 1))
        ingest.settle(SETTLE_S)

    ingest.start()
    job.start()
    try:
        ingest.settle(SETTLE_S)
        assert records.results.night(RING, NIGHTS[0]) is not None
        erasure = scene.ask()
        job.wake()
        for _ in range(300):
            found = records.erasures.get(erasure)
            assert found is not None
            if found.state is ErasureState.DONE:
                break
            clock_wait(0.1)
        assert found.state is ErasureState.DONE, found
        assert job.counters["erasures_done"] == 1
        ingest.settle(SETTLE_S)
        measured, now = ({key: one for key, one in all_.items() if key[0] != "bed"} for all_ in (before, scene.kept()))
        assert same(measured, now), "all but the epochs of the night that was shared, which are made anew"
        theirs = made(HANDED_MS - 8 * 600_000, 60, "a")
        across = made(HANDED_MS - 8 * 30_000, 60, "b")
        others = made(HANDED_MS + 40_000_000, 60, "c")
        send(theirs, across, others)
        assert ingest.counters.erased == 60 + 30
        assert {(ack.session, ack.result) for ack in answers.acks} == {
            ("a", "set_aside"),
            ("b", "stored"),
            ("c", "stored"),
        }
        assert records.set_aside.counts() == {"bad_batch": 1, "bad_message": 1}, "nothing of it is kept"
        assert len(store.read(RING, "oximetry", 0, HANDED_MS)) == 0
        assert len(store.read(RING, "oximetry", HANDED_MS + 40_000_000, HANDED_MS + 41_000_000)) == 60
        # What is left of the night that was shared tells of the other alone.
        assert records.results.night(RING, NIGHTS[0]) is None
        shared = records.results.night(RING, NIGHTS[1])
        assert shared is not None
        assert shared.start_ms >= HANDED_MS
        assert records.results.night(RECORDER, NIGHTS[0]) is None
        assert ingest.problem is None
        assert ingest.counters.failed_groups == 0
    finally:
        job.stop()
        ingest.stop()
        with pytest.raises(StoreUnavailableError):
            ingest.inside(lambda: True)
        store.close()
        records.close()


def clock_wait(seconds: float) -> None:
    """A bounded wait for another thread."""
    import threading

    threading.Event().wait(seconds)

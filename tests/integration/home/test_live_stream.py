"""A live stream on its way to the disk: in time, once, and over a disk that refuses for a while."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from gateway.home.collect import live
from gateway.home.collect.live import LiveStream
from gateway.home.outbox import Outbox
from simulators.timeloop import SimulatedClock, run
from tests.integration.home.boxes import DEVICE, mend, refuse, waiting

EPOCH = 1_790_000_000_000


def open_stream(box: Outbox, clock: SimulatedClock, dt_ms: int = 1000) -> LiveStream:
    return LiveStream(box, clock, device=DEVICE, kind="oximetry", dt_ms=dt_ms, boot=3)


def values(batches: list) -> list[float]:  # type: ignore[type-arg]
    return [value for batch in batches for value in batch.columns["spo2"].tolist()]


@pytest.mark.parametrize(("dt_ms", "samples"), [(250, 8), (1000, 2), (2000, 1), (4000, 1)])
def test_batches_hold_two_seconds(tmp_path: Path, dt_ms: int, samples: int) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock, dt_ms)
        for number in range(16):
            stream.add({"spo2": float(number)})
            await clock.sleep(dt_ms / 1000)
        batches = await waiting(box)
        assert {batch.size for batch in batches} == {samples}
        assert values(batches) == list(range(16))
        first = batches[0]
        assert (first.t0_ms, first.dt_ms, first.origin) == (EPOCH, dt_ms, "live")
        assert (first.clock.source, first.clock.boot) == ("arrival", 3)
        assert first.clock.uncertainty_ms == max(50, dt_ms // 2)
        await stream.close()
        box.close()

    run(main, epoch_ms=EPOCH)


def test_one_sample_and_then_nothing_is_on_disk_two_seconds_later(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock)
        stream.add({"spo2": 97.0})
        await clock.sleep(1.9)
        assert await waiting(box) == []
        await clock.sleep(0.2)
        assert values(await waiting(box)) == [97.0]
        await stream.close()
        assert len(await waiting(box)) == 1
        box.close()

    run(main, epoch_ms=EPOCH)


def test_a_gap_starts_a_new_batch_so_that_none_spans_it(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock, 250)
        for number in range(6):
            stream.add({"spo2": float(number)})
            await clock.sleep(0.25 if number != 2 else 0.7)
        await stream.close()
        batches = await waiting(box)
        assert [batch.columns["spo2"].tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5]]
        assert [batch.t0_ms - EPOCH for batch in batches] == [0, 1200]
        assert [batch.seq for batch in batches] == [0, 1]
        box.close()

    run(main, epoch_ms=EPOCH)


def test_a_notification_heard_twice_counts_once_and_the_same_value_a_step_later_is_a_sample(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock)
        for _ in range(4):
            stream.add({"spo2": 97.0})
            await clock.sleep(0.01)
            stream.add({"spo2": 97.0})
            await clock.sleep(0.99)
        await stream.close()
        assert (len(values(await waiting(box))), stream.duplicates) == (4, 4)
        box.close()

    run(main, epoch_ms=EPOCH)


def test_what_the_disk_refuses_is_kept_in_memory_and_written_in_order_when_it_takes_again(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock)
        for number in range(700):
            if number == 10:
                await refuse(box, "INSERT")
            if number == 600:
                await mend(box)
            stream.add({"spo2": float(number)})
            await clock.sleep(1)
            if number == 500:
                assert values(await waiting(box)) == list(range(10))
        await stream.close()
        batches = await waiting(box)
        assert values(batches) == list(range(700))
        assert [batch.seq for batch in batches] == list(range(350))
        assert stream.dropped == 0
        box.close()

    run(main, epoch_ms=EPOCH)


def test_memory_is_bounded_the_oldest_goes_and_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "KEPT_BATCHES", 20)

    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock)
        await refuse(box, "INSERT")
        for number in range(100):
            stream.add({"spo2": float(number)})
            await clock.sleep(1)
            assert len(stream._waiting) <= 20
        await mend(box)
        await stream.close()
        kept = values(await waiting(box))
        assert kept == list(range(60, 100))
        assert stream.dropped == 60
        box.close()

    run(main, epoch_ms=EPOCH)


def test_a_stream_that_ends_while_the_disk_refuses_says_what_it_lost(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock)
        await refuse(box, "INSERT")
        for number in range(5):
            stream.add({"spo2": float(number)})
            await clock.sleep(1)
        await stream.close()
        assert stream.dropped == 5
        assert await waiting(box) == []
        box.close()

    run(main, epoch_ms=EPOCH)


def test_after_a_burst_the_batches_say_how_far_they_are_from_their_arrival(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        stream = open_stream(box, clock)
        number = itertools.count()
        stream.add({"spo2": float(next(number))})
        await clock.sleep(5)
        for _ in range(5):
            stream.add({"spo2": float(next(number))})
        await clock.sleep(1)
        await stream.close()
        batches = await waiting(box)
        assert values(batches) == list(range(6))
        stated = [batch.clock.uncertainty_ms for batch in batches]
        assert stated[0] == 500
        assert max(stated) == 4000
        box.close()

    run(main, epoch_ms=EPOCH)

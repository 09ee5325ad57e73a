"""Rings beside the bed: pulled whole, dated right, left alone, over every mishap of the radio."""

from __future__ import annotations

import itertools
from pathlib import Path

from gateway.home.collect import collector as collecting
from gateway.home.outbox import Limits
from simulators.devices import O2Ring
from simulators.timeloop import SimulatedClock
from tests.integration.home.bedside import (
    RING,
    T0,
    Bedside,
    bedside,
    live_through,
    local_now,
    samples_of_file,
    stored_samples,
    trace,
)


async def pulled(side: Bedside, ring: O2Ring, files: int = 1, most_s: float = 3600.0) -> list[tuple[int, float, float]]:
    """Wait until that many files are in the outbox; returns their samples."""

    async def there() -> bool:
        return sum(batch.last for batch in await side.batches(origin="stored")) >= files

    await side.until(there, most_s)
    return stored_samples(await side.batches(origin="stored"))


def test_a_recording_is_pulled_once_whole_and_the_link_let_go(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            ring = await side.ring(trace(900))
            samples = await pulled(side, ring)
            [data] = ring.files.values()
            assert samples == samples_of_file(data)
            assert side.progress[-1][1] == side.progress[-1][2] == len(data)
            await clock.sleep(5)
            assert not ring.connected
            before = len(await side.batches("device"))
            await clock.sleep(550)
            assert len(await side.batches("device")) == before  # left alone: it could sleep
            await clock.sleep(1500)
            assert stored_samples(await side.batches(origin="stored")) == samples
            batches = await side.batches(origin="stored")
            assert {batch.device for batch in batches} == {RING}
            assert [batch.seq for batch in batches] == list(range(len(batches)))
            assert {batch.clock.source for batch in batches} == {"anchors"}
            [known] = side.collector.known.values()
            assert (known.device, known.model, known.last_pull_ms > T0) == (RING, "1652", True)

    live_through(main)


def test_a_link_that_drops_again_and_again_resumes_at_the_offset(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            ring = await side.ring(trace(9000), interval_s=1.0)
            await side.until(lambda: _recorded(ring), 12_000)
            [data] = ring.files.values()
            faults = side.ether.faults(ring.radio)
            drops = 0
            while not await side.batches(origin="stored"):
                if not ring.connected:
                    faults.drop_link_after(bytes=len(data) // 4)
                    drops += 1
                    ring.wake()
                await clock.sleep(0.5)
                assert drops < 2000
            assert stored_samples(await side.batches(origin="stored")) == samples_of_file(data)
            assert side.collector.failures >= 3
            # each visit reads the first block again, to see that it is the same file, and goes on behind the last
            reached = [done for name, done, _ in side.progress]
            reread = sum(1 for earlier, later in itertools.pairwise(reached) if later <= earlier)
            assert reread <= 3 * side.collector.failures
            assert len(reached) * 512 <= len(data) + 512 * 6 * (side.collector.failures + 1)

    async def _recorded(ring: O2Ring) -> bool:
        return bool(ring.files)

    live_through(main)


def test_a_device_that_refuses_is_tried_less_and_less_often(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            ring = await side.ring(trace(20_000))
            side.ether.faults(ring.radio).refuse_connections(100_000)
            times: list[float] = []
            failures = 0
            while len(times) < 12:
                await clock.sleep(1)
                if side.collector.failures > failures:
                    failures = side.collector.failures
                    times.append(clock.monotonic_s())
            waits = [later - earlier for earlier, later in itertools.pairwise(times)]
            assert waits[0] < waits[3] < waits[6]
            assert min(waits[-3:]) >= 0.75 * collecting.BACKOFF_MOST_S
            assert max(waits) <= 1.2 * collecting.BACKOFF_MOST_S + 60
            side.ether.faults(ring.radio).clear()
            [place] = side.collector._places.values()
            await side.until(lambda: _visited(side), 500)
            await clock.sleep(5)
            assert place.failures == 0

    async def _visited(side: Bedside) -> bool:
        return bool(await side.batches("device"))

    live_through(main)


def test_several_devices_at_once(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            rings = [await side.ring(trace(600, seed=n), serial=f"26000000{n:02}") for n in range(3)]
            oximeter = await side.oximeter(trace(900), serial="9", spot_every_s=0)
            await pulled(side, rings[0], files=3)
            stored = await side.batches(origin="stored")
            assert len({batch.device for batch in stored}) == 3
            wanted = sorted(
                sample for ring in rings for data in ring.files.values() for sample in samples_of_file(data)
            )
            assert stored_samples(stored) == wanted
            live = await side.batches(origin="live")
            assert oximeter.connected  # its stream went on beside the pulls
            assert sum(batch.size for batch in live) >= 0.95 * (clock.utc_ms() - T0) / 1000 - 30

    live_through(main)


def test_a_ring_whose_clock_is_far_off_is_set_and_what_it_recorded_before_is_dated_right(tmp_path: Path) -> None:
    off_ms = -3_600_000 * 24 * 400

    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            # worn from the start: the gateway meets it while it records with the wrong clock
            ring = await side.ring(trace(900, start_s=0), trace(600, start_s=3000), wrong_s=off_ms / 1000)
            first = await pulled(side, ring, 1)
            [data] = ring.files.values()
            wanted = samples_of_file(data, off_ms)
            assert [sample[1:] for sample in first] == [sample[1:] for sample in wanted]
            assert max(abs(a[0] - b[0]) for a, b in zip(first, wanted, strict=True)) <= 1100
            both = await pulled(side, ring, 2, 7200)
            assert abs((ring.own_clock.local() - local_now(clock)).total_seconds()) < 2
            second = both[len(first) :]
            assert abs(second[0][0] - (T0 + 3_000_000)) <= 1100
            assert abs(first[0][0] - T0) <= 1100

    live_through(main)


def test_a_battery_pulled_between_two_recordings(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            ring = await side.ring(trace(600), trace(600, start_s=4000))
            first = await pulled(side, ring)
            assert abs(first[0][0] - (T0 + 5_000)) <= 1100
            await clock.sleep(1000)
            await ring.reset("C4:00:00:00:00:77")  # its clock counts from 2015 on, and its address is another
            both = await pulled(side, ring, 2, 9000)
            assert {batch.device for batch in await side.batches(origin="stored")} == {RING}
            assert abs(both[len(first)][0] - (T0 + 4_000_000)) <= 1100
            assert both[: len(first)] == first

    live_through(main)


def test_a_battery_that_ran_empty_twice_before_the_ring_was_met_again(tmp_path: Path) -> None:
    """No contact ties the clock of the time between to ours, and an earlier mishap had shown the same time of 2015."""

    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            mishap = trace(400, start_s=1_700)
            ring = await side.ring(trace(600), mishap, trace(900, start_s=20_000), sleep_s=3_600.0)
            await pulled(side, ring)
            await clock.sleep(1_600 - clock.monotonic_s())
            await ring.empty_battery()
            ring.battery.charge()
            await ring.start()
            await pulled(side, ring, 2, 3_000)
            await clock.sleep(19_980 - clock.monotonic_s())
            side.ether.faults(ring.radio).silence()
            for worn_s in (250, 1):
                await ring.empty_battery()
                await clock.sleep(150)
                ring.battery.charge()
                await ring.start()
                await clock.sleep(worn_s)
            side.ether.faults(ring.radio).come_back()
            await pulled(side, ring, 4, 7_200)
            batches = await side.batches(origin="stored")
            doubtful = [batch for batch in batches if batch.clock.uncertainty_ms > 10_000]
            assert doubtful
            [session] = {batch.session for batch in doubtful}
            first = doubtful[0]
            truth_ms = T0 + 20_130_000  # worn already when it was charged
            assert abs(first.t0_ms - truth_ms) <= first.clock.uncertainty_ms
            assert first.clock.boot is None
            values = [sample[1:] for sample in stored_samples(doubtful)]
            told = [[sample[1:] for sample in samples_of_file(data)] for data in ring.files.values()]
            assert told.count(values) == 1
            assert len({batch.session for batch in batches}) == len(ring.files) == 4
            assert session in {batch.session for batch in batches}

    live_through(main)


def test_a_nearly_full_outbox_leaves_the_files_on_the_ring_until_there_is_room(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path, limits=Limits(1 << 20, stored_fraction=0.0)) as side:
            ring = await side.ring(trace(600), sleep_s=20_000.0)
            await clock.sleep(3000)
            assert await side.batches(origin="stored") == []
            assert len(ring.memory) == 1
            use = await side.outbox.use()
            assert use.counters["refused_pulls"] >= 2
            assert side.collector.failures == 0
            side.outbox._limits = Limits(1 << 20)
            samples = await pulled(side, ring)
            assert samples == samples_of_file(*ring.files.values())

    live_through(main)


def test_duplicated_notifications_change_nothing(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            ring = await side.ring(trace(900))
            side.ether.faults(ring.radio).duplicate_notifications(1, probability=0.3)
            assert await pulled(side, ring) == samples_of_file(*ring.files.values())

    live_through(main)


def test_a_wedged_adapter_and_a_silent_scanner_are_started_again(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            side.adapter.wedge()
            ring = await side.ring(trace(900))
            await clock.sleep(400)
            assert side.collector.repairs.total() + ("adapter_unavailable" in side.collector.notices) >= 1
            assert await side.batches("device") == []
            side.adapter.unwedge()
            await pulled(side, ring)
            assert "adapter_unavailable" not in side.collector.notices
            side.adapter.power_off()
            await clock.sleep(300)
            assert "adapter_unavailable" in side.collector.notices
            side.adapter.power_on()
            ring.wake()
            await clock.sleep(900)
            assert "adapter_unavailable" not in side.collector.notices

    live_through(main)


def test_a_recording_that_the_ring_has_not_finished_is_not_delivered_and_those_behind_it_are(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            ring = await side.ring(trace(300, start_s=5), trace(300, start_s=700), sleep_s=20_000.0)
            side.adapter.power_off()
            await clock.sleep(1400)
            first, second = ring.memory
            whole = ring.memory[first]
            ring.recorder.memory[first] = whole[:-20]  # as it is while the ring still writes it
            side.adapter.power_on()
            samples = await pulled(side, ring)
            assert samples == samples_of_file(ring.files[second])
            assert side.collector.failures >= 1
            ring.recorder.memory[first] = whole
            both = await pulled(side, ring, 2)
            assert both == sorted(samples_of_file(whole) + samples)

    live_through(main)


def test_live_and_stored_of_one_night(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path, mode="both", live_ms=4000) as side:
            ring = await side.ring(trace(900, start_s=0))
            stored = await pulled(side, ring)
            assert stored == samples_of_file(*ring.files.values())
            live = await side.batches(origin="live")
            values = stored_samples(live)
            assert len(values) >= 200
            true = {frame.utc_ms: frame for frame in ring.delivered_live}
            assert len(values) <= len(true)
            assert all(min(abs(time - sent) for sent in true) <= 2000 for time, _, _ in values)

    live_through(main)

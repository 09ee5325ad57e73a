"""Oximeters of the SIG's profile: the stream of the night, and spot-checks that nobody was there to hear."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.home.devices.plx.protocol import decode_continuous, decode_spot_check
from simulators.devices import PulseOximeter
from simulators.devices.spot_memory import ALL_OPERATORS, ONLY_ALL, Report, StoredSpotCheck
from simulators.timeloop import SimulatedClock
from tests.integration.home.bedside import OXIMETER, T0, Bedside, bedside, live_through, stored_samples, trace


async def spots_of(side: Bedside) -> list[float]:
    """SpO2 of the stored samples, by time; each once, however often it was reported."""
    return [spo2 for _, spo2, _ in sorted(set(stored_samples(await side.batches(origin="stored"))))]


def sent_spots(oximeter: PulseOximeter) -> list[float]:
    truth = {sent.utc_ms: decode_spot_check(sent.value).vitals.spo2_pct for sent in oximeter.delivered_spots}
    return [spo2 for _, spo2 in sorted(truth.items())]


def test_a_night_is_streamed_as_it_is_measured(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            oximeter = await side.oximeter(trace(1200, start_s=0), spot_every_s=30)
            await clock.sleep(600)
            side.ether.drop_link(oximeter.radio)
            await clock.sleep(600)
            await oximeter.stop()
            await clock.sleep(10)
            batches = await side.batches(origin="live")
            assert {batch.device for batch in batches} == {OXIMETER}
            assert len({batch.session for batch in batches}) == 2
            times = [time for time, _, _ in stored_samples(batches)]
            true = {sent.utc_ms: decode_continuous(sent.value).normal.spo2_pct for sent in oximeter.delivered_live}
            assert len(true) - 3 <= len(times) <= len(true)
            assert {after - before for before, after in itertools.pairwise(times) if after - before < 1500} <= {
                *range(900, 1101)
            }
            for time, spo2, _ in stored_samples(batches):
                nearest = min(true, key=lambda sent: abs(sent - time))
                assert abs(nearest - time) <= 500
                assert true[nearest] == spo2
            # the stored spot-checks of the minute without a link, and none of those made beside the stream: they
            # would hide it
            stored = await side.batches(origin="stored")
            assert sum(batch.end_ms - batch.t0_ms for batch in stored) <= 60_000

    live_through(main)


@pytest.mark.parametrize("operators", [ALL_OPERATORS, ONLY_ALL])
def test_spot_checks_made_while_they_are_reported_are_neither_lost_nor_deleted_unseen(
    tmp_path: Path, operators: frozenset[object]
) -> None:
    """With a device that compares times, and with one that can only delete all."""

    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            side.adapter.power_off()
            # so often that some are made during each report
            oximeter = await side.oximeter(trace(1200, start_s=0), spot_every_s=1, operators=operators)
            await clock.sleep(150)
            made = {record.utc_ms: record.measurement.vitals.spo2_pct for record in oximeter.memory.records}
            assert len(made) > 120
            deleted: list[object] = []
            late: list[StoredSpotCheck] = []
            answer = oximeter.memory.answer

            def watched(request: object) -> object:
                before = oximeter.memory.records
                result = answer(request)  # type: ignore[arg-type]  # whatever it was asked
                if isinstance(result, Report) and len(late) < 2:  # and now, while these are on their way, one more
                    newest = before[-1]
                    now = newest.local + timedelta(seconds=1)
                    measurement = replace(newest.measurement, timestamp=now)
                    late.append(StoredSpotCheck(measurement, now, newest.utc_ms + 1000))
                    oximeter.memory.add(late[-1])
                kept = set(map(id, oximeter.memory.records))
                deleted.extend(record for record in before if id(record) not in kept)
                return result

            oximeter.memory.answer = watched  # type: ignore[assignment,method-assign]  # listens in
            side.adapter.power_on()
            await clock.sleep(60)
            await oximeter.stop()
            await clock.sleep(10)
            assert len(deleted) > 120
            assert late
            stored = set(await spots_of_times(side))
            for record in deleted:
                assert record.utc_ms // 1000 in stored  # type: ignore[attr-defined]  # a stored spot-check
            sent = {one.utc_ms: one.value for one in oximeter.delivered_spots}
            assert set(made) <= set(sent)
            # what came during a report was itself reported before it was deleted, or is still there
            assert all(record.utc_ms in sent or record in oximeter.memory.records for record in late)

    async def spots_of_times(side: Bedside) -> list[int]:
        return [time // 1000 for time, _, _ in stored_samples(await side.batches(origin="stored"))]

    live_through(main)


def test_stored_spot_checks_are_runs_that_cover_only_the_time_they_were_made_in(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with bedside(clock, tmp_path) as side:
            side.adapter.power_off()
            oximeter = await side.oximeter(trace(300, start_s=0), trace(300, start_s=1200), spot_every_s=30)
            await clock.sleep(1600)
            kept = len(oximeter.memory.records)
            side.adapter.power_on()
            await clock.sleep(120)
            batches = await side.batches(origin="stored")
            sessions = {batch.session for batch in batches}
            assert len(sessions) == 2
            assert sum(batch.size for batch in batches) == kept
            for batch in batches:
                assert batch.end_ms - batch.t0_ms <= 300_000
                assert batch.last
            assert oximeter.memory.records == ()
            assert await spots_of(side) == sent_spots(oximeter)
            assert abs(batches[0].t0_ms - (T0 + 30_000)) <= 1100

    live_through(main)

"""Whole nights with something in them that is nobody's fault: clocks, seasons, hands that are washed, long journeys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.home.collect.recovery import Rung
from gateway.service.nights import night_of
from simulators.devices import Finger, O2Ring, RingOptions
from simulators.timeloop import SimulatedClock
from tests.integration.faults.families import O2RING as RING
from tests.integration.faults.families import PLX as OXIMETER
from tests.integration.faults.families import vld_values
from tests.integration.faults.household import T0, Household, gaps, household, live_through, trace, untrue

BERLIN = ZoneInfo("Europe/Berlin")


async def until_stored(home: Household, ring: O2Ring, files: int) -> None:
    async def arrived() -> bool:
        await home.into_store()
        covers = home.store.sessions(RING.device, "oximetry", 0, 1 << 42)
        return sum(cover.complete for cover in covers if cover.origin == "stored") >= files

    await home.until(arrived, 20_000)


def test_a_ring_taken_off_and_put_on_again_makes_one_night(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path, zone=BERLIN) as home:
            night = trace(1500, T0 + 5_000, off=(500, 900))
            ring = await RING.put(home, night)
            assert isinstance(ring, O2Ring)
            await until_stored(home, ring, 2)
            found = home.rows(RING.device)
            assert [row[1:] for row in found] == [row for data in ring.files.values() for row in vld_values(data)]
            worn = [row for row in found if row[1] >= 0]
            [(start, end)] = gaps(worn, 4_100)
            assert abs(start - (T0 + 505_000)) <= 5_100
            assert abs(end - (T0 + 905_000)) <= 5_100
            assert untrue(worn, night, 1_100) == []
            assert len({night_of(row[0], "Europe/Berlin") for row in found}) == 1

    live_through(main)


def test_the_stored_file_takes_the_place_of_the_live_stream_of_the_same_night(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path, mode="both") as home:
            night = trace(900, T0)
            ring = await RING.put(home, night)
            assert isinstance(ring, O2Ring)
            await clock.sleep(400)
            home.ether.drop_link(ring.radio)
            await clock.sleep(30)
            await home.into_store()
            early = home.rows(RING.device)
            assert len(early) >= 90  # live, while there is nothing better
            await until_stored(home, ring, 1)
            [data] = ring.files.values()
            stored, live = (home.rows(RING.device, origin=origin) for origin in ("stored", "live"))
            assert [row[1:] for row in stored] == vld_values(data)
            assert {row[0] for row in early} <= {row[0] for row in live}  # what was live is never moved
            first, last = stored[0][0], stored[-1][0] + 4_000
            wanted = sorted(stored + [row for row in live if not first <= row[0] < last])
            assert home.rows(RING.device) == wanted
            assert gaps(wanted, 8_000) == []

    live_through(main)


def test_several_devices_at_once_over_the_same_faults(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            night = trace(900, T0 + 5_000)
            ring = await RING.put(home, night)
            oximeter = await OXIMETER.put(home, night)
            await clock.sleep(200)
            start = clock.utc_ms()
            home.adapter.wedge()
            home.ether.drop_link(oximeter.radio)
            await home.until(lambda: not home.adapter.wedged, 600)
            assert home.repairs.done == ["power_cycle"]
            end = clock.utc_ms()
            assert isinstance(ring, O2Ring)
            await until_stored(home, ring, 1)
            RING.check(home, ring, night, None)
            rows = [row for row in home.rows(OXIMETER.device) if row[1] >= 0]
            assert untrue(rows, night, 600) == []
            assert all(start - 3_000 <= a and b <= end + 60_000 for a, b in gaps(rows, 2_500))

    live_through(main)


@pytest.mark.parametrize(
    "ahead_ms", [-5 * 3_600_000, 3 * 3_600_000, -400 * 86_400_000], ids=["behind", "ahead", "1970s"]
)
def test_a_gateway_whose_clock_was_wrong_until_the_network_came(tmp_path: Path, ahead_ms: int) -> None:
    """A small computer without a battery for its clock: what the ring stored is dated right all the same."""

    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            home.host.ahead_ms = ahead_ms
            await home.stop_gateway()
            home.start_gateway()
            night = trace(900, T0 + 5_000)
            ring = await RING.put(home, night)
            assert isinstance(ring, O2Ring)
            await clock.sleep(300)
            assert home.collector.known  # it has met the ring, and may have set its clock wrong
            home.host.ahead_ms = 0
            await until_stored(home, ring, 1)
            RING.check(home, ring, night, None)
            assert home.collector.clock_steps == 1
            # and the next night, with the clock set back by the gateway
            second = trace(600, clock.utc_ms() + 3_600_000)
            ring.finger.wear(second)
            await until_stored(home, ring, 2)
            later = [row for row in home.rows(RING.device) if row[0] >= second.start_utc_ms - 2_000]
            assert len(later) >= 150
            assert untrue(later, second, 1_100) == []

    live_through(main)


@pytest.mark.parametrize(
    ("evening", "change"),
    [("2026-10-25T00:20", "the clocks go back"), ("2026-03-29T00:20", "the clocks go forward")],
)
def test_the_night_in_which_the_clocks_change_is_dated_right_and_stays_one(
    tmp_path: Path, evening: str, change: str
) -> None:
    """01:00 UTC is the hour of the change in Berlin; the ring knows no zone and keeps its own time."""
    epoch_ms = int(datetime.fromisoformat(evening).replace(tzinfo=UTC).timestamp() * 1000)

    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path, zone=BERLIN) as home:
            first = trace(4_800, epoch_ms + 5_000)
            second = trace(900, epoch_ms + 8_000_000)
            ring = await RING.put(home, first)
            assert isinstance(ring, O2Ring)
            ring.finger.wear(second)
            await until_stored(home, ring, 2)
            found = home.rows(RING.device)
            early = [row for row in found if row[0] < second.start_utc_ms - 2_000]
            late = found[len(early) :]
            assert [row[1:] for row in found] == [row for data in ring.files.values() for row in vld_values(data)]
            assert untrue(early, first, 1_100) == []
            assert untrue(late, second, 1_100) == []
            assert gaps(early, 4_100) == []
            assert len({night_of(row[0], "Europe/Berlin") for row in found}) == 1
            # and the ring shows the new time
            local = datetime.fromtimestamp(clock.utc_ms() / 1000, BERLIN).replace(tzinfo=None)
            assert abs((ring.own_clock.local() - local).total_seconds()) < 90, change

    live_through(main, epoch_ms=epoch_ms)


def test_weeks_without_the_internet_wait_in_the_outbox_over_reboots(tmp_path: Path) -> None:
    nights = 10

    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            traces = [trace(240, T0 + 5_000 + n * 86_400_000) for n in range(nights)]
            ring = await RING.put(home, traces[0])
            assert isinstance(ring, O2Ring)
            for n in range(nights):
                await clock.sleep(1_500)
                await ring.stop()  # by day, in its charger
                if n % 7 == 3:
                    await home.stop_gateway()
                    await clock.sleep(600)
                    home.start_gateway()
                await clock.sleep((T0 + (n + 1) * 86_400_000 - clock.utc_ms()) / 1000)
                if n + 1 < nights:
                    ring.finger.wear(traces[n + 1])
                    await ring.start()
            assert home.rows(RING.device) == []
            await home.into_store()
            found = home.rows(RING.device)
            assert [row[1:] for row in found] == [row for data in ring.files.values() for row in vld_values(data)]
            days = np.array([row[0] for row in found]) - T0
            assert sorted(set((days // 86_400_000).tolist())) == list(range(nights))
            for night in traces:
                own = [row for row in found if night.start_utc_ms - 3_000 <= row[0] < night.end_utc_ms + 130_000]
                assert untrue([row for row in own if row[1] >= 0], night, 1_100) == []

    live_through(main)


def test_two_nights_that_come_by_the_same_name_are_two_nights(tmp_path: Path) -> None:
    """A battery that runs empty each day: the ring's clock begins at 2015 each evening, and so do its files' names."""

    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            ring = O2Ring(
                await home.ether.add_peripheral(rssi_dbm=-58),
                clock,
                Finger(),
                serial="2609140042",
                own_clock=home.local_clock(),
                options=RingOptions(keeps=1, sleep_s=3_600.0),  # met, whenever the visit before it was
            )
            names = []
            for n in range(3):
                night = trace(300, clock.utc_ms())
                ring.own_clock.lose()
                ring.finger.wear(night)
                await ring.start()
                await until_stored(home, ring, 2 * n + 1)
                [(name, data)] = ring.files.items()
                names.append(name)
                found = [row for row in home.rows(RING.device) if row[0] >= night.start_utc_ms - 2_000]
                assert [row[1:] for row in found] == vld_values(data)
                assert untrue([row for row in found if row[1] >= 0], night, 1_100) == []
                # another recording takes its place in the ring's memory
                other = trace(200, clock.utc_ms() + 60_000)
                ring.finger.wear(other)
                await until_stored(home, ring, 2 * n + 2)
                await ring.stop()
                ring.recorder.files.clear()
                await clock.sleep(20_000)
            assert len(set(names)) == 1

    live_through(main)


def test_nights_that_the_ring_itself_forgot_while_the_gateway_was_away_are_gaps_and_nothing_else(
    tmp_path: Path,
) -> None:
    """It keeps four recordings: of six recordings without a gateway two are gone, from the ring itself."""

    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            await home.stop_gateway()
            traces = [trace(240, T0 + 5_000 + n * 43_200_000) for n in range(6)]
            ring = O2Ring(
                await home.ether.add_peripheral(rssi_dbm=-58),
                clock,
                Finger(traces),
                serial="2609140042",
                own_clock=home.local_clock(),
                options=RingOptions(keeps=4),
            )
            await ring.start()
            await clock.sleep(5 * 43_200 + 500)
            home.start_gateway()
            ring.wake()
            await until_stored(home, ring, 4)
            found = home.rows(RING.device)
            assert [row[1:] for row in found] == [row for data in ring.memory.values() for row in vld_values(data)]
            assert {(row[0] - T0) // 43_200_000 for row in found} == {2, 3, 4, 5}

    live_through(main)


def test_a_radio_that_nothing_cures_is_reported_and_the_ladder_goes_on_by_turns(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            home.repairs.cure = "nothing"
            home.adapter.wedge()
            await clock.sleep(330)
            assert "radio_silent" not in home.collector.notices
            await clock.sleep(90)
            assert "radio_silent" in home.collector.notices
            assert home.repairs.done == ["power_cycle", "restart_service"]
            await clock.sleep(3_600)
            assert home.repairs.done[2:4] == ["power_cycle", "restart_service"]
            assert home.collector.repairs.total() <= 10
            home.adapter.unwedge()
            ring = await RING.put(home, trace(600, clock.utc_ms()))
            await clock.sleep(60)
            assert "radio_silent" not in home.collector.notices
            assert isinstance(ring, O2Ring)
            await until_stored(home, ring, 1)

    live_through(main)


def test_a_silent_scanner_is_only_started_again_while_a_device_is_connected(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            night = trace(3_000, T0 + 5_000)
            oximeter = await OXIMETER.put(home, night)
            await clock.sleep(60)
            home.adapter.wedge()  # links stay up
            await clock.sleep(2_500)
            assert home.repairs.done == []
            assert home.collector.repairs[Rung.RESCAN] >= 3
            assert oximeter.connected
            home.adapter.unwedge()
            await clock.sleep(500)
            await home.into_store()
            assert gaps([row for row in home.rows(OXIMETER.device) if row[1] >= 0], 2_500) == []

    live_through(main)

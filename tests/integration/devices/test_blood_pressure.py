"""Blood pressure meters: spot measurements by their own clock, one patient never taken for another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DeviceError
from gateway.home.devices.blood_pressure.driver import BloodPressureDriver
from gateway.home.devices.driver import After
from gateway.wire.messages import device_id
from simulators.devices import BloodPressureMeter, DeviceClock, MeterOptions
from tests.integration.devices.conformance.stand import SERIAL, Stand, local_now, stand


async def meter_of(side: Stand, *, wrong_s: float = 0.0, serial: str = SERIAL, **options: Any) -> BloodPressureMeter:
    meter = BloodPressureMeter(
        await side.ether.add_peripheral(rssi_dbm=-58),
        side.clock,
        serial=serial,
        own_clock=DeviceClock(side.clock, local_now(side.clock) + timedelta(seconds=wrong_s)),
        options=MeterOptions(**options),
    )
    await meter.start()
    return meter


async def visit(side: Stand, meter: BloodPressureMeter) -> After:
    return await asyncio.wait_for(side.visit(BloodPressureDriver, meter, "stored"), 120)


@pytest.mark.parametrize("wrong_s", [0.0, -40_000_000.0, 7200.0])
def test_measurements_of_the_day_are_dated_by_the_meters_clock_which_is_set_behind_them(
    wrong_s: float, tmp_path: Path
) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side, wrong_s=wrong_s)
        for number in range(4):
            meter.take(120.0 + number, 80.0)
            await side.clock.sleep(1800.5)
        assert await visit(side, meter) is After.REST
        rows = await side.rows("blood_pressure", "stored")
        assert [row.values for row in rows] == [(120.0 + n, 80.0, round(80 + (40 + n) / 3), 60.0) for n in range(4)]
        for row, taken in zip(rows, meter.taken, strict=True):
            assert abs(row.t_ms - taken.utc_ms) <= row.uncertainty_ms <= 1800
        assert meter.waiting == []
        assert abs(meter.own_clock.local() - local_now(side.clock)) < timedelta(seconds=1)

    stand(tmp_path, story)


def test_each_user_of_a_meter_is_a_device_of_its_own(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side)
        for user, systolic in ((1, 121.0), (2, 152.0), (1, 122.0), (None, 133.0)):
            meter.take(systolic, 80.0, user=user)
            await side.clock.sleep(2)
        await visit(side, meter)
        batches = await side.batches("blood_pressure", "stored")
        found = {(batch.device, batch.columns["systolic"].tolist()[0]) for batch in batches}
        first, second, nobody = (device_id("bp", name) for name in (f"{SERIAL}/1", f"{SERIAL}/2", SERIAL))
        assert found == {(first, 121.0), (first, 122.0), (second, 152.0), (nobody, 133.0)}

    stand(tmp_path, story)


def test_users_of_a_meter_that_tells_no_serial_number_are_set_aside(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side, serial="00000000")  # what a vendor forgot to fill in
        meter.take(121.0, 80.0, user=1)
        meter.take(150.0, 80.0)
        await visit(side, meter)
        [row] = await side.rows("blood_pressure", "stored")
        assert row.values[0] == 150.0
        [kept] = await side.outbox.set_aside.newest()
        assert "users" in kept.reason

    stand(tmp_path, story)


@pytest.mark.parametrize(("wrong_s", "taken"), [(0.0, True), (500.0, True), (700.0, False), (-86_400.0, False)])
def test_a_stamp_of_a_clock_that_cannot_be_read_is_believed_only_near_the_homes_time(
    wrong_s: float, taken: bool, tmp_path: Path
) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side, wrong_s=wrong_s, clock=False)
        meter.take(121.0, 80.0)
        await visit(side, meter)
        rows = await side.rows("blood_pressure", "stored")
        assert len(rows) == int(taken)
        kept = await side.outbox.set_aside.newest()
        assert [one.reason[:26] for one in kept] == ["stamped by a clock that is"] * int(not taken)
        for row in rows:
            assert abs(row.t_ms - meter.taken[0].utc_ms) <= row.uncertainty_ms

    stand(tmp_path, story)


def test_the_newest_measurement_vouches_for_the_clock_that_stamped_the_older_ones(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side, clock=False)
        for number in range(3):
            meter.take(121.0 + number, 80.0)
            await side.clock.sleep(5 * 3600)
        meter.take(130.0, 80.0)
        await visit(side, meter)
        rows = await side.rows("blood_pressure", "stored")
        assert [row.values[0] for row in rows] == [121.0, 122.0, 123.0, 130.0]
        for row, taken in zip(rows, meter.taken, strict=True):
            assert abs(row.t_ms - taken.utc_ms) <= row.uncertainty_ms
        assert await side.outbox.set_aside.newest() == []

    stand(tmp_path, story)


def test_a_meter_without_stamps_is_dated_when_it_speaks(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side, stamps=False)
        meter.take(121.0, 80.0)
        await visit(side, meter)
        [row] = await side.rows("blood_pressure", "live")
        assert abs(row.t_ms - meter.taken[0].utc_ms) < 5_000

    stand(tmp_path, story)


def test_a_measurement_whose_confirmation_was_lost_comes_again_and_is_one(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        meter = await meter_of(side)
        meter.take(121.0, 80.0)
        await side.clock.sleep(2)
        meter.take(131.0, 85.0)
        side.ether.faults(meter.radio).drop_link_after(notifications=1)
        try:
            await visit(side, meter)
        except DeviceError:
            pass
        assert len(meter.waiting) >= 1
        await visit(side, meter)
        assert [row.values[0] for row in await side.rows("blood_pressure", "stored")] == [121.0, 131.0]
        assert meter.waiting == []

    stand(tmp_path, story)

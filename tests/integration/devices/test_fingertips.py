"""Oximeters that only stream: what each of them is peculiar in."""

from __future__ import annotations

from pathlib import Path

from gateway.home.devices.berrymed.driver import BerryMedDriver
from gateway.home.devices.contec.driver import ContecDriver
from gateway.home.devices.contec.protocol import KEEP_ALIVE, START, STOP
from gateway.home.devices.jumper.driver import JumperDriver
from gateway.home.devices.pc60fw.driver import Pc60fwDriver
from simulators.devices import (
    BerryMedOximeter,
    ContecOximeter,
    DeviceClock,
    Finger,
    FingertipOptions,
    JumperOximeter,
    Pc60fwOximeter,
)
from tests.integration.devices.conformance.stand import SERIAL, Stand, assert_same, local_now, placed, stand, trace


def test_a_contec_is_started_kept_alive_and_stopped(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        written: list[bytes] = []

        class Watched(ContecOximeter):
            def _on_write(self, connection, value):  # type: ignore[no-untyped-def]  # listens in
                written.append(bytes(value))
                super()._on_write(connection, value)

        device = Watched(await side.ether.add_peripheral(), side.clock, Finger([trace(300)]), serial=SERIAL)
        await device.start()
        async with side.visiting(ContecDriver, device, "live"):
            await side.clock.sleep(60.3)
        await side.clock.sleep(0.5)
        assert written[1] == START
        assert 12 <= written.count(KEEP_ALIVE) <= 15  # every five seconds or a little earlier
        assert written[-1] == STOP
        assert len(await side.rows("oximetry", "live")) >= 58  # it has not stopped once
        [known] = side.known.values()
        assert known.values["battery"] == 100.0

    stand(tmp_path, story)


def test_of_a_hundred_packets_a_second_one_reading_is_kept(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        own = DeviceClock(side.clock, local_now(side.clock))
        device = BerryMedOximeter(
            await side.ether.add_peripheral(), side.clock, Finger([trace(120)]), serial=SERIAL, own_clock=own
        )
        await device.start()
        async with side.visiting(BerryMedDriver, device, "live"):
            await side.clock.sleep(60.3)
        rows = await side.rows("oximetry", "live")
        assert 58 <= len(rows) <= 61
        assert_same(rows, [placed(row.values) for row in rows])
        assert side.ether.faults(device.radio).counts.values_delivered > 25 * 58

    stand(tmp_path, story)


def test_a_finger_that_goes_and_comes_is_told_by_its_flags(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        finger = Finger([trace(30), trace(30, start_s=60)])
        device = Pc60fwOximeter(await side.ether.add_peripheral(), side.clock, finger, serial=SERIAL)
        await device.start()
        async with side.visiting(Pc60fwDriver, device, "live"):
            await side.clock.sleep(85.3)
        flags = [flag for batch in await side.batches("oximetry", "live") for flag in batch.columns["flags"].tolist()]
        rows = await side.rows("oximetry", "live")
        assert [flag & 1 for flag in flags] == [int(row.values == (-1.0, -1.0)) for row in rows]
        assert 28 <= sum(flag & 1 for flag in flags) <= 32
        [known] = side.known.values()
        assert known.values["battery"] == 100.0

    stand(tmp_path, story)


def test_the_interval_of_a_jumper_is_measured(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = JumperOximeter(
            await side.ether.add_peripheral(),
            side.clock,
            Finger([trace(120)]),
            serial=SERIAL,
            options=FingertipOptions(interval_s=2.0),
        )
        await device.start()
        async with side.visiting(JumperDriver, device, "live"):
            await side.clock.sleep(40.3)
        assert {batch.dt_ms for batch in await side.batches("oximetry", "live")} == {2000}
        rows = await side.rows("oximetry", "live")
        assert_same(rows, [placed(row.values) for row in rows])

    stand(tmp_path, story)


def test_a_device_that_falls_silent_on_a_link_that_is_up_is_left_and_visited_anew(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = JumperOximeter(await side.ether.add_peripheral(), side.clock, Finger([trace(120)]), serial=SERIAL)
        await device.start()
        async with side.visiting(JumperDriver, device, "live") as task:
            await side.clock.sleep(10)
            device.wants_to_send = lambda _connection: False  # type: ignore[method-assign]  # its firmware hangs
            await side.clock.sleep(31)
            assert task.done()
            assert "nothing came" in str(task.exception())

    stand(tmp_path, story)

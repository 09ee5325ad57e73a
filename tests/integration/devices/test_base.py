"""What every virtual peripheral does: it switches on and off, once, and its advertisement fits the air."""

from __future__ import annotations

import pytest
from bleak import BleakClient, BleakScanner
from bumble.core import AdvertisingData

from simulators.devices import Finger, O2Ring, PulseOximeter
from simulators.devices.base import structures
from simulators.radio import Ether
from simulators.timeloop import SimulatedClock, run

T0 = 1_700_000_000_000
RING, METER = "C4:00:00:00:00:01", "C4:00:00:00:00:02"


def test_switching_on_and_off_twice_is_the_same_as_once() -> None:
    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=3) as ether:
            ring = O2Ring(await ether.add_peripheral(RING), clock, Finger(), serial="2301A00001")
            meter = PulseOximeter(await ether.add_peripheral(METER), clock, Finger(), serial="PX00000002")
            adapter = await ether.adapter()

            async def heard() -> set[str]:
                return {device.address for device in await BleakScanner.discover(3.0, backend=adapter.scanner_class)}

            for device in (ring, meter):
                await device.start()
                await device.start()
            assert await heard() == {RING, METER}
            for device in (ring, meter):
                await device.stop()
                await device.stop()
            assert await heard() == set()
            await meter.start()
            assert await heard() == {METER}
            await meter.stop()

    run(main, epoch_ms=T0)


def test_it_is_silent_while_connected_and_heard_again_after_a_lost_link() -> None:
    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=3) as ether:
            meter = PulseOximeter(await ether.add_peripheral(METER), clock, Finger(), serial="PX00000002")
            await meter.start()
            adapter = await ether.adapter()
            for _ in range(3):
                device = await BleakScanner.find_device_by_address(METER, 10.0, backend=adapter.scanner_class)
                assert device is not None
                client = BleakClient(device, backend=adapter.client_class)
                await client.connect()
                assert meter.connected
                assert await BleakScanner.find_device_by_address(METER, 3.0, backend=adapter.scanner_class) is None
                ether.drop_link(METER)
                await clock.sleep(0.1)
                assert not client.is_connected
                assert not meter.connected
            await meter.stop()

    run(main, epoch_ms=T0)


def test_an_empty_battery_takes_the_clock_with_it() -> None:
    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=3) as ether:
            meter = PulseOximeter(await ether.add_peripheral(METER), clock, Finger(), serial="PX00000002")
            await meter.start()
            meter.own_clock.jump(3600)
            await meter.empty_battery()
            assert not meter.running
            assert not meter.own_clock.is_set
            assert meter.battery.shown_pct == 0

    run(main, epoch_ms=T0)


@pytest.mark.parametrize(("size", "fits"), [(29, True), (30, False)])
def test_an_advertisement_holds_31_bytes(size: int, fits: bool) -> None:
    parts = [(int(AdvertisingData.Type.COMPLETE_LOCAL_NAME), b"x" * size)]
    if fits:
        assert len(structures(parts)) == 31
    else:
        with pytest.raises(ValueError):
            structures(parts)

"""Whole stretches of time on the virtual radio: the same seed gives the same night, and nothing is left behind."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError
from bumble.core import AdvertisingData
from bumble.gatt import Characteristic, Service

from simulators.radio import Ether
from simulators.timeloop import SimulatedClock, run


async def count_until_the_link_drops(clock: SimulatedClock) -> tuple[list[bytes], float]:
    """The example of the package's docstring."""
    async with Ether(seed=1) as ether:
        ring = await ether.add_peripheral("C4:00:00:00:00:01", name="O2Ring", rssi_dbm=-58, max_mtu=247)
        count = Characteristic("FF01", Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")
        ring.add_service(Service("FF00", [count]))
        ring.advertising_data = bytes(AdvertisingData([(AdvertisingData.FLAGS, b"\x06")]))
        ring.scan_response_data = bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"O2Ring 1234")]))
        await ring.start_advertising(auto_restart=True, advertising_interval_min=1000.0)

        adapter = await ether.adapter("hci0")
        device = await BleakScanner.find_device_by_name("O2Ring 1234", backend=adapter.scanner_class)
        assert device is not None
        heard: list[bytes] = []
        async with BleakClient(device, backend=adapter.client_class) as client:
            await client.start_notify("ff01", lambda _, data: heard.append(bytes(data)))
            ether.faults(ring).drop_link_after(notifications=3)
            for n in range(5):
                await ring.notify_subscribers(count, bytes([n]))
                await clock.sleep(1.0)
        return heard, clock.monotonic_s()


def test_the_example_of_the_docstring() -> None:
    heard, _ = run(count_until_the_link_drops, epoch_ms=1_750_000_000_000)
    assert heard == [b"\0", b"\1", b"\2"]


async def an_hour_of_adversity(clock: SimulatedClock) -> list[tuple[float, str]]:
    log: list[tuple[float, str]] = []

    def on_heard(device: object, data: AdvertisementData) -> None:
        log.append((clock.monotonic_s(), f"{device} {data.rssi}"))

    async with Ether(seed=3) as ether:
        frames = Characteristic("FF01", Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")
        devices = [await ether.add_peripheral(name=f"ring {n}") for n in range(3)]
        for device in devices:
            await device.start_advertising(auto_restart=True, advertising_interval_min=2000.0)
        devices[0].add_service(Service("FF00", [frames]))
        adapter = await ether.adapter()
        faults = ether.faults(devices[0])
        faults.duplicate_notifications(probability=0.1)
        async with BleakScanner(on_heard, backend=adapter.scanner_class):
            for minute in range(60):
                async with BleakClient(str(devices[0].random_address), backend=adapter.client_class) as client:
                    await client.start_notify(
                        "ff01", lambda _, data: log.append((clock.monotonic_s(), bytes(data).hex()))
                    )
                    faults.drop_link_after(notifications=minute % 7)
                    for n in range(10):
                        await devices[0].notify_subscribers(frames, bytes([minute, n]))
                        await clock.sleep(1.0)
                await clock.sleep(50.0)
    return log


def test_the_same_seed_gives_the_same_hour_to_the_bit() -> None:
    first = run(an_hour_of_adversity, epoch_ms=0)
    assert len(first) > 5000
    assert run(an_hour_of_adversity, epoch_ms=0) == first


def test_a_closed_air_is_still() -> None:
    async def main(clock: SimulatedClock) -> tuple[int, bool]:
        heard = 0

        def on_heard(_device: object, _data: object) -> None:
            nonlocal heard
            heard += 1

        async with Ether() as ether:
            device = await ether.add_peripheral()
            await device.start_advertising(auto_restart=True)
            adapter = await ether.adapter()
            await BleakScanner(on_heard, backend=adapter.scanner_class).start()
            await clock.sleep(10.0)
            before = heard
        await clock.sleep(60.0)
        return heard - before, bool(before)

    assert run(main, epoch_ms=0) == (0, True)


def test_pairing_with_a_peripheral_that_does_not_answer_ends_after_thirty_seconds() -> None:
    async def main(clock: SimulatedClock) -> float:
        async with Ether() as ether:
            device = await ether.add_peripheral("C4:00:00:00:00:01")
            await device.start_advertising(advertising_interval_min=100.0)
            device.smp_manager.on_smp_pdu = lambda *_: None
            adapter = await ether.adapter()
            async with BleakClient("C4:00:00:00:00:01", backend=adapter.client_class) as client:
                started = clock.monotonic_s()
                with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
                    await client.pair()
                return clock.monotonic_s() - started

    assert run(main, epoch_ms=0) == pytest.approx(30.0)


def test_it_works_on_a_plain_event_loop_too() -> None:
    async def main() -> bytearray:
        async with Ether() as ether:
            device = await ether.add_peripheral("C4:00:00:00:00:01")
            value = Characteristic("FF01", Characteristic.Properties.READ, Characteristic.READABLE, b"real")
            device.add_service(Service("FF00", [value]))
            await device.start_advertising(advertising_interval_min=20.0)
            adapter = await ether.adapter()
            async with BleakClient("C4:00:00:00:00:01", backend=adapter.client_class) as client:
                return await client.read_gatt_char("ff01")

    assert asyncio.run(main()) == b"real"

"""What a scanner hears on the virtual radio, and what it does not."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bumble.core import AdvertisingData

from simulators.radio import Adapter, Ether

ADDRESS = "C4:00:00:00:00:01"
SERVICE = "14839ac4-7d7e-415c-9a42-167340cf2339"


class Log:
    def __init__(self) -> None:
        self.heard: list[tuple[float, BLEDevice, AdvertisementData]] = []

    def __call__(self, device: BLEDevice, data: AdvertisementData) -> None:
        self.heard.append((asyncio.get_running_loop().time(), device, data))

    @property
    def last(self) -> AdvertisementData:
        return self.heard[-1][2]


async def test_an_active_scan_reports_all_of_advertising_and_scan_response(ring, adapter: Adapter) -> None:
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(0.25)
    _, device, data = log.heard[0]
    assert (device.address, device.name) == (ADDRESS, "Ring 0001")
    assert data.local_name == "Ring 0001"
    assert data.service_uuids == [SERVICE]
    assert data.manufacturer_data == {0xF34E: b"\x01\x02"}
    assert data.tx_power == -4
    assert data.rssi == -58


async def test_each_advertising_event_is_reported_at_its_interval(ring, adapter: Adapter) -> None:
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(10.0)
    times = [time for time, _, _ in log.heard]
    assert len(times) == pytest.approx(100, abs=1)
    assert all(b - a == pytest.approx(0.1) for a, b in itertools.pairwise(times))


async def test_a_passive_scan_hears_no_scan_response(ring, adapter: Adapter) -> None:
    log = Log()
    patterns = [OrPattern(0, AdvertisingData.Type.FLAGS, b"\x06")]
    async with BleakScanner(
        log, scanning_mode="passive", bluez={"or_patterns": patterns}, backend=adapter.scanner_class
    ):
        await asyncio.sleep(1.0)
    assert log.last.local_name is None
    assert log.last.service_uuids == [SERVICE]


async def test_a_passive_scan_reports_only_what_fits_a_pattern(ring, adapter: Adapter) -> None:
    log = Log()
    patterns = [OrPattern(0, AdvertisingData.Type.FLAGS, b"\x02")]
    async with BleakScanner(
        log, scanning_mode="passive", bluez={"or_patterns": patterns}, backend=adapter.scanner_class
    ):
        await asyncio.sleep(1.0)
    assert log.heard == []


async def test_a_passive_scan_needs_patterns_as_with_bluez(adapter: Adapter) -> None:
    with pytest.raises(BleakError, match="or_patterns"):
        BleakScanner(scanning_mode="passive", backend=adapter.scanner_class)


async def test_service_uuids_filter(ring, adapter: Adapter) -> None:
    hit, miss = Log(), Log()
    other = "00001822-0000-1000-8000-00805f9b34fb"
    async with (
        BleakScanner(hit, [SERVICE], backend=adapter.scanner_class),
        BleakScanner(miss, [other], backend=adapter.scanner_class),
    ):
        await asyncio.sleep(1.0)
    assert hit.heard
    assert miss.heard == []


@pytest.mark.parametrize(("floor", "heard"), [(-58, True), (-57, False)])
async def test_an_rssi_filter_keeps_the_weak_out(ring, adapter: Adapter, floor: int, heard: bool) -> None:
    log = Log()
    async with BleakScanner(log, bluez={"filters": {"RSSI": floor}}, backend=adapter.scanner_class):
        await asyncio.sleep(1.0)
    assert bool(log.heard) is heard


async def test_rssi_follows_the_peripheral(ring, ether: Ether, adapter: Adapter) -> None:
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(1.0)
        ether.set_rssi(ADDRESS, -91)
        await asyncio.sleep(1.0)
    assert next(data.rssi for _, _, data in log.heard) == -58
    assert log.last.rssi == -91


@pytest.mark.parametrize("rssi", [-128, 21])
async def test_an_rssi_that_no_radio_reports_is_refused(ring, ether: Ether, rssi: int) -> None:
    with pytest.raises(ValueError, match="RSSI"):
        ether.set_rssi(ADDRESS, rssi)


async def test_scanners_come_and_go_without_disturbing_each_other(ring, adapter: Adapter) -> None:
    first, second = Log(), Log()
    async with BleakScanner(first, backend=adapter.scanner_class):
        async with BleakScanner(second, backend=adapter.scanner_class):
            await asyncio.sleep(1.0)
        heard = len(second.heard)
        await asyncio.sleep(1.0)
    assert heard == len(second.heard) == pytest.approx(10, abs=1)
    assert len(first.heard) == pytest.approx(20, abs=1)


async def test_a_stopped_scanner_hears_nothing_and_can_be_stopped_again(ring, adapter: Adapter) -> None:
    log = Log()
    scanner = BleakScanner(log, backend=adapter.scanner_class)
    await scanner.start()
    await asyncio.sleep(0.5)
    await scanner.stop()
    heard = len(log.heard)
    await asyncio.sleep(1.0)
    await scanner.stop()
    assert len(log.heard) == heard > 0


async def test_a_name_once_heard_stays_known(ring, adapter: Adapter) -> None:
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(0.5)
        ring.device.scan_response_data = b""
        await ring.device.start_advertising(advertising_interval_min=100.0)
        await asyncio.sleep(0.5)
    assert log.last.local_name == "Ring 0001"
    assert log.last.manufacturer_data == {0xF34E: b"\x01\x02"}


async def test_a_device_without_a_name_has_none(ether: Ether, adapter: Adapter) -> None:
    device = await ether.add_peripheral("C4:00:00:00:00:09")
    await device.start_advertising(advertising_data=b"\x02\x01\x06", scan_response_data=b"")
    found = await BleakScanner.find_device_by_address("C4:00:00:00:00:09", backend=adapter.scanner_class)
    assert found is not None
    assert found.name is None


async def test_stopped_advertising_is_not_heard_until_it_goes_on(ring, adapter: Adapter) -> None:
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        ring.faults.stop_advertising()
        await asyncio.sleep(5.0)
        assert log.heard == []
        ring.faults.resume_advertising()
        await asyncio.sleep(0.5)
    assert log.heard


async def test_a_silent_peripheral_is_not_heard_until_it_is_back(ring, adapter: Adapter) -> None:
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        ring.faults.silence()
        await asyncio.sleep(5.0)
        assert log.heard == []
        ring.faults.come_back()
        await asyncio.sleep(0.5)
    assert log.heard


async def test_a_reset_peripheral_comes_back_under_its_new_address(ring, ether: Ether, adapter: Adapter) -> None:
    await ether.reset_peripheral(ADDRESS, address="C4:00:00:00:00:02")
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(1.0)
        assert log.heard == []
        await ring.advertise()
        await asyncio.sleep(1.0)
    assert {device.address for _, device, _ in log.heard} == {"C4:00:00:00:00:02"}
    with pytest.raises(KeyError):
        ether.faults(ADDRESS)


async def test_a_wedged_adapter_hears_nothing_and_says_nothing(ring, adapter: Adapter) -> None:
    adapter.wedge()
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(30.0)
        assert log.heard == []
        adapter.unwedge()
        await asyncio.sleep(0.5)
    assert log.heard


async def test_power_cycling_cures_a_wedge_but_the_scan_must_be_started_again(ring, adapter: Adapter) -> None:
    adapter.wedge()
    log = Log()
    scanner = BleakScanner(log, backend=adapter.scanner_class)
    await scanner.start()
    await adapter.power_cycle()
    await asyncio.sleep(5.0)
    assert log.heard == []
    await scanner.stop()
    await scanner.start()
    await asyncio.sleep(0.5)
    await scanner.stop()
    assert log.heard


async def test_scanning_without_power_is_refused_with_its_reason(ring, adapter: Adapter) -> None:
    adapter.power_off()
    with pytest.raises(BleakBluetoothNotAvailableError) as refused:
        await BleakScanner(backend=adapter.scanner_class).start()
    assert refused.value.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
    adapter.power_on()
    assert await BleakScanner.find_device_by_address(ADDRESS, backend=adapter.scanner_class)


async def test_scanning_without_an_adapter_is_refused_and_all_is_forgotten(ring, found, adapter: Adapter) -> None:
    assert adapter.ble_device_from_address(ADDRESS) is not None
    adapter.unplug()
    assert adapter.ble_device_from_address(ADDRESS) is None
    with pytest.raises(BleakBluetoothNotAvailableError) as refused:
        await BleakScanner(backend=adapter.scanner_class).start()
    assert refused.value.reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH
    adapter.plug_in()
    assert await BleakScanner.find_device_by_address(ADDRESS, backend=adapter.scanner_class)


async def test_two_adapters_hear_the_same_air(ring, ether: Ether) -> None:
    for name in ("hci0", "hci1"):
        adapter = await ether.adapter(name)
        device = await BleakScanner.find_device_by_address(ADDRESS, backend=adapter.scanner_class)
        assert device is not None
        assert device.details["source"] == name


@pytest.mark.parametrize("steps", range(16))
async def test_a_scan_given_up_while_it_starts_is_given_up_and_the_next_one_hears(
    ring, adapter: Adapter, steps: int
) -> None:
    starting = asyncio.create_task(BleakScanner(Log(), backend=adapter.scanner_class).start())
    for _ in range(steps):
        await asyncio.sleep(0)
    begun = not starting.done()
    starting.cancel()
    await asyncio.wait({starting})
    assert starting.cancelled() == begun
    log = Log()
    async with BleakScanner(log, backend=adapter.scanner_class):
        await asyncio.sleep(0.25)
    assert log.heard

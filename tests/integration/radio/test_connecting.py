"""Links on the virtual radio: made, refused, lost, and made again; with bleak alone and with bleak-retry-connector."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak_retry_connector import (
    BLEAK_TIMEOUT,
    BleakClientWithServiceCache,
    BleakConnectionError,
    BleakNotFoundError,
    establish_connection,
)

from simulators.radio import Adapter, Ether

ADDRESS = "C4:00:00:00:00:01"
SECOND = "C4:00:00:00:00:02"


def now() -> float:
    return asyncio.get_running_loop().time()


class Disconnections:
    def __init__(self) -> None:
        self.at: list[float] = []

    def __call__(self, _client: BleakClient) -> None:
        self.at.append(now())


async def test_connect_and_disconnect_are_seen_on_both_sides(ring, found: BLEDevice, adapter: Adapter) -> None:
    reasons: list[int] = []
    ring.device.on("connection", lambda connection: connection.on("disconnection", reasons.append))
    ended = Disconnections()
    client = BleakClient(found, ended, backend=adapter.client_class)
    assert not client.is_connected
    await client.connect()
    assert client.is_connected
    assert len(ring.device.connections) == 1
    await client.disconnect()
    assert not client.is_connected
    assert ring.device.connections == {}
    assert reasons == [0x13]  # remote user terminated connection
    assert len(ended.at) == 1


async def test_disconnecting_twice_or_without_a_link_does_nothing(found: BLEDevice, adapter: Adapter) -> None:
    ended = Disconnections()
    client = BleakClient(found, ended, backend=adapter.client_class)
    await client.disconnect()
    await client.connect()
    await asyncio.gather(client.disconnect(), client.disconnect())
    await client.disconnect()
    assert len(ended.at) == 1


async def test_one_client_connects_again_and_again(ring, found: BLEDevice, adapter: Adapter) -> None:
    client = BleakClient(found, backend=adapter.client_class)
    for _ in range(5):
        await client.connect()
        assert await client.read_gatt_char("ff01")
        await client.disconnect()


async def test_a_connected_client_does_not_connect_again(client: BleakClient) -> None:
    with pytest.raises(BleakError, match="already connected"):
        await client.connect()


async def test_an_address_alone_is_looked_for_first(ring, adapter: Adapter) -> None:
    async with BleakClient(ADDRESS, backend=adapter.client_class) as client:
        assert client.name == "Ring 0001"


async def test_an_address_that_nobody_has_is_not_found(ring, adapter: Adapter) -> None:
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient(SECOND, backend=adapter.client_class, timeout=7.0).connect()
    assert now() == pytest.approx(7.0)


async def test_a_device_that_the_adapter_never_heard_is_not_found(adapter: Adapter) -> None:
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient(BLEDevice(SECOND, None, {}), backend=adapter.client_class).connect()


async def test_a_connected_peripheral_is_not_heard_and_advertises_again_afterwards(
    ring, found: BLEDevice, adapter: Adapter
) -> None:
    async with BleakClient(found, backend=adapter.client_class):
        assert not await BleakScanner.find_device_by_address(ADDRESS, timeout=3.0, backend=adapter.scanner_class)
    assert await BleakScanner.find_device_by_address(ADDRESS, timeout=3.0, backend=adapter.scanner_class)


async def test_a_peripheral_that_stopped_advertising_is_waited_for_until_the_timeout(
    ring, found: BLEDevice, adapter: Adapter
) -> None:
    ring.faults.stop_advertising()
    client = BleakClient(found, backend=adapter.client_class, timeout=12.0)
    started = now()
    with pytest.raises(TimeoutError):
        await client.connect()
    assert now() - started == pytest.approx(12.0)
    # A time-out leaves nothing pending: the next attempt works.
    ring.faults.resume_advertising()
    await client.connect()
    assert client.is_connected


async def test_a_peripheral_that_comes_just_in_time_is_reached(ring, found: BLEDevice, adapter: Adapter) -> None:
    ring.faults.stop_advertising()
    asyncio.get_running_loop().call_later(11.0, ring.faults.resume_advertising)
    async with BleakClient(found, backend=adapter.client_class, timeout=12.0) as client:
        assert client.is_connected


async def test_a_cancelled_connect_leaves_nothing_behind(ring, found: BLEDevice, adapter: Adapter) -> None:
    ring.faults.stop_advertising()
    client = BleakClient(found, backend=adapter.client_class)
    attempt = asyncio.create_task(client.connect())
    await asyncio.sleep(1.0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    ring.faults.resume_advertising()
    await asyncio.sleep(1.0)
    assert ring.device.connections == {}
    await client.connect()
    assert client.is_connected


async def test_connects_to_several_devices_at_a_time_take_turns(ring, ether: Ether, adapter: Adapter) -> None:
    other = await ether.add_peripheral(SECOND)
    await other.start_advertising()
    await BleakScanner.discover(2.0, backend=adapter.scanner_class)
    clients = [BleakClient(address, backend=adapter.client_class) for address in (ADDRESS, SECOND)]
    await asyncio.gather(*(client.connect() for client in clients))
    assert all(client.is_connected for client in clients)


async def test_a_device_out_of_reach_does_not_keep_the_next_one_from_connecting_for_ever(
    ring, found: BLEDevice, ether: Ether, adapter: Adapter
) -> None:
    other = await ether.add_peripheral(SECOND)
    await other.start_advertising()
    await BleakScanner.discover(2.0, backend=adapter.scanner_class)
    ring.faults.silence()
    lost = BleakClient(found, backend=adapter.client_class, timeout=5.0)
    reached = BleakClient(SECOND, backend=adapter.client_class, timeout=10.0)
    results = await asyncio.gather(lost.connect(), reached.connect(), return_exceptions=True)
    assert isinstance(results[0], TimeoutError)
    assert results[1] is None


@pytest.mark.parametrize("refusals", [1, 3])
async def test_refused_connections_fail_at_once_and_then_no_more(
    ring, found: BLEDevice, adapter: Adapter, refusals: int
) -> None:
    ring.faults.refuse_connections(refusals)
    client = BleakClient(found, backend=adapter.client_class)
    for _ in range(refusals):
        with pytest.raises(BleakDBusError) as refused:
            await client.connect()
        assert refused.value.dbus_error == "org.bluez.Error.Failed"
    await client.connect()
    assert client.is_connected
    assert ring.faults.counts.connections_refused == refusals


async def test_a_wedged_adapter_times_out_until_it_is_cured(ring, found: BLEDevice, adapter: Adapter) -> None:
    adapter.wedge()
    client = BleakClient(found, backend=adapter.client_class, timeout=10.0)
    with pytest.raises(TimeoutError):
        await client.connect()
    await adapter.power_cycle()
    await client.connect()
    assert client.is_connected


async def test_power_loss_ends_links_on_both_sides_and_refuses_new_ones(
    ring, found: BLEDevice, adapter: Adapter
) -> None:
    ended = Disconnections()
    client = BleakClient(found, ended, backend=adapter.client_class)
    await client.connect()
    adapter.power_off()
    await asyncio.sleep(0.1)
    assert len(ended.at) == 1
    assert ring.device.connections == {}
    with pytest.raises(BleakDBusError, match="NotReady"):
        await client.connect()
    adapter.power_on()
    await client.connect()
    assert client.is_connected


async def test_power_loss_ends_an_attempt_to_connect(ring, found: BLEDevice, adapter: Adapter) -> None:
    ring.faults.stop_advertising()
    attempt = asyncio.create_task(BleakClient(found, backend=adapter.client_class).connect())
    await asyncio.sleep(1.0)
    adapter.power_off()
    with pytest.raises(BleakDBusError, match="NotReady"):
        await attempt
    assert now() < 2.0


async def test_an_adapter_unplugged_and_back_must_hear_the_device_first(
    ring, found: BLEDevice, adapter: Adapter
) -> None:
    adapter.unplug()
    adapter.plug_in()
    client = BleakClient(found, backend=adapter.client_class)
    with pytest.raises(BleakDeviceNotFoundError):
        await client.connect()
    await BleakScanner.discover(1.0, backend=adapter.scanner_class)
    await client.connect()
    assert client.is_connected


class TestSilence:
    async def test_a_link_ends_by_its_supervision_timeout_on_both_sides(
        self, ring, found: BLEDevice, adapter: Adapter
    ) -> None:
        reasons: list[int] = []
        ring.device.on("connection", lambda connection: connection.on("disconnection", reasons.append))
        ended = Disconnections()
        await BleakClient(found, ended, backend=adapter.client_class).connect()
        silent_at = now()
        ring.faults.silence()
        await asyncio.sleep(5.0)
        assert ended.at == [pytest.approx(silent_at + 0.42)]
        assert reasons == [0x08]  # connection timeout

    async def test_a_link_that_is_back_in_time_loses_nothing(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        ring.faults.silence()
        await ring.push(b"meanwhile")
        await asyncio.sleep(0.41)
        assert heard == []
        ring.faults.come_back()
        await ring.push(b"after")
        await asyncio.sleep(1.0)
        assert heard == [b"meanwhile", b"after"]
        assert client.is_connected

    async def test_what_was_on_its_way_when_the_link_ended_never_arrives(
        self, ring, found: BLEDevice, adapter: Adapter
    ) -> None:
        client = BleakClient(found, backend=adapter.client_class)
        await client.connect()
        ring.faults.silence()
        await client.write_gatt_char("ff02", b"lost", response=False)
        await asyncio.sleep(0.43)
        ring.faults.come_back()
        await client.connect()
        await client.write_gatt_char("ff02", b"kept", response=True)
        assert ring.written == [b"kept"]

    async def test_an_operation_under_way_ends_with_the_link(self, ring, client: BleakClient) -> None:
        ring.faults.silence()
        started = now()
        with pytest.raises(BleakGATTProtocolError) as lost:
            await client.read_gatt_char("ff01")
        assert lost.value.code == 0x0E
        assert now() - started == pytest.approx(0.42)
        with pytest.raises(BleakError, match="Service Discovery"):
            await client.read_gatt_char("ff01")

    async def test_a_queue_of_operations_ends_with_the_link(self, ring, client: BleakClient) -> None:
        ring.faults.silence()
        results = await asyncio.gather(*(client.read_gatt_char("ff01") for _ in range(5)), return_exceptions=True)
        assert [type(result) for result in results] == [BleakGATTProtocolError] * 5

    async def test_disconnecting_from_a_silent_peripheral_does_not_hang(self, ring, client: BleakClient) -> None:
        ring.faults.silence()
        await client.disconnect()
        assert not client.is_connected
        await asyncio.sleep(1.0)
        assert ring.device.connections == {}


async def test_a_dropped_link_is_seen_on_both_sides_at_once(
    ring, found: BLEDevice, ether: Ether, adapter: Adapter
) -> None:
    ended = Disconnections()
    client = BleakClient(found, ended, backend=adapter.client_class)
    await client.connect()
    dropped_at = now()
    ether.drop_link(ADDRESS)
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert ended.at == [dropped_at]
    assert ring.device.connections == {}
    await client.connect()
    assert client.is_connected


async def test_a_peripheral_may_hang_up(ring, found: BLEDevice, adapter: Adapter) -> None:
    ended = Disconnections()
    client = BleakClient(found, ended, backend=adapter.client_class)
    await client.connect()
    (connection,) = ring.device.connections.values()
    await connection.disconnect()
    await asyncio.sleep(0.01)
    assert len(ended.at) == 1
    assert not client.is_connected


async def test_a_reset_peripheral_is_reached_under_its_new_address(
    ring, ether: Ether, client: BleakClient, adapter: Adapter
) -> None:
    await ether.reset_peripheral(ring.device, address=SECOND)
    await asyncio.sleep(0.01)
    assert not client.is_connected
    await ring.advertise()
    device = await BleakScanner.find_device_by_address(SECOND, backend=adapter.scanner_class)
    assert device is not None
    async with BleakClient(device, backend=adapter.client_class) as again:
        await again.write_gatt_char("ff02", b"hello", response=True)
    assert ring.written == [b"hello"]


async def test_two_clients_share_a_link_and_lose_it_together(ring, found: BLEDevice, adapter: Adapter) -> None:
    first = BleakClient(found, backend=adapter.client_class)
    second = BleakClient(found, backend=adapter.client_class)
    await first.connect()
    await second.connect()
    assert len(ring.device.connections) == 1
    await second.disconnect()
    assert not first.is_connected


class TestRetryConnector:
    async def test_establish_connection_works_unchanged(self, ring, found: BLEDevice, adapter: Adapter) -> None:
        ended = Disconnections()
        client = await establish_connection(
            BleakClientWithServiceCache, found, "ring", ended, backend=adapter.client_class
        )
        await client.write_gatt_char("ff02", b"hello", response=True)
        assert ring.written == [b"hello"]
        ring.faults.silence()
        await asyncio.sleep(1.0)
        assert len(ended.at) == 1

    @pytest.mark.parametrize(("refusals", "reached"), [(3, True), (4, False)])
    async def test_it_tries_as_often_as_it_says(
        self, ring, found: BLEDevice, adapter: Adapter, refusals: int, reached: bool
    ) -> None:
        ring.faults.refuse_connections(refusals)
        attempt = establish_connection(
            BleakClientWithServiceCache, found, "ring", max_attempts=4, backend=adapter.client_class
        )
        if reached:
            assert (await attempt).is_connected
        else:
            with pytest.raises(BleakConnectionError):
                await attempt

    async def test_timeouts_are_told_as_not_found(self, ring, found: BLEDevice, adapter: Adapter) -> None:
        ring.faults.silence()
        started = now()
        with pytest.raises(BleakNotFoundError):
            await establish_connection(
                BleakClientWithServiceCache, found, "ring", max_attempts=2, backend=adapter.client_class
            )
        assert now() - started == pytest.approx(2 * BLEAK_TIMEOUT, abs=2.0)

"""Reading, writing, notifications and indications over the virtual radio, faults included.

Long because every behaviour of one thing stands together, sharing its set-up.
"""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import (
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble.att import ATT_Error, AttributeValue

from simulators.radio import Adapter, Ether

ADDRESS = "C4:00:00:00:00:01"
SERVICE = "14839ac4-7d7e-415c-9a42-167340cf2339"
MTU = 247


class TestServices:
    async def test_services_characteristics_and_descriptors_are_all_there(self, client: BleakClient) -> None:
        service = client.services.get_service(SERVICE)
        assert service is not None
        assert {char.uuid[4:8]: char.properties for char in service.characteristics} == {
            "ff01": ["notify", "read"],
            "ff02": ["write", "write-without-response"],
            "ff03": ["notify"],
            "ff04": ["indicate"],
            "ff05": ["indicate", "notify"],
            "ff06": ["read", "write"],
            "ff07": ["write"],
        }
        descriptors = {char.uuid[4:8]: [d.uuid[4:8] for d in char.descriptors] for char in service.characteristics}
        assert descriptors["ff03"] == ["2902"]
        assert descriptors["ff06"] == []
        assert descriptors["ff07"] == ["2901"]

    async def test_the_gap_service_is_hidden_as_by_bluez(self, client: BleakClient) -> None:
        assert client.services.get_service("1800") is None
        assert client.services.get_service("1801") is not None

    async def test_only_wanted_services_are_discovered(self, found: BLEDevice, adapter: Adapter) -> None:
        async with BleakClient(found, services=[SERVICE], backend=adapter.client_class) as client:
            assert [service.uuid for service in client.services] == [SERVICE]

    async def test_services_are_gone_with_the_link(self, client: BleakClient) -> None:
        await client.disconnect()
        with pytest.raises(BleakError, match="Service Discovery"):
            _ = client.services

    async def test_an_unknown_characteristic_is_not_found(self, client: BleakClient) -> None:
        with pytest.raises(BleakCharacteristicNotFoundError):
            await client.read_gatt_char("ffff")


class TestMtu:
    async def test_mtu_size_is_not_told_but_the_size_of_a_write_is(self, client: BleakClient) -> None:
        with pytest.warns(UserWarning, match="default MTU"):
            assert client.mtu_size == 23
        char = client.services.get_characteristic("ff02")
        assert char is not None
        assert char.max_write_without_response_size == MTU - 3

    @pytest.mark.parametrize(("offer", "agreed"), [(23, 23), (24, 24), (247, 247), (248, 247), (517, 247)])
    async def test_the_smaller_of_both_sides_is_agreed_on(self, ring, ether: Ether, offer: int, agreed: int) -> None:
        adapter = await ether.adapter("hci1", mtu_offer=offer)
        async with BleakClient(ADDRESS, backend=adapter.client_class) as client:
            char = client.services.get_characteristic("ff02")
            assert char is not None
            assert char.max_write_without_response_size == agreed - 3
            (connection,) = ring.device.connections.values()
            assert connection.att_mtu == agreed


class TestReadAndWrite:
    async def test_a_long_value_is_read_whole(self, client: BleakClient) -> None:
        assert await client.read_gatt_char("ff01") == bytes(range(256)) * 2

    async def test_a_cached_value_is_not_read_again(self, ring, client: BleakClient) -> None:
        first = await client.read_gatt_char("ff01")
        ring.value.value = b"new"
        assert await client.read_gatt_char("ff01", use_cached=True) == first
        assert await client.read_gatt_char("ff01") == b"new"

    @pytest.mark.parametrize("size", [0, 1, MTU - 3, MTU - 2, 512])
    async def test_writes_with_response_of_any_size_arrive(self, ring, client: BleakClient, size: int) -> None:
        value = bytes(i % 251 for i in range(size))
        await client.write_gatt_char("ff02", value, response=True)
        assert ring.written == [value]

    async def test_writes_without_response_arrive_in_order(self, ring, client: BleakClient) -> None:
        for n in range(100):
            await client.write_gatt_char("ff02", bytes([n]), response=False)
        await asyncio.sleep(0.1)
        assert ring.written == [bytes([n]) for n in range(100)]

    async def test_a_write_without_response_fills_a_packet_and_no_more(self, ring, client: BleakClient) -> None:
        await client.write_gatt_char("ff02", bytes(MTU - 3), response=False)
        with pytest.raises(BleakDBusError, match="Failed to initiate write"):
            await client.write_gatt_char("ff02", bytes(MTU - 2), response=False)
        await asyncio.sleep(0.1)
        assert ring.written == [bytes(MTU - 3)]

    @pytest.mark.parametrize("code", [0x02, 0x80, 0xFE])
    async def test_a_peripherals_error_is_raised_with_its_code(self, ring, client: BleakClient, code: int) -> None:
        def refuse(*_: object) -> bytes:
            raise ATT_Error(code)

        ring.value.value = AttributeValue(read=refuse, write=refuse)
        ring.inbox.value = ring.value.value
        for operation in (client.read_gatt_char("ff01"), client.write_gatt_char("ff02", b"x", response=True)):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await operation
            assert refused.value.code == code
        # A write without response has no error to carry.
        await client.write_gatt_char("ff02", b"x", response=False)

    async def test_descriptors_are_read_and_written(self, ring, client: BleakClient) -> None:
        char = client.services.get_characteristic("ff07")
        assert char is not None
        (descriptor,) = char.descriptors
        assert await client.read_gatt_descriptor(descriptor) == b"note"
        await client.write_gatt_descriptor(descriptor, b"new note")
        assert ring.descriptors_written == [b"new note"]

    async def test_a_read_that_was_given_up_does_not_answer_the_next_one(self, ring, client: BleakClient) -> None:
        ring.faults.silence()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.read_gatt_char("ff01")
        ring.value.value = b"new"
        ring.faults.come_back()
        char = client.services.get_characteristic("ff07")
        assert char is not None
        assert await client.read_gatt_descriptor(char.descriptors[0]) == b"note"
        assert await client.read_gatt_char("ff01") == b"new"

    async def test_without_a_link_nothing_works(self, client: BleakClient) -> None:
        char = client.services.get_characteristic("ff02")
        assert char is not None
        await client.disconnect()
        for operation in (
            client.read_gatt_char(char),
            client.write_gatt_char(char, b"x", response=True),
            client.write_gatt_char(char, b"x", response=False),
            client.start_notify(char, lambda *_: None),
            client.stop_notify(char),
        ):
            with pytest.raises(BleakError, match=r"Not connected|Service Discovery"):
                await operation

    async def test_a_peripheral_that_never_answers_loses_the_link_after_thirty_seconds(
        self, ring, client: BleakClient
    ) -> None:
        ring.device.gatt_server.on_att_read_request = lambda *_: None
        started = asyncio.get_running_loop().time()
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char("ff01")
        assert asyncio.get_running_loop().time() - started == pytest.approx(30.0)
        assert not client.is_connected


class TestNotifications:
    async def test_notifications_arrive_in_order_and_only_while_wanted(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await ring.push(b"too early")
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        for n in range(50):
            await ring.push(bytes([n]))
        await asyncio.sleep(0.1)
        await client.stop_notify("ff03")
        await ring.push(b"too late")
        await asyncio.sleep(0.1)
        assert heard == [bytes([n]) for n in range(50)]

    async def test_an_indication_is_confirmed(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff04", lambda _, data: heard.append(bytes(data)))
        async with asyncio.timeout(1.0):  # it returns with the confirmation
            await ring.device.indicate_subscribers(ring.results, b"measured")
        assert heard == [b"measured"]

    async def test_notifications_are_preferred_where_there_are_both(self, ring, client: BleakClient) -> None:
        subscribed: list[tuple[bool, bool]] = []
        ring.both.on("subscription", lambda _, notify, indicate: subscribed.append((notify, indicate)))
        await client.start_notify("ff05", lambda *_: None)
        await client.stop_notify("ff05")
        assert subscribed == [(True, False), (False, False)]

    async def test_callbacks_may_be_coroutines(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []

        async def callback(_: object, data: bytearray) -> None:
            await asyncio.sleep(1.0)
            heard.append(bytes(data))

        await client.start_notify("ff03", callback)
        await ring.push(b"x")
        await asyncio.sleep(1.1)
        assert heard == [b"x"]

    async def test_a_callback_that_fails_does_not_stop_the_next(
        self, ring, client: BleakClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[bytes] = []

        def callback(_: object, data: bytearray) -> None:
            heard.append(bytes(data))
            raise LookupError("a bug of ours")

        await client.start_notify("ff03", callback)
        await ring.push(b"1")
        await ring.push(b"2")
        await asyncio.sleep(0.1)
        assert heard == [b"1", b"2"]
        assert "a bug of ours" in caplog.text

    async def test_a_read_of_a_notifying_value_is_told_to_the_callback_too_as_by_bluez(
        self, ring, client: BleakClient
    ) -> None:
        ring.value.value = b"now"
        heard: list[bytes] = []
        await client.start_notify("ff01", lambda _, data: heard.append(bytes(data)))
        assert await client.read_gatt_char("ff01") == b"now"
        assert heard == [b"now"]

    async def test_what_cannot_notify_is_refused(self, client: BleakClient) -> None:
        with pytest.raises(BleakDBusError, match="NotSupported"):
            await client.start_notify("ff02", lambda *_: None)

    async def test_starting_twice_and_stopping_twice_is_refused(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        with pytest.raises(BleakDBusError, match="InProgress"):
            await client.start_notify("ff03", lambda *_: None)
        await ring.push(b"x")
        await asyncio.sleep(0.1)
        assert heard == [b"x"]
        await client.stop_notify("ff03")
        with pytest.raises(BleakDBusError, match="No notify session"):
            await client.stop_notify("ff03")

    async def test_a_subscription_ends_with_the_link(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        await client.disconnect()
        await client.connect()
        await ring.push(b"unwanted")
        await asyncio.sleep(0.1)
        assert heard == []


class TestFaults:
    @pytest.mark.parametrize(("limit", "arrive"), [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (21, 2)])
    async def test_the_link_drops_at_byte_n(self, ring, client: BleakClient, limit: int, arrive: int) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        ring.faults.drop_link_after(bytes=limit)
        for n in range(4):
            await ring.push(bytes([n]) * 10)
        await asyncio.sleep(0.1)
        assert heard == [bytes([n]) * 10 for n in range(arrive)]
        assert not client.is_connected
        assert ring.device.connections == {}
        assert ring.faults.counts.links_dropped == 1

    @pytest.mark.parametrize("limit", [0, 1, 3])
    async def test_the_link_drops_behind_notification_n(self, ring, client: BleakClient, limit: int) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        ring.faults.drop_link_after(notifications=limit)
        for n in range(5):
            await ring.push(bytes([n]))
        await asyncio.sleep(0.1)
        assert heard == [bytes([n]) for n in range(limit)]
        assert not client.is_connected

    async def test_a_link_short_of_its_limit_stays_and_the_next_one_is_not_limited(
        self, ring, client: BleakClient
    ) -> None:
        await client.start_notify("ff03", lambda *_: None)
        ring.faults.drop_link_after(notifications=3)
        await ring.push(b"1")
        await ring.push(b"2")
        await asyncio.sleep(10.0)
        assert client.is_connected
        await ring.push(b"3")
        await asyncio.sleep(0.1)
        assert not client.is_connected
        await client.connect()
        await client.start_notify("ff03", lambda *_: None)
        for _ in range(10):
            await ring.push(b"x")
        await asyncio.sleep(0.1)
        assert client.is_connected

    async def test_the_link_may_drop_in_the_middle_of_a_long_read(self, ring, client: BleakClient) -> None:
        ring.faults.drop_link_after(bytes=300)  # 246 in the first packet, 246 in the second
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char("ff01")
        assert not client.is_connected

    async def test_the_next_n_notifications_come_twice(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        ring.faults.duplicate_notifications(2)
        for n in range(4):
            await ring.push(bytes([n]))
        await asyncio.sleep(0.1)
        assert heard == [b"\0", b"\0", b"\1", b"\1", b"\2", b"\3"]
        assert ring.faults.counts.notifications_duplicated == 2

    @pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.5, 60, 140), (1.0, 200, 200)])
    async def test_notifications_are_doubled_with_a_probability(
        self, ring, client: BleakClient, probability: float, low: int, high: int
    ) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        ring.faults.duplicate_notifications(probability=probability)
        for n in range(200):
            await ring.push(bytes([n]))
        await asyncio.sleep(0.1)
        assert low <= len(heard) - 200 <= high
        assert sorted(set(heard)) == [bytes([n]) for n in range(200)]

    async def test_clear_ends_all_faults(self, ring, client: BleakClient) -> None:
        heard: list[bytes] = []
        await client.start_notify("ff03", lambda _, data: heard.append(bytes(data)))
        ring.faults.duplicate_notifications(5, probability=1.0)
        ring.faults.drop_link_after(notifications=1)
        ring.faults.silence()
        ring.faults.clear()
        await ring.push(b"1")
        await ring.push(b"2")
        await asyncio.sleep(1.0)
        assert heard == [b"1", b"2"]


class TestPairing:
    async def test_a_sealed_value_is_refused_before_pairing_and_read_after_it(self, client: BleakClient) -> None:
        for operation in (client.read_gatt_char("ff06"), client.write_gatt_char("ff06", b"x", response=True)):
            with pytest.raises(BleakDBusError, match="Not paired") as refused:
                await operation
            assert refused.value.dbus_error == "org.bluez.Error.NotPermitted"
        await client.pair()
        assert await client.read_gatt_char("ff06") == b"sealed"
        await client.pair()  # paired already: nothing happens
        assert await client.read_gatt_char("ff06") == b"sealed"

    async def test_pairing_is_le_secure_connections(self, ring, client: BleakClient) -> None:
        await client.pair()
        (connection,) = ring.device.connections.values()
        assert connection.sc
        assert connection.is_encrypted

    async def test_a_bond_outlives_the_link(self, client: BleakClient) -> None:
        await client.pair()
        await client.disconnect()
        await client.connect()
        assert await client.read_gatt_char("ff06") == b"sealed"

    async def test_a_client_may_pair_while_it_connects(self, found: BLEDevice, adapter: Adapter) -> None:
        for _ in range(2):
            async with BleakClient(found, pair=True, backend=adapter.client_class) as client:
                assert await client.read_gatt_char("ff06") == b"sealed"

    async def test_unpairing_ends_the_link_and_the_bond(self, found: BLEDevice, adapter: Adapter) -> None:
        client = BleakClient(found, backend=adapter.client_class)
        await client.connect()
        await client.pair()
        await client.unpair()
        assert not client.is_connected
        async with BleakClient(ADDRESS, backend=adapter.client_class) as again:
            with pytest.raises(BleakDBusError, match="Not paired"):
                await again.read_gatt_char("ff06")

    async def test_a_peripheral_that_lost_its_key_is_not_reached_until_unpaired(
        self, ring, found: BLEDevice, adapter: Adapter
    ) -> None:
        client = BleakClient(found, backend=adapter.client_class)
        await client.connect()
        await client.pair()
        await client.disconnect()
        await ring.device.keystore.delete_all()
        with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
            await client.connect()
        assert not client.is_connected
        await client.unpair()
        async with BleakClient(ADDRESS, pair=True, backend=adapter.client_class) as again:
            assert await again.read_gatt_char("ff06") == b"sealed"

    async def test_pairing_with_a_peripheral_out_of_range_fails_with_the_link(self, ring, client: BleakClient) -> None:
        ring.faults.silence()
        with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
            await client.pair()
        assert not client.is_connected

"""Who may read and free records: an owner over an encrypted link, and nobody else."""

from __future__ import annotations

import asyncio
import struct

import pytest
from bleak import BleakScanner
from bleak.exc import BleakError

from edge.common import control
from edge.common.power import PAIRING_S
from simulators.firmware import FirmwareDevice, VirtualBed, VirtualRecorder
from simulators.radio import Adapter, Ether
from tests.integration.firmware.conftest import SECRET, Drawer
from tests.integration.firmware.peer import CLOCK, CONTROL, DATA, INFORMATION, SERVICE, STATUS, peer, settle

WEAR_BYTES = 14
TEXTS = {"2a29": b"somnolink", "2a24": b"MAD recorder", "2a26": b"1.0.0"}


async def enrol(device: FirmwareDevice, adapter: Adapter) -> None:
    """Bond in the pairing window and prove the secret."""
    device.press()
    async with peer(device, adapter, pair=True) as one:
        assert await one.enrol(device.secret) == control.SUCCESS


async def look(device: FirmwareDevice, adapter: Adapter, *, pair: bool = False) -> bytearray:
    """Read the status, as a peer that is welcome can."""
    async with peer(device, adapter, pair=pair) as one:
        await settle()
        return await one.client.read_gatt_char(STATUS)


async def test_the_recorder_in_its_case_is_found_by_its_service(recorder: VirtualRecorder, adapter: Adapter) -> None:
    found = await BleakScanner.find_device_by_filter(
        lambda _, data: SERVICE in data.service_uuids, timeout=900.0, backend=adapter.scanner_class
    )
    assert found is not None
    assert (found.address, found.name) == (recorder.address, "somnolink-mad")


async def test_in_the_mouth_the_radio_is_silent(recorder: VirtualRecorder, adapter: Adapter, drawer: Drawer) -> None:
    drawer.cased, drawer.temperature_c = False, 36.0
    await asyncio.sleep(180)
    found = await BleakScanner.find_device_by_address(recorder.address, timeout=3600, backend=adapter.scanner_class)
    assert found is None


async def test_anybody_may_ask_what_it_is_and_how_its_battery_stands(
    recorder: VirtualRecorder, adapter: Adapter
) -> None:
    recorder.millivolt = 3575
    async with peer(recorder, adapter) as one:
        for number, text in TEXTS.items():
            assert await one.client.read_gatt_char(f"0000{number}-0000-1000-8000-00805f9b34fb") == text


async def test_without_a_bond_nothing_is_read_and_nothing_written(recorder: VirtualRecorder, adapter: Adapter) -> None:
    await asyncio.sleep(3600)
    async with peer(recorder, adapter) as one:
        for characteristic in (INFORMATION, STATUS, CLOCK):
            with pytest.raises(BleakError):
                await one.client.read_gatt_char(characteristic)
        for request in (bytes((control.CHALLENGE,)), struct.pack("<BIIB", control.REPORT, 0, 0, control.UNTIL_END)):
            with pytest.raises(BleakError):
                await one.client.write_gatt_char(CONTROL, request, response=True)
        await settle()
        assert one.frames == []
        assert one.responses.empty()


async def test_outside_the_pairing_window_a_bond_is_not_kept(recorder: VirtualRecorder, adapter: Adapter) -> None:
    with pytest.raises((BleakError, TimeoutError)):
        await look(recorder, adapter, pair=True)
    assert not recorder.stack.connected


async def test_a_bonded_peer_without_the_secret_learns_and_frees_nothing(
    recorder: VirtualRecorder, adapter: Adapter
) -> None:
    await asyncio.sleep(3600)
    recorder.press()
    async with peer(recorder, adapter, pair=True) as one:
        await settle()
        for characteristic in (INFORMATION, STATUS, CLOCK):
            assert await one.client.read_gatt_char(characteristic) == b""
        for request in (
            struct.pack("<BIIB", control.REPORT, 0, 0, control.UNTIL_END),
            struct.pack("<BII", control.ACKNOWLEDGE, 0, 5),
            struct.pack("<BII", control.COUNT, 0, 0),
            bytes((control.TIME,)),
        ):
            assert await one.ask(request) == bytes((control.RESPONSE, request[0], control.NOT_ALLOWED))
        assert await one.enrol(b"a wrong secret..") == control.WRONG_PROOF
        assert await one.ask(bytes((control.ABORT,))) == bytes((control.RESPONSE, control.ABORT, control.NOT_ALLOWED))
        assert one.frames == []
    async with peer(recorder, adapter) as one:
        assert await one.enrol(SECRET) == control.SUCCESS
        await settle()
        assert (await one.status())[1] == 0  # nothing was freed


async def test_five_wrong_proofs_end_the_connection(recorder: VirtualRecorder, adapter: Adapter) -> None:
    recorder.press()
    async with peer(recorder, adapter, pair=True) as one:
        for _ in range(control.WRONG_PROOFS - 1):
            assert await one.enrol(bytes(16)) == control.WRONG_PROOF
        assert one.client.is_connected
        await one.ask(bytes((control.CHALLENGE,)))
        await one.client.write_gatt_char(CONTROL, bytes((control.PROVE,)) + bytes(48), response=True)
        await settle()
        assert not one.client.is_connected


async def test_an_owner_is_known_again_after_a_reboot_by_its_bond_alone(
    recorder: VirtualRecorder, adapter: Adapter
) -> None:
    await enrol(recorder, adapter)
    await recorder.reboot()
    async with peer(recorder, adapter) as one:
        await settle()
        boot, oldest, upcoming, battery, _, refused = await one.status()
        assert (boot, oldest, battery, refused) == (2, 0, 100, 0)
        assert upcoming >= 1
        assert struct.unpack("<HQ", await one.client.read_gatt_char(CLOCK))[0] == 2


async def test_a_second_central_takes_no_owners_place(
    recorder: VirtualRecorder, adapter: Adapter, ether: Ether
) -> None:
    await enrol(recorder, adapter)
    stranger = await ether.adapter("hci1")
    async with peer(recorder, stranger) as one:
        with pytest.raises(BleakError):
            await one.client.read_gatt_char(STATUS)
    await asyncio.sleep(PAIRING_S)
    with pytest.raises((BleakError, TimeoutError)):
        await look(recorder, stranger, pair=True)


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x01", id="a report cut short"),
        pytest.param(bytes((control.ACKNOWLEDGE,)) + bytes(7), id="an acknowledgement a byte short"),
        pytest.param(bytes((control.ACKNOWLEDGE,)) + bytes(9), id="an acknowledgement a byte long"),
        pytest.param(bytes((control.PROVE,)) + bytes(60), id="longer than the longest request"),
        pytest.param(bytes((control.ACKNOWLEDGE,)) + bytes(200), id="longer than the buffer"),
        pytest.param(b"\x7f\x00", id="an op code that there is not"),
    ],
)
async def test_a_malformed_write_is_answered_and_changes_nothing(
    recorder: VirtualRecorder, adapter: Adapter, request_bytes: bytes
) -> None:
    await asyncio.sleep(3600)
    await enrol(recorder, adapter)
    async with peer(recorder, adapter) as one:
        await settle()
        log, before = await one.log_id(), await one.status()
        answer = await one.ask(request_bytes)
        expected = control.INVALID_OPERAND if request_bytes[0] != 0x7F else control.NOT_SUPPORTED
        assert answer == bytes((control.RESPONSE, request_bytes[0], expected))
        assert (await one.status())[:3] == before[:3]
        assert (await one.log_id()) == log
        done = await one.report(log, 0)
        assert done[2] == control.SUCCESS
        assert len(one.records(WEAR_BYTES)) == before[2]


async def test_an_acknowledgement_of_another_log_frees_nothing(recorder: VirtualRecorder, adapter: Adapter) -> None:
    await asyncio.sleep(3600)
    await enrol(recorder, adapter)
    async with peer(recorder, adapter) as one:
        await settle()
        log = await one.log_id()
        assert (await one.acknowledge(log ^ 1, 3))[2] == control.OTHER_LOG
        assert (await one.acknowledge(log, 1000))[2] == control.INVALID_OPERAND
        assert (await one.status())[1] == 0
        assert (await one.acknowledge(log, 3))[2] == control.SUCCESS
        await settle()
        assert (await one.status())[1] == 4


async def test_holding_the_button_forgets_records_and_bonds(recorder: VirtualRecorder, adapter: Adapter) -> None:
    await enrol(recorder, adapter)
    recorder.press(15)
    await asyncio.sleep(30)
    with pytest.raises((BleakError, TimeoutError)):
        await look(recorder, adapter)
    assert recorder.boots == 2


async def test_the_bed_sensor_keeps_its_owner_too(bed: VirtualBed, adapter: Adapter) -> None:
    await enrol(bed, adapter)
    async with peer(bed, adapter) as one:
        await settle()
        assert (await one.client.read_gatt_char(INFORMATION))[1] == 2
        assert (await one.status())[3] == 255
        assert one.client.services.get_characteristic(DATA) is not None

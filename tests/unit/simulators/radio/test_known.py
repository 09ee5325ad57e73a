"""What an adapter makes of advertising data."""

from __future__ import annotations

import pytest
from bumble.hci import Address
from hypothesis import given
from hypothesis import strategies as st

from simulators.radio.known import KnownDevice, uuid_text

ADDRESS = "C4:00:00:00:00:01"


def known(*structures: tuple[int, bytes]) -> KnownDevice:
    device = KnownDevice("hci0", Address(ADDRESS), rssi_dbm=-60)
    device.update(structures)
    return device


@pytest.mark.parametrize(
    ("over_the_air", "text"),
    [
        ("2218", "00001822-0000-1000-8000-00805f9b34fb"),
        ("22180000", "00001822-0000-1000-8000-00805f9b34fb"),
        (
            "3923cf4073164 29a5c417e7dc49a8314".replace(" ", ""),
            "14839ac4-7d7e-415c-9a42-16734 0cf2339".replace(" ", ""),
        ),
    ],
)
def test_uuids_are_spelt_in_the_long_form(over_the_air: str, text: str) -> None:
    assert uuid_text(bytes.fromhex(over_the_air)) == text


def test_services_of_all_sizes_and_from_several_lists_are_gathered_once_each() -> None:
    device = known((0x02, bytes.fromhex("22180f18")), (0x03, bytes.fromhex("2218")), (0x05, bytes.fromhex("0a180000")))
    assert [uuid[4:8] for uuid in device.service_uuids] == ["1822", "180f", "180a"]


def test_manufacturer_data_is_that_of_the_last_event_that_had_any() -> None:
    device = known((0xFF, b"\x4e\xf3\x01"))
    device.update([(0xFF, b"\x4c\x00\x02")])
    assert device.manufacturer_data == {0x004C: b"\x02"}
    device.update([(0x01, b"\x06")])
    assert device.manufacturer_data == {0x004C: b"\x02"}


def test_service_data_and_tx_power() -> None:
    device = known((0x16, b"\x0f\x18\x64"), (0x0A, b"\xf4"))
    assert device.service_data == {"0000180f-0000-1000-8000-00805f9b34fb": b"\x64"}
    assert device.tx_power_dbm == -12


def test_the_alias_is_the_name_or_the_address() -> None:
    assert known().alias == ADDRESS.replace(":", "-")
    assert known((0x08, b"Ring")).alias == "Ring"


def test_details_have_no_path_so_that_nobody_looks_for_d_bus() -> None:
    assert known().ble_device().details == {"source": "hci0"}


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=29)), max_size=6))
def test_no_advertising_data_is_too_strange(structures: list[tuple[int, bytes]]) -> None:
    data = known(*structures).advertisement_data()
    assert data.rssi == -60
    assert all(len(uuid) == 36 for uuid in data.service_uuids)

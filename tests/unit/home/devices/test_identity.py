"""Serial numbers that tell two devices apart, and what vendors forget to fill in."""

from __future__ import annotations

import pytest

from gateway.home.devices.identity import serial_of


@pytest.mark.parametrize("text", ["2609140042", "SN-00042", "501234567", "A1", "00:1C:97:12:34:56"])
def test_a_serial_number_is_taken_as_it_stands(text: str) -> None:
    assert serial_of(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "00000000", "0000-0000", "FFFFFFFF", "Serial Number", "serial-no", "N/A", "unknown", "12345678"],
)
def test_what_two_devices_could_share_is_none(text: str) -> None:
    assert serial_of(text) is None

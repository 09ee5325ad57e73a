"""SFLOAT, date time, battery and current time, both ways."""

import math
from datetime import datetime

import pytest

from gateway.errors import ProtocolError
from gateway.home.devices import sig

TABLE = {98.0: "6200", 0.5: "05f0", 300.0: "2c01", 10000.0: "0140", math.inf: "fe07", -math.inf: "0208"}


@pytest.mark.parametrize(("value", "text"), TABLE.items())
def test_sfloat_stands_as_in_the_table(value: float, text: str) -> None:
    assert sig.sfloat_bytes(value).hex() == text
    assert sig.sfloat_at(bytes.fromhex(text), 0) == value


@pytest.mark.parametrize("raw", [0x07FF, 0x0800, 0x0801])
def test_sfloat_without_a_value_is_nan(raw: int) -> None:
    assert math.isnan(sig.decode_sfloat(raw))


def test_nan_is_sent_as_nan() -> None:
    assert sig.encode_sfloat(math.nan) == 0x07FF


def test_exponent_and_mantissa_are_both_twos_complement() -> None:
    assert sig.decode_sfloat(0xFFFF) == -0.1
    assert sig.decode_sfloat(0x8001) == 1e-8
    assert sig.decode_sfloat(0x7001) == 1e7


@pytest.mark.parametrize(
    ("value", "sent"), [(2045.0, 2045.0), (2046.0, 2050.0), (2.045e10, 2.045e10), (2.05e10, math.inf)]
)
def test_both_sides_of_the_mantissas_limit(value: float, sent: float) -> None:
    assert sig.decode_sfloat(sig.encode_sfloat(value)) == sent


def test_what_is_too_small_is_zero() -> None:
    assert sig.encode_sfloat(1e-9) == 0


def test_date_time_both_ways() -> None:
    when = datetime.fromisoformat("2026-11-22T23:10:05")
    assert sig.encode_date_time(when).hex() == "ea070b16170a05"
    assert sig.decode_date_time(bytes.fromhex("ea070b16170a05")) == when


@pytest.mark.parametrize("text", ["00000000000000", "ea070016170a05", "ea070b00170a05", "00000b16170a05"])
def test_an_unknown_date_is_none(text: str) -> None:
    assert sig.decode_date_time(bytes.fromhex(text)) is None


@pytest.mark.parametrize(
    "text", ["ea070d16170a05", "ea070b1f170a05", "ea070b16180a05", "ea070b16170a", "ea070b16170a0500"]
)
def test_a_date_of_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        sig.decode_date_time(bytes.fromhex(text))


@pytest.mark.parametrize("fraction", range(256))
def test_current_time_keeps_every_fraction(fraction: int) -> None:
    data = bytes.fromhex("ea070b16170a0507") + bytes((fraction, 2))
    assert sig.encode_current_time(sig.decode_current_time(data)) == data


def test_current_time_never_runs_ahead_of_its_second() -> None:
    time = sig.CurrentTime(datetime.fromisoformat("2026-11-22T23:59:59.999999"))
    assert sig.encode_current_time(time)[8] == 255


@pytest.mark.parametrize("text", ["ea070b16170a050700", "ea070b16170a05080000", "ea070b16170a0507000000"])
def test_no_current_time(text: str) -> None:
    with pytest.raises(ProtocolError):
        sig.decode_current_time(bytes.fromhex(text))


@pytest.mark.parametrize("level", [0, 100])
def test_battery(level: int) -> None:
    assert sig.decode_battery(sig.encode_battery(level)) == level


@pytest.mark.parametrize("data", [b"", b"\x65", b"\x10\x10"])
def test_no_battery_level(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        sig.decode_battery(data)


def test_no_battery_level_to_send() -> None:
    with pytest.raises(ProtocolError):
        sig.encode_battery(101)


def test_text_ends_before_its_padding() -> None:
    assert sig.decode_text(b"O2Ring 1234\0\0") == "O2Ring 1234"
    with pytest.raises(ProtocolError):
        sig.decode_text(b"\xff\xfe")

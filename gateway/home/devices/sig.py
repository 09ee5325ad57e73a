"""Formats that the Bluetooth SIG's services share: SFLOAT, date time, battery, current time, record access.

Sources: IEEE 11073-20601 (SFLOAT), GATT Specification Supplement (Date Time, Current Time, Battery Level), and the
Record Access Control Point section of the Pulse Oximeter Service 1.0.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Final

from gateway.errors import ProtocolError

SFLOAT_SPECIAL: Final = {0x07FF: "NaN", 0x0800: "NRes", 0x07FE: "+INF", 0x0802: "-INF", 0x0801: "reserved"}
_MANTISSA_MAX: Final = 2045  # 2046 and above, and -2046 and below, are the special codes at exponent 0


def uint(data: bytes | bytearray, offset: int, size: int) -> int:
    """Unsigned little-endian integer of `size` bytes at `offset`."""
    return int.from_bytes(data[offset : offset + size], "little")


def decode_sfloat(raw: int) -> float:
    """Value of a 16-bit SFLOAT: mantissa x 10^exponent, both two's complement.

    NaN, NRes and the reserved code give NaN, the infinities ``inf``; `SFLOAT_SPECIAL` tells them apart.
    """
    special = SFLOAT_SPECIAL.get(raw)
    if special is not None:
        return {"+INF": math.inf, "-INF": -math.inf}.get(special, math.nan)
    mantissa = (raw & 0x0FFF) - ((raw & 0x0800) << 1)
    exponent = (raw >> 12) - ((raw & 0x8000) >> 11)
    return float(mantissa * 10**exponent if exponent >= 0 else mantissa / 10**-exponent)


def _scaled(value: float, exponent: int) -> int:
    """The whole number nearest to value / 10^exponent."""
    return round(value / float(10**exponent) if exponent >= 0 else value * float(10**-exponent))


def encode_sfloat(value: float) -> int:
    """The 16-bit SFLOAT nearest to `value`.

    Whole numbers that fit keep exponent 0; all else has the shortest mantissa. NaN gives NaN, what is too large an
    infinity, what is too small 0.
    """
    if math.isnan(value):
        return 0x07FF
    if math.isinf(value) or abs(_scaled(value, 7)) > _MANTISSA_MAX:
        return 0x07FE if value > 0 else 0x0802
    exponent = -8
    while abs(mantissa := _scaled(value, exponent)) > _MANTISSA_MAX:
        exponent += 1
    if mantissa == 0:
        return 0
    while exponent not in (0, 7) and mantissa % 10 == 0:
        mantissa //= 10
        exponent += 1
    return (exponent & 0x0F) << 12 | (mantissa & 0x0FFF)


def sfloat_at(data: bytes, offset: int) -> float:
    """The SFLOAT at `offset`."""
    return decode_sfloat(uint(data, offset, 2))


def sfloat_bytes(value: float) -> bytes:
    """`value` as the two bytes of an SFLOAT."""
    return encode_sfloat(value).to_bytes(2, "little")


def flag_names(flags: IntFlag) -> tuple[str, ...]:
    """Lower-case names of the set bits that have one, lowest first."""
    return tuple(bit.name.lower() for bit in type(flags) if bit in flags and bit.name)


def decode_date_time(data: bytes) -> datetime | None:
    """A 7-byte Date Time: naive, the device's own local time; None where year, month or day is 0 (unknown).

    Raises
    ------
    ProtocolError
        Wrong length, or no date of the calendar.
    """
    if len(data) != 7:
        raise ProtocolError(f"a date time has 7 bytes, not {len(data)}")
    year = uint(data, 0, 2)
    if year == 0 or data[2] == 0 or data[3] == 0:
        return None
    try:
        return datetime(year, data[2], data[3], data[4], data[5], data[6])  # noqa: DTZ001 - a device's clock has no zone
    except ValueError:
        raise ProtocolError(f"no date time: {data.hex()}") from None


def encode_date_time(when: datetime | None) -> bytes:
    """`when` (naive local) as 7 bytes, in whole seconds; None gives the zeros that mean unknown."""
    if when is None:
        return bytes(7)
    return when.year.to_bytes(2, "little") + bytes((when.month, when.day, when.hour, when.minute, when.second))


def decode_battery(data: bytes) -> int:
    """Battery Level (0x2A19), %."""
    if len(data) != 1 or data[0] > 100:
        raise ProtocolError(f"no battery level: {data[:8].hex() or 'empty'}")
    return data[0]


def encode_battery(level_pct: int) -> bytes:
    """Battery Level (0x2A19) of `level_pct`, 0 to 100."""
    if not 0 <= level_pct <= 100:
        raise ProtocolError(f"a battery level is 0 to 100 %, not {level_pct}")
    return bytes((level_pct,))


def decode_text(data: bytes) -> str:
    """A Device Information string (0x2A24 to 0x2A29), without the NULs that some devices append."""
    try:
        return data.rstrip(b"\0").decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ProtocolError(f"no text: {data[:20].hex()}") from None


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """Current Time (0x2A2B).

    Attributes
    ----------
    local : datetime or None
        Naive local time with its fraction of a second; None where the device does not know.
    day_of_week : int
        1 Monday to 7 Sunday, 0 unknown.
    adjust_reason : int
        Bits: 1 manual, 2 external reference, 4 time zone, 8 daylight saving.
    """

    local: datetime | None
    day_of_week: int = 0
    adjust_reason: int = 0


def decode_current_time(data: bytes) -> CurrentTime:
    """Current Time (0x2A2B): date time, day of week, 1/256 s, adjust reason."""
    if len(data) != 10:
        raise ProtocolError(f"a current time has 10 bytes, not {len(data)}")
    if data[7] > 7:
        raise ProtocolError(f"no day of the week: {data[7]}")
    local = decode_date_time(data[:7])
    if local is not None:
        local = local.replace(microsecond=data[8] * 1_000_000 // 256)
    return CurrentTime(local, data[7], data[9])


def encode_current_time(time: CurrentTime) -> bytes:
    """Current Time (0x2A2B) of `time`; its fraction is rounded up to 1/256 s, 255/256 at most."""
    microseconds = 0 if time.local is None else time.local.microsecond
    fraction = min(255, -(-microseconds * 256 // 1_000_000))
    return encode_date_time(time.local) + bytes((time.day_of_week, fraction, time.adjust_reason))

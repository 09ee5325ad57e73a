"""Blood Pressure Measurement (0x2A35), Blood Pressure Service 1.1: both ways.

Layout (GATT Specification Supplement): flags u8 (bit 0 kPa, 1 time stamp, 2 pulse rate, 3 user, 4 status), systolic,
diastolic and mean arterial pressure as SFLOAT, then what the flags announce.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.sig import (
    decode_date_time,
    encode_date_time,
    flag_names,
    sfloat_at,
    sfloat_bytes,
    uint,
)

SERVICE: Final = 0x1810
MEASUREMENT: Final = 0x2A35
MMHG_PER_KPA: Final = 7.500616827

_PULSE_RANGE: Final = {1: "pulse_above_range", 2: "pulse_below_range"}


class Status(IntFlag):
    """Measurement Status. Bits 3 and 4 together tell where the pulse lies and are named by `status_names`."""

    BODY_MOVEMENT = 1 << 0
    CUFF_TOO_LOOSE = 1 << 1
    IRREGULAR_PULSE = 1 << 2
    IMPROPER_POSITION = 1 << 5


def status_names(status: Status) -> tuple[str, ...]:
    """All that the status says, by name."""
    pulse_range = _PULSE_RANGE.get(int(status) >> 3 & 3)
    return flag_names(status) + (() if pulse_range is None else (pulse_range,))


@dataclass(frozen=True, slots=True)
class BloodPressure:
    """One measurement. Values that the meter had none for are None.

    Attributes
    ----------
    systolic_mmhg, diastolic_mmhg, mean_mmhg : float or None
        Pressures, converted to mmHg where the meter sends kPa.
    pulse_bpm : float or None
        Pulse rate, beats a minute.
    timestamp : datetime or None
        The meter's own clock: naive, local.
    user : int or None
        The user chosen on the meter, 0 to 254; None where unknown.
    status : Status or None
        What the meter says about the measurement.
    clock_invalid : bool
        A time stamp was sent that no calendar has. The measurement stands all the same.
    """

    systolic_mmhg: float | None
    diastolic_mmhg: float | None
    mean_mmhg: float | None
    pulse_bpm: float | None = None
    timestamp: datetime | None = None
    user: int | None = None
    status: Status | None = None
    clock_invalid: bool = False


_FIELD_SIZES: Final = (7, 2, 1, 2)
_UNKNOWN_USER: Final = 255


def decode_measurement(data: bytes) -> BloodPressure:
    """One indication of 0x2A35. Raises `ProtocolError` where flags and length disagree."""
    flags = data[0] if data else 0
    present = [bool(flags >> bit & 1) for bit in (1, 2, 3, 4)]
    size = 7 + sum(size for size, there in zip(_FIELD_SIZES, present, strict=True) if there)
    if len(data) != size:
        raise ProtocolError(f"a blood pressure measurement of {len(data)} bytes should have {size}")
    fields, at = [], 7
    for field_size, there in zip(_FIELD_SIZES, present, strict=True):
        fields.append(data[at : at + field_size] if there else None)
        at += field_size if there else 0
    stamp, pulse, user, status = fields
    timestamp, clock_invalid = None, False
    if stamp is not None:
        try:
            timestamp = decode_date_time(stamp)
        except ProtocolError:
            clock_invalid = True
    factor = MMHG_PER_KPA if flags & 1 else 1.0
    systolic, diastolic, mean = (_known(sfloat_at(data, offset) * factor) for offset in (1, 3, 5))
    return BloodPressure(
        systolic,
        diastolic,
        mean,
        pulse_bpm=None if pulse is None else _known(sfloat_at(pulse, 0)),
        timestamp=timestamp,
        user=None if user is None or user[0] == _UNKNOWN_USER else user[0],
        status=None if status is None else Status(uint(status, 0, 2)),
        clock_invalid=clock_invalid,
    )


def encode_measurement(measurement: BloodPressure) -> bytes:
    """The indication of `measurement`, in mmHg."""
    fields = (
        None if measurement.timestamp is None else encode_date_time(measurement.timestamp),
        None if measurement.pulse_bpm is None else sfloat_bytes(measurement.pulse_bpm),
        None if measurement.user is None else bytes((measurement.user,)),
        None if measurement.status is None else int(measurement.status).to_bytes(2, "little"),
    )
    flags = sum(2 << bit for bit, field in enumerate(fields) if field is not None)
    pressures = (measurement.systolic_mmhg, measurement.diastolic_mmhg, measurement.mean_mmhg)
    values = b"".join(sfloat_bytes(math.nan if pressure is None else pressure) for pressure in pressures)
    return bytes((flags,)) + values + b"".join(field or b"" for field in fields)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) and value > 0 else None

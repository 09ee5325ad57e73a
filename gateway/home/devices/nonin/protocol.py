"""Nonin 3230 and 3150: measurements and control commands; stored sessions are in `memory`. Big-endian throughout.

Source of the command texts and of the form of their answers: Nonin's control point commands as public configuration
tools for the 3150 show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.sig import flag_names

SERVICE: Final = "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b"
MEASUREMENT: Final = "0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b"
CONTROL: Final = "1447af80-0d60-11e2-88b6-0002a5d5c51b"
MEMORY: Final = "ec0a8dda-4d24-11e7-b114-b2f933d5fe66"

_SIZE: Final = 10
_NO_SPO2: Final = 127
_NO_PULSE: Final = 511


class Status(IntFlag):
    """Status byte of a measurement."""

    WEAK_SIGNAL = 1 << 1
    SMARTPOINT = 1 << 2
    SEARCHING = 1 << 3
    SENSOR_PRESENT = 1 << 4
    LOW_BATTERY = 1 << 5
    ENCRYPTED = 1 << 6


def decode_measurement(data: bytes) -> OximeterReading:
    """One measurement, 10 bytes: length, status, battery x 0.1 V, PAI u16 x 0.01 %, counter u16, SpO2, pulse u16.

    An encrypted measurement has no values. Without a sensor the status has `sensor_absent` besides.
    """
    if len(data) != _SIZE or data[0] != _SIZE:
        raise ProtocolError(f"a measurement has {_SIZE} bytes and says so: {data[:1].hex() or 'none'} in {len(data)}")
    status = Status(data[1])
    readable = Status.ENCRYPTED not in status
    perfusion, pulse = int.from_bytes(data[3:5], "big"), int.from_bytes(data[8:10], "big")
    spo2_pct = saturation(data[7]) if readable else None
    pulse_bpm = float(pulse) if readable and 0 < pulse < _NO_PULSE else None
    present = Status.SENSOR_PRESENT in status
    valid = present and spo2_pct is not None and pulse_bpm is not None
    return OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        perfusion_pct=perfusion / 100 if readable and perfusion else None,
        battery_v=data[2] / 10,
        worn=True if valid else None if present else False,
        status=flag_names(status) + (() if present else ("sensor_absent",)),
        counter=int.from_bytes(data[5:7], "big"),
        valid=valid,
    )


def encode_measurement(reading: OximeterReading) -> bytes:
    """The notification of `reading`, whose status names are those of `Status`."""
    status = sum(bit for bit in Status if bit.name is not None and bit.name.lower() in reading.status)
    return (
        bytes((_SIZE, status, round((reading.battery_v or 0.0) * 10)))
        + round((reading.perfusion_pct or 0.0) * 100).to_bytes(2, "big")
        + ((reading.counter or 0) & 0xFFFF).to_bytes(2, "big")
        + bytes((_NO_SPO2 if reading.spo2_pct is None else round(reading.spo2_pct),))
        + (_NO_PULSE if reading.pulse_bpm is None else round(reading.pulse_bpm)).to_bytes(2, "big")
    )


PLAYBACK: Final = b"\x71NMI"
"""Control command: play the memory back."""

CANCEL_PLAYBACK: Final = b"\x72NMI"
"""Control command: stop playing back."""

CLEAR_MEMORY: Final = b"\x60NMI\x06MCL!\r\n"
"""Control command: wipe all sessions. To be sent only when every one of them is safe on disk."""

GET_CLOCK: Final = b"\x60NMI\x06DTM?\r\n"
"""Control command: say what the clock reads."""

_ASCII: Final = 0x60
_ANSWERS: Final = 0x80
ACCEPTED: Final = b"\x06"
"""What a command that asks for nothing is answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer of the control point to a command of opcode `op`.

    Attributes
    ----------
    result : int
        0 done, 2 busy, else refused.
    payload : bytes
        What was asked for; `ACCEPTED` where nothing was.
    """

    op: int
    result: int
    payload: bytes = b""


def decode_answer(data: bytes) -> Answer:
    """One indication of the control point to a text command: opcode + 80, result, length, payload."""
    if len(data) < 3 or data[0] != _ASCII | _ANSWERS or data[2] != len(data) - 3:
        raise ProtocolError(f"no answer to a control command: {data[:8].hex() or 'empty'}")
    return Answer(data[0] - _ANSWERS, data[1], bytes(data[3:]))


def encode_answer(answer: Answer) -> bytes:
    """The indication of `answer`: the oximeter's side."""
    return bytes((answer.op | _ANSWERS, answer.result, len(answer.payload))) + answer.payload


def decode_clock(payload: bytes) -> datetime:
    """The oximeter's local time (naive) in the answer to `GET_CLOCK`: YYMMDDhhmmss."""
    try:
        if len(payload) != 12:
            raise ValueError
        return datetime.strptime(payload.decode("ascii"), "%y%m%d%H%M%S")  # noqa: DTZ007 - no zone
    except ValueError:
        raise ProtocolError(f"no time: {payload[:16].hex() or 'empty'}") from None


def encode_clock(local: datetime) -> bytes:
    """The payload of the answer to `GET_CLOCK`."""
    return local.strftime("%y%m%d%H%M%S").encode()


def set_clock(local: datetime) -> bytes:
    """Control command that sets the oximeter's clock to `local` (naive), of the years 2000 to 2099."""
    if not 2000 <= local.year <= 2099:
        raise ProtocolError(f"the clock has two digits for the year: {local.year} does not fit")
    return b"\x60NMI\x12DTM=" + local.strftime("%y%m%d%H%M%S").encode() + b"\r\n"


def decode_set_clock(data: bytes) -> datetime:
    """The local time that `set_clock` sets: the oximeter's side."""
    head, tail = set_clock(datetime(2000, 1, 1))[:9], b"\r\n"  # noqa: DTZ001 - for its text alone
    if len(data) != 23 or not data.startswith(head) or not data.endswith(tail):
        raise ProtocolError(f"no command to set the clock: {data[:9].hex() or 'empty'}")
    try:
        return datetime.strptime(data[9:21].decode("ascii"), "%y%m%d%H%M%S")  # noqa: DTZ007 - no zone
    except ValueError:
        raise ProtocolError(f"no time to set the clock to: {data[9:21]!r}") from None

"""Contec CMS50D-BT and EMAY SleepO2: commands, values, wave form.

Every message ends with the sum of its other bytes & 0x7F. Layout of the wave form: tobiasisenberg/OxiVis, issue 2; of
the answer about the battery: tests of public EMAY clients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.stream import StreamAssembler

SERVICE_EMAY: Final = 0xFF12
WRITE: Final = 0xFF01
NOTIFY: Final = 0xFF02
KEEP_ALIVE_S: Final = 5.0
"""Without a keep-alive this often the device stops sending."""

_DATA: Final = 0xEB
_BATTERY: Final = 0xF6
_LENGTHS: Final = {(_DATA, 0): 6, (_DATA, 1): 8}
_MAX_COMMAND: Final = 20
_NO_PULSE: Final = (0, 255)


def checksum(data: bytes) -> int:
    """The last byte of a message whose other bytes are `data`."""
    return sum(data) & 0x7F


def encode_command(code: int, argument: bytes = b"") -> bytes:
    """A command with its checksum."""
    body = bytes((code,)) + argument
    return body + bytes((checksum(body),))


START: Final = encode_command(0x9B, b"\x01")
STOP: Final = encode_command(0x9B, b"\x7f")
KEEP_ALIVE: Final = encode_command(0x9A)
HELLO: Final = encode_command(0x89)
DEVICE_STATE: Final = encode_command(0x8E, b"\x05")
BATTERY: Final = encode_command(0x86)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the device sees it."""

    code: int
    argument: bytes = b""


@dataclass(frozen=True, slots=True)
class Wave:
    """One sample of the wave form and of the bar graph, unscaled; `raw` is the rest, not known."""

    sample: int
    bar: int
    raw: int


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge, %."""

    level_pct: float


Message = OximeterReading | Wave | Battery


def _checked(data: bytes) -> bytes:
    if len(data) < 2 or checksum(data[:-1]) != data[-1]:
        raise ProtocolError(f"no message with a right checksum: {data[:8].hex() or 'empty'}")
    return data[:-1]


def decode_command(data: bytes) -> Command:
    """One command: the device's side. Codes are 80 to 9F."""
    body = _checked(data)
    if not 0x80 <= body[0] <= 0x9F or len(data) > _MAX_COMMAND:
        raise ProtocolError(f"no command: {data[:8].hex()}")
    return Command(body[0], bytes(body[1:]))


def decode_message(data: bytes) -> Message:
    """Values (EB 01 state pulse SpO2 7F 00), wave form (EB 00 ..) or battery (F6 %).

    The byte behind EB 01 varies between models (04, 05, 06) and its meaning is not settled, so it is not used.
    """
    body = _checked(data)
    if body[0] == _BATTERY and len(body) == 2 and body[1] <= 100:
        return Battery(float(body[1]))
    if len(body) < 2 or _LENGTHS.get((body[0], body[1])) != len(data):
        raise ProtocolError(f"no values, wave form or battery: {data[:8].hex()}")
    if body[1] == 0:
        return Wave(body[3], body[4], body[2])
    spo2_pct = saturation(body[4])
    pulse_bpm = None if body[3] in _NO_PULSE else float(body[3])
    return OximeterReading(spo2_pct=spo2_pct, pulse_bpm=pulse_bpm, valid=spo2_pct is not None and pulse_bpm is not None)


def encode_reading(reading: OximeterReading) -> bytes:
    """The values of `reading` as an EMAY sends them."""
    pulse = 0 if reading.pulse_bpm is None else round(reading.pulse_bpm)
    spo2 = 0 if reading.spo2_pct is None else round(reading.spo2_pct)
    body = bytes((_DATA, 1, 5, pulse, spo2, 0x7F, 0))
    return body + bytes((checksum(body),))


def encode_wave(wave: Wave) -> bytes:
    """One sample of wave form as a device sends it."""
    body = bytes((_DATA, 0, wave.raw, wave.sample, wave.bar))
    return body + bytes((checksum(body),))


def encode_battery(battery: Battery) -> bytes:
    """The answer to `BATTERY`."""
    body = bytes((_BATTERY, round(battery.level_pct)))
    return body + bytes((checksum(body),))


def _measure(buffer: bytearray, start: int) -> int | None:
    if buffer[start] == _BATTERY:
        return 3
    if buffer[start] != _DATA:
        return 0
    return None if len(buffer) - start < 2 else _LENGTHS.get((_DATA, buffer[start + 1]), 0)


class MessageAssembler(StreamAssembler[Message]):
    """Messages out of notifications, of which one may hold several; see `StreamAssembler`.

    The 7-bit checksum lets one in 128 false frames through: garbage is rare here, as notifications begin with frames.
    """

    def __init__(self) -> None:
        super().__init__(_measure, decode_message)

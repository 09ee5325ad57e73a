"""Viatom PC-60FW: AA 55 token length function payload CRC-8/MAXIM, over the Nordic UART service.

Functions beyond the values (wave form, battery, probe and search bits) as in viatomEcho/LepuBle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.crc import crc8_maxim
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.sig import uint
from gateway.home.devices.stream import StreamAssembler

SERVICE: Final = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
WRITE: Final = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY: Final = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"

OXIMETER: Final = 0x0F
DEVICE: Final = 0xF0
VALUES: Final = 0x01
WAVE: Final = 0x02
BATTERY: Final = 0x03

_SYNC: Final = b"\xaa\x55"
_HEADER: Final = 4
_MAX_LENGTH: Final = 64
"""Lengths known are 2 to 20: the bound of the buffer."""
_NO_FINGER: Final = 0x02
_SEARCHING: Final = 0x04


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of the oximeter (`OXIMETER`) or about the device (`DEVICE`)."""

    token: int
    function: int
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Wave:
    """Samples of the wave form, 0 to 127, 50 a second."""

    samples: bytes


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge in quarters: 0 up to 25 %, 1 to 50 %, 2 to 75 %, 3 to 100 %."""

    level: int


Message = OximeterReading | Wave | Battery | Frame


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame."""
    body = _SYNC + bytes((frame.token, len(frame.payload) + 2, frame.function)) + frame.payload
    return body + bytes((crc8_maxim(body),))


def decode_frame(data: bytes) -> Frame:
    """Exactly one frame."""
    if len(data) < _HEADER + 2 or data[:2] != _SYNC or data[2] not in (OXIMETER, DEVICE):
        raise ProtocolError(f"no frame that begins with aa55: {data[:8].hex() or 'empty'}")
    if data[3] != len(data) - _HEADER:
        raise ProtocolError(f"{data[3]} bytes announced, {len(data) - _HEADER} there")
    if crc8_maxim(data[:-1]) != data[-1]:
        raise ProtocolError(f"checksum {data[-1]:02x} should be {crc8_maxim(data[:-1]):02x}")
    return Frame(data[2], data[4], bytes(data[5:-1]))


def decode_message(frame: Frame) -> Message:
    """What a frame says; a frame whose function is not known is given back as it is."""
    match frame:
        case Frame(token=0x0F, function=0x01, payload=payload):
            return _values(payload)
        case Frame(token=0x0F, function=0x02, payload=payload) if len(payload) == 5:
            return Wave(bytes(byte & 0x7F for byte in payload))
        case Frame(token=0xF0, function=0x03, payload=payload) if len(payload) >= 1 and payload[0] <= 3:
            return Battery(payload[0])
    return frame


def _values(payload: bytes) -> OximeterReading:
    """SpO2, pulse u16, perfusion x 10, state (bit 1 no finger, bit 2 searching), one unknown."""
    if len(payload) < 5:
        raise ProtocolError(f"values have at least 5 bytes, not {len(payload)}")
    pulse, state = uint(payload, 1, 2), payload[4]
    worn = not state & _NO_FINGER
    spo2_pct = saturation(payload[0])
    pulse_bpm = float(pulse) if 0 < pulse < 0x1FF else None
    status = ("no_finger",) if not worn else ()
    return OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        perfusion_pct=payload[3] / 10 if payload[3] else None,
        worn=worn,
        status=status + (("searching",) if state & _SEARCHING else ()),
        valid=worn and spo2_pct is not None and pulse_bpm is not None,
    )


def encode_reading(reading: OximeterReading) -> bytes:
    """The values of `reading` as the oximeter sends them once a second."""
    state = (_NO_FINGER if reading.worn is False else 0) | (_SEARCHING if "searching" in reading.status else 0)
    payload = bytes((0 if reading.spo2_pct is None else round(reading.spo2_pct),))
    payload += (0 if reading.pulse_bpm is None else round(reading.pulse_bpm)).to_bytes(2, "little")
    payload += bytes((0 if reading.perfusion_pct is None else min(255, round(reading.perfusion_pct * 10)), state, 0xC0))
    return encode_frame(Frame(OXIMETER, VALUES, payload))


def _measure(buffer: bytearray, start: int) -> int | None:
    available = len(buffer) - start
    if buffer[start] != _SYNC[0] or (available > 1 and buffer[start + 1] != _SYNC[1]):
        return 0
    if available > 2 and buffer[start + 2] not in (OXIMETER, DEVICE):
        return 0
    if available < _HEADER:
        return None
    return _HEADER + buffer[start + 3] if 2 <= buffer[start + 3] <= _MAX_LENGTH else 0


class FrameAssembler(StreamAssembler[Frame]):
    """Frames out of notifications cut anywhere; see `StreamAssembler`."""

    def __init__(self) -> None:
        super().__init__(_measure, decode_frame)

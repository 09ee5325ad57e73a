"""BCI, as the BerryMed BM1000 speaks it: a byte stream of 5-byte packets, bit 7 set on the first byte alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.stream import StreamAssembler

SERVICE: Final = "49535343-fe7d-4ae5-8fa9-9fafd205e455"
NOTIFY: Final = "49535343-1e4d-4bd9-ba61-23c647249616"

_SIZE: Final = 5
_NO_PULSE: Final = 255
_NO_SPO2: Final = 127
_STATUS_BITS: Final = (
    (0, 4, "no_signal"),
    (0, 5, "unplugged"),
    (0, 6, "beep"),
    (2, 4, "no_finger"),
    (2, 5, "searching"),
)
"""(byte, bit, name)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; the device sends about 100 a second.

    Attributes
    ----------
    strength : int
        Signal strength 0 to 8; 15 none.
    pleth : int
        Wave form, 0 to 127.
    bar : int
        Bar graph, 0 to 15.
    """

    reading: OximeterReading
    strength: int
    pleth: int
    bar: int


def decode_packet(data: bytes) -> Packet:
    """Exactly one packet."""
    if len(data) != _SIZE or not data[0] & 0x80 or any(byte & 0x80 for byte in data[1:]):
        raise ProtocolError(f"a packet has {_SIZE} bytes, bit 7 on the first alone: {data[:_SIZE].hex() or 'empty'}")
    status = tuple(name for byte, bit, name in _STATUS_BITS if data[byte] >> bit & 1)
    pulse = (data[2] & 0x40) << 1 | data[3]
    worn = not {"no_finger", "unplugged"} & set(status)
    spo2_pct = saturation(data[4])
    pulse_bpm = float(pulse) if 0 < pulse < _NO_PULSE else None
    reading = OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        worn=worn,
        status=status,
        valid=worn and spo2_pct is not None and pulse_bpm is not None,
    )
    return Packet(reading, data[0] & 0x0F, data[1], data[2] & 0x0F)


def encode_packet(packet: Packet) -> bytes:
    """The bytes of `packet`, as a device sends it."""
    reading = packet.reading
    pulse = _NO_PULSE if reading.pulse_bpm is None else round(reading.pulse_bpm)
    data = bytearray((0x80 | packet.strength, packet.pleth, packet.bar | (pulse & 0x80) >> 1, pulse & 0x7F, _NO_SPO2))
    if reading.spo2_pct is not None:
        data[4] = round(reading.spo2_pct)
    for byte, bit, name in _STATUS_BITS:
        data[byte] |= int(name in reading.status) << bit
    return bytes(data)


def _measure(buffer: bytearray, start: int) -> int | None:
    if not buffer[start] & 0x80:
        return 0
    following = buffer[start + 1 : start + _SIZE]
    if any(byte & 0x80 for byte in following):
        return 0
    return _SIZE if len(following) == _SIZE - 1 else None


class PacketAssembler(StreamAssembler[Packet]):
    """Packets out of a stream cut anywhere; see `StreamAssembler`."""

    def __init__(self) -> None:
        super().__init__(_measure, decode_packet)

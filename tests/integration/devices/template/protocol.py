"""Template of a family's protocol: bytes in, values out, no I/O. Copy to `gateway/home/devices/FAMILY/protocol.py`.

An invented oximeter: one message a second, A0 SpO2 pulse perfusion x 10 and the sum of these four bytes & 7F; 00 stands
for no value. Say here where the real layout comes from.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading, saturation

SERVICE: Final = "a0c7e000-5eed-4b1d-9d5c-0123456789ab"
NOTIFY: Final = "a0c7e001-5eed-4b1d-9d5c-0123456789ab"

_VALUES: Final = 0xA0
_SIZE: Final = 5


def decode_notification(data: bytes) -> OximeterReading:
    """One message. Raises `ProtocolError`, in one line, where it is none; nothing else, whatever the bytes."""
    if len(data) != _SIZE or data[0] != _VALUES or sum(data[:4]) & 0x7F != data[4]:
        raise ProtocolError(f"no message of an example oximeter: {data[:8].hex() or 'empty'}")
    spo2_pct = saturation(data[1])
    pulse_bpm = float(data[2]) if data[2] else None
    worn = spo2_pct is not None and pulse_bpm is not None
    return OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        perfusion_pct=data[3] / 10 if data[3] else None,
        worn=worn,
        valid=worn,
    )


def encode_reading(reading: OximeterReading) -> bytes:
    """The message of `reading`, as the device sends it: for the virtual peripheral, and for round trips in tests."""
    values = (
        reading.spo2_pct,
        reading.pulse_bpm,
        None if reading.perfusion_pct is None else reading.perfusion_pct * 10,
    )
    body = bytes((_VALUES, *(0 if value is None else round(value) for value in values)))
    return body + bytes((sum(body) & 0x7F,))

"""Jumper JPD-500F: one message a notification, without a checksum. 81: values; 80: wave form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading, saturation

SERVICE: Final = "cdeacb80-5235-4c07-8846-93a37ee6b86d"
NOTIFY: Final = "cdeacb81-5235-4c07-8846-93a37ee6b86d"
WRITE: Final = "cdeacb82-5235-4c07-8846-93a37ee6b86d"

_VALUES: Final = 0x81
_WAVE: Final = 0x80
_NO_PULSE: Final = 255
_NO_SPO2: Final = 127
_MAX_WAVE: Final = 19


@dataclass(frozen=True, slots=True)
class Wave:
    """Samples of the wave form, unscaled."""

    samples: bytes


def decode_notification(data: bytes) -> OximeterReading | Wave:
    """Values (81, pulse, SpO2, perfusion x 10) or wave form (80 and up to 19 samples)."""
    if data[:1] == bytes((_WAVE,)) and 2 <= len(data) <= 1 + _MAX_WAVE:
        return Wave(bytes(data[1:]))
    if len(data) != 4 or data[0] != _VALUES:
        raise ProtocolError(f"no values (81, 4 bytes) and no wave form (80): {data[:8].hex() or 'empty'}")
    spo2_pct = saturation(data[2])
    pulse_bpm = float(data[1]) if 0 < data[1] < _NO_PULSE else None
    return OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        perfusion_pct=data[3] / 10 if data[3] else None,
        valid=spo2_pct is not None and pulse_bpm is not None,
    )


def encode_reading(reading: OximeterReading) -> bytes:
    """The notification of `reading`'s values."""
    return bytes(
        (
            _VALUES,
            _NO_PULSE if reading.pulse_bpm is None else round(reading.pulse_bpm),
            _NO_SPO2 if reading.spo2_pct is None else round(reading.spo2_pct),
            0 if reading.perfusion_pct is None else min(255, round(reading.perfusion_pct * 10)),
        )
    )


def encode_wave(wave: Wave) -> bytes:
    """The notification of a piece of wave form."""
    if not 1 <= len(wave.samples) <= _MAX_WAVE:
        raise ProtocolError(f"a notification carries 1 to {_MAX_WAVE} samples, not {len(wave.samples)}")
    return bytes((_WAVE,)) + wave.samples

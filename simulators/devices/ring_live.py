"""What an O2Ring shows of the finger's present sample: values and pulse wave. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.viatom.protocol import Op
from simulators.devices.finger import Finger

_WAVE_HZ: Final = 125
_LONGEST_WAVE: Final = 125


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """Truth about a live frame that was answered; None where it told no value.

    Attributes
    ----------
    utc_ms : int
        True time of the reading.
    op : Op
        `SENSORS` or `REAL_TIME`.
    spo2_pct, pulse_bpm : int or None
    perfusion_pct : float or None
    motion : int
    worn : bool
    """

    utc_ms: int
    op: Op
    spo2_pct: int | None
    pulse_bpm: int | None
    perfusion_pct: float | None
    motion: int
    worn: bool

    def reading(self, battery_pct: int) -> OximeterReading:
        """Return it as the protocol's codec takes it."""
        return OximeterReading(
            spo2_pct=self.spo2_pct,
            pulse_bpm=self.pulse_bpm,
            perfusion_pct=self.perfusion_pct,
            motion=self.motion,
            battery_pct=battery_pct,
            worn=self.worn,
            valid=self.worn and self.spo2_pct is not None and self.pulse_bpm is not None,
        )


def live_frame(finger: Finger, utc_ms: int, op: Op) -> LiveFrame:
    """Return what the ring reads at a true moment."""
    samples = finger.now(utc_ms)
    perfusion = float(samples.perfusion_pct[0])
    return LiveFrame(
        utc_ms,
        op,
        spo2_pct=_whole(samples.spo2_pct[0]),
        pulse_bpm=_whole(samples.pulse_bpm[0]),
        perfusion_pct=None if math.isnan(perfusion) else perfusion,
        motion=int(samples.motion[0]),
        worn=bool(samples.worn[0]),
    )


def pulse_wave(finger: Finger, since_utc_ms: int, utc_ms: int) -> bytes:
    """Return the wave of the time between, a second of it at most: at the pulse's rate, flat without a finger."""
    count = min((utc_ms - since_utc_ms) * _WAVE_HZ // 1000, _LONGEST_WAVE)
    samples = finger.now(utc_ms)
    if not samples.worn[0] or math.isnan(samples.pulse_bpm[0]):
        return bytes(count)
    beat_s = 60.0 / float(samples.pulse_bpm[0])
    return bytes(_pulse_shape((utc_ms / 1000.0 - i / _WAVE_HZ) % beat_s / beat_s) for i in reversed(range(count)))


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else round(value)


def _pulse_shape(phase: float) -> int:
    """A finger's volume pulse over one beat, 0..200: a fast rise, a slow fall, a notch."""
    rise = math.exp(-(((phase - 0.18) / 0.09) ** 2))
    fall = 0.45 * math.exp(-(((phase - 0.45) / 0.15) ** 2))
    return round(200 * min(1.0, rise + fall))

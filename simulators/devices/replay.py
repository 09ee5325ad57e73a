"""A real recording in the finger's place: every sample as it was recorded, at its own interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from simulators.devices.finger import Samples, Trace
from simulators.devices.ring_recorder import RingOptions


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording as a vendor's file gives it, in order of time and evenly sampled.

    Attributes
    ----------
    start : datetime
        Naive local time of the first sample.
    interval_s : float
        Seconds between samples; a whole number of milliseconds.
    spo2_pct, pulse_bpm : array of float, shape (n,)
        NaN where the device had no value.
    motion : array of uint8, shape (n,), or None
    """

    start: datetime
    interval_s: float
    spo2_pct: NDArray[np.floating]
    pulse_bpm: NDArray[np.floating]
    motion: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.start.tzinfo is not None:
            raise ValueError("a recording starts at a naive local time")
        if self.interval_s < 0.001 or self.spo2_pct.size == 0 or self.pulse_bpm.shape != self.spo2_pct.shape:
            raise ValueError("a recording needs an interval and as many pulses as saturations, at least one")
        if self.motion is not None and self.motion.shape != self.spo2_pct.shape:
            raise ValueError("a recording's motion needs one value a sample")


def replay_trace(recording: Recording, zone: tzinfo = UTC, *, start_utc_ms: int | None = None) -> Trace:
    """Return what a finger would have shown, so that a device without drift samples each recorded value once.

    The ring counts as worn from the first to the last sample: its file then has the recording's length, its gaps too.

    Parameters
    ----------
    zone : tzinfo
        Of the recording's local time.
    start_utc_ms : int or None
        When it begins instead, UTC milliseconds.
    """
    if start_utc_ms is None:
        start_utc_ms = round(recording.start.replace(tzinfo=zone).timestamp() * 1000)
    size = recording.spo2_pct.size
    spo2_pct = recording.spo2_pct.astype(np.float64)
    missing = np.isnan(spo2_pct)
    motion = np.zeros(size, dtype=np.uint8) if recording.motion is None else recording.motion.astype(np.uint8)
    return Trace(
        start_utc_ms,
        round(recording.interval_s * 1000),
        Samples(
            spo2_pct=spo2_pct,
            pulse_bpm=recording.pulse_bpm.astype(np.float64),
            perfusion_pct=np.full(size, np.nan),
            motion=motion,
            worn=np.ones(size, dtype=np.bool_),
            poor=missing,
        ),
    )


def replay_options(recording: Recording) -> RingOptions:
    """Return the ring that stores every sample of `recording` once, in one file: an O2 Max at its interval.

    Version 3 files at 2 s hold each sample twice, so they could not.
    """
    return RingOptions(
        version=5,
        interval_s=recording.interval_s,
        model="1632",
        name="O2M",
        longest_h=0xFFFF / 3600.0,
        scan_s=recording.interval_s,
    )

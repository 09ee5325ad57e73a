"""What really happened in a simulated home, to be held against the store; it travels as MessagePack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from simulators.devices import O2Ring

if TYPE_CHECKING:
    from simulators.firmware import BootTruth, VirtualRecorder
    from simulators.home import VirtualHome

UNSENT_MS: Final = 10_000
"""What the bed sensor had in hand when its power went: a frame that was not full (3 s) and one on the air."""


class LiveTruth(msgspec.Struct, frozen=True):
    """The live samples that the device gave out, in order, the finger in place."""

    utc_ms: list[int]
    spo2: list[int | None]
    pulse: list[int | None]


class FileTruth(msgspec.Struct, frozen=True):
    """A stored recording as the ring holds it."""

    name: str
    data: bytes


class WearTruth(msgspec.Struct, frozen=True):
    """The readings of which the recorder made records, in order, and when it was worn.

    Attributes
    ----------
    due_ms : int
        UTC up to which records must have arrived: the last contact; later ones may.
    temperature : list of float
        degC; NaN where the sensor failed.
    intervals : list of (start UTC ms, end UTC ms)
        In the mouth.
    """

    due_ms: int
    utc_ms: list[int]
    temperature: list[float]
    motion: list[int]
    intervals: list[tuple[int, int]]


class WaveTruth(msgspec.Struct, frozen=True):
    """The samples that the bed sensor was given from one power on to the next.

    Attributes
    ----------
    utc_ms, period_ms : float
        True UTC of the first, and distance.
    due_ms : int
        UTC up to which samples must have arrived; later ones may.
    values : bytes
        int16, little-endian.
    gains : list of (int, int)
        From which sample on which gain held, in doublings of the lowest.
    """

    utc_ms: float
    period_ms: float
    due_ms: int
    values: bytes
    gains: list[tuple[int, int]]


class Truth(msgspec.Struct, frozen=True):
    """What really happened.

    Attributes
    ----------
    falls : list of (nadir UTC ms, depth %)
        True desaturations that a finger in the sensor showed.
    wear : WearTruth or None
        None in a home without a recorder.
    waves : list of WaveTruth
        Empty in a home without a bed sensor.
    """

    live: LiveTruth
    files: list[FileTruth]
    falls: list[tuple[int, float]]
    wear: WearTruth | None = None
    waves: list[WaveTruth] = []


def truth_of(home: VirtualHome) -> Truth:
    """Read the truth off the devices and the sleeper's nights."""
    device = home.device
    worn = [frame for frame in device.delivered_live if frame.worn] if isinstance(device, O2Ring) else []
    files = device.files if isinstance(device, O2Ring) else {}
    sensors = home.sensors
    return Truth(
        LiveTruth(
            [frame.utc_ms for frame in worn],
            [frame.spo2_pct for frame in worn],
            [frame.pulse_bpm for frame in worn],
        ),
        [FileTruth(name, data) for name, data in files.items()],
        [
            (night.start_utc_ms + 1000 * fall.nadir_s, fall.depth_pct)
            for night in home.plan.nights
            for fall in night.desaturations
            if fall.observed
        ],
        None if sensors is None else _wear(sensors.recorder, sensors.intervals, home.pulled_ms("mad")),
        [] if sensors is None else [_wave(boot) for boot in sensors.bed.given],
    )


def _wear(recorder: VirtualRecorder, intervals: list[tuple[int, int]], due_ms: int) -> WearTruth:
    kept = recorder.kept
    return WearTruth(
        due_ms,
        [one.utc_ms for one in kept],
        [float("nan") if one.temperature_c is None else one.temperature_c for one in kept],
        [one.reading.motion_mg for one in kept],
        intervals,
    )


def _wave(boot: BootTruth) -> WaveTruth:
    end_ms = boot.utc_ms + len(boot.values) // 2 * boot.period_ms
    return WaveTruth(boot.utc_ms, boot.period_ms, round(end_ms) - UNSENT_MS, bytes(boot.values), boot.gains)

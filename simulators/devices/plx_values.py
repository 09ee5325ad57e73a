"""What a pulse oximeter says of the finger's present sample, in the terms of its profile. No I/O."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from gateway.home.devices.plx.protocol import (
    ContinuousMeasurement,
    MeasurementStatus,
    SensorStatus,
    SpotCheckMeasurement,
    Vitals,
)
from simulators.devices.finger import Samples

LOW_PERFUSION_PCT: Final = 0.3
"""Below this perfusion index oximeters warn."""

MEASUREMENT_MASK: Final = (
    MeasurementStatus.ONGOING
    | MeasurementStatus.FULLY_QUALIFIED
    | MeasurementStatus.FROM_STORAGE
    | MeasurementStatus.UNAVAILABLE
    | MeasurementStatus.QUESTIONABLE
)
"""Bits that this oximeter may ever set, as its features tell."""
SENSOR_MASK: Final = SensorStatus.POOR_SIGNAL | SensorStatus.LOW_PERFUSION | SensorStatus.UNCONNECTED_TO_USER


def continuous_measurement(samples: Samples) -> ContinuousMeasurement:
    """Return what the oximeter says of one sample."""
    measurement, sensor = _status(samples)
    return ContinuousMeasurement(
        normal=_vitals(samples),
        measurement_status=measurement | (MeasurementStatus.ONGOING if samples.worn[0] else MeasurementStatus(0)),
        sensor_status=sensor,
        pulse_amplitude_pct=_amplitude(samples),
    )


def spot_check(samples: Samples, local: datetime, *, clock_set: bool, stored: bool) -> SpotCheckMeasurement:
    """Return the spot-check of one sample at `local` time of the device."""
    measurement, sensor = _status(samples)
    return SpotCheckMeasurement(
        vitals=_vitals(samples),
        timestamp=local,
        measurement_status=measurement | (MeasurementStatus.FROM_STORAGE if stored else MeasurementStatus(0)),
        sensor_status=sensor,
        pulse_amplitude_pct=_amplitude(samples),
        clock_not_set=not clock_set,
    )


def _vitals(samples: Samples) -> Vitals:
    return Vitals(float(samples.spo2_pct[0]), float(samples.pulse_bpm[0]))


def _amplitude(samples: Samples) -> float | None:
    perfusion = float(samples.perfusion_pct[0])
    return None if math.isnan(perfusion) else perfusion


def _status(samples: Samples) -> tuple[MeasurementStatus, SensorStatus]:
    if not samples.worn[0]:
        return MeasurementStatus.UNAVAILABLE, SensorStatus.UNCONNECTED_TO_USER
    sensor = SensorStatus.POOR_SIGNAL if samples.poor[0] else SensorStatus(0)
    if samples.perfusion_pct[0] < LOW_PERFUSION_PCT:
        sensor |= SensorStatus.LOW_PERFUSION
    return (MeasurementStatus.QUESTIONABLE if sensor else MeasurementStatus.FULLY_QUALIFIED), sensor

"""Pulse Oximeter Service (0x1822), version 1.0.1: measurements and features, both ways.

Record access (0x2A52) is in `racp`, the formats shared with other services in `gateway.home.devices.sig`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.sig import (
    decode_date_time,
    encode_date_time,
    flag_names,
    sfloat_at,
    sfloat_bytes,
    uint,
)

SERVICE: Final = 0x1822
SPOT_CHECK: Final = 0x2A5E
CONTINUOUS: Final = 0x2A5F
FEATURES: Final = 0x2A60
RECORD_ACCESS: Final = 0x2A52


class MeasurementStatus(IntFlag):
    """Measurement Status, 16 bit; the lower five are reserved."""

    ONGOING = 1 << 5
    EARLY_ESTIMATE = 1 << 6
    VALIDATED = 1 << 7
    FULLY_QUALIFIED = 1 << 8
    FROM_STORAGE = 1 << 9
    DEMO = 1 << 10
    TEST = 1 << 11
    CALIBRATION = 1 << 12
    UNAVAILABLE = 1 << 13
    QUESTIONABLE = 1 << 14
    INVALID = 1 << 15


class SensorStatus(IntFlag):
    """Device and Sensor Status, 24 bit."""

    EXTENDED_DISPLAY_UPDATE = 1 << 0
    EQUIPMENT_MALFUNCTION = 1 << 1
    PROCESSING_IRREGULARITY = 1 << 2
    INADEQUATE_SIGNAL = 1 << 3
    POOR_SIGNAL = 1 << 4
    LOW_PERFUSION = 1 << 5
    ERRATIC = 1 << 6
    NON_PULSATILE = 1 << 7
    QUESTIONABLE_PULSE = 1 << 8
    ANALYSIS_ONGOING = 1 << 9
    INTERFERENCE = 1 << 10
    UNCONNECTED_TO_USER = 1 << 11
    UNKNOWN_SENSOR = 1 << 12
    DISPLACED = 1 << 13
    MALFUNCTIONING = 1 << 14
    DISCONNECTED = 1 << 15


class Feature(IntFlag):
    """Supported Features of 0x2A60."""

    MEASUREMENT_STATUS = 1 << 0
    SENSOR_STATUS = 1 << 1
    SPOT_CHECK_STORAGE = 1 << 2
    TIMESTAMP = 1 << 3
    FAST = 1 << 4
    SLOW = 1 << 5
    PULSE_AMPLITUDE_INDEX = 1 << 6
    MULTIPLE_BONDS = 1 << 7


_NOT_A_MEASUREMENT: Final = (
    MeasurementStatus.UNAVAILABLE
    | MeasurementStatus.INVALID
    | MeasurementStatus.DEMO
    | MeasurementStatus.TEST
    | MeasurementStatus.CALIBRATION
)
"""A value under one of these says nothing about the patient."""

_NOT_WORN: Final = SensorStatus.UNCONNECTED_TO_USER | SensorStatus.DISPLACED | SensorStatus.DISCONNECTED


@dataclass(frozen=True, slots=True)
class Vitals:
    """SpO2 (%) and pulse (beats a minute) as sent: NaN or infinite where the device has none."""

    spo2_pct: float
    pulse_bpm: float


@dataclass(frozen=True, slots=True)
class ContinuousMeasurement:
    """One notification of 0x2A5F. Fields that it leaves out are None."""

    normal: Vitals
    fast: Vitals | None = None
    slow: Vitals | None = None
    measurement_status: MeasurementStatus | None = None
    sensor_status: SensorStatus | None = None
    pulse_amplitude_pct: float | None = None

    def reading(self) -> OximeterReading:
        """The normal averaging, as every family gives it."""
        return _reading(
            self.normal, self.measurement_status, self.sensor_status, self.pulse_amplitude_pct, timestamp=None, extra=()
        )


@dataclass(frozen=True, slots=True)
class SpotCheckMeasurement:
    """One indication of 0x2A5E. Fields that it leaves out are None.

    Attributes
    ----------
    timestamp : datetime or None
        The device's local clock; None where it is left out, unknown (zeros) or `clock_invalid`.
    clock_not_set : bool
        The device says that its clock was never set: its timestamps count from its power-on.
    clock_invalid : bool
        A timestamp was sent that no calendar has. The measurement stands all the same.
    """

    vitals: Vitals
    timestamp: datetime | None = None
    measurement_status: MeasurementStatus | None = None
    sensor_status: SensorStatus | None = None
    pulse_amplitude_pct: float | None = None
    clock_not_set: bool = False
    clock_invalid: bool = False

    def reading(self) -> OximeterReading:
        """The measurement as every family gives it; a device without a set clock gives its timestamp as it is."""
        extra = tuple(
            name
            for name, present in (("clock_not_set", self.clock_not_set), ("clock_invalid", self.clock_invalid))
            if present
        )
        return _reading(
            self.vitals,
            self.measurement_status,
            self.sensor_status,
            self.pulse_amplitude_pct,
            timestamp=self.timestamp,
            extra=extra,
        )


@dataclass(frozen=True, slots=True)
class Features:
    """What a sensor says that it can do (0x2A60): the masks name the status bits that it may ever set."""

    supported: Feature
    measurement_status_mask: MeasurementStatus | None = None
    sensor_status_mask: SensorStatus | None = None


def _reading(
    vitals: Vitals,
    measurement: MeasurementStatus | None,
    sensor: SensorStatus | None,
    amplitude_pct: float | None,
    *,
    timestamp: datetime | None,
    extra: tuple[str, ...],
) -> OximeterReading:
    measurement = measurement if measurement is not None else MeasurementStatus(0)
    worn = None if sensor is None else not sensor & _NOT_WORN
    sensor = sensor if sensor is not None else SensorStatus(0)
    spo2_pct = saturation(vitals.spo2_pct)
    pulse_bpm = vitals.pulse_bpm if math.isfinite(vitals.pulse_bpm) and vitals.pulse_bpm > 0 else None
    return OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        perfusion_pct=amplitude_pct if amplitude_pct is not None and math.isfinite(amplitude_pct) else None,
        worn=worn,
        status=flag_names(measurement) + flag_names(sensor) + extra,
        timestamp=timestamp,
        valid=spo2_pct is not None and pulse_bpm is not None and not measurement & _NOT_A_MEASUREMENT,
    )


class _Cursor:
    """Reads fields one after the other and knows when a measurement is too short or too long."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._what, self._at = data, what, 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise ProtocolError(f"{self._what} is cut off: {len(self._data)} bytes, at least {end} needed")
        field, self._at = self._data[self._at : end], end
        return field

    def uint(self, size: int) -> int:
        return uint(self.take(size), 0, size)

    def sfloat(self) -> float:
        return sfloat_at(self.take(2), 0)

    def vitals(self) -> Vitals:
        return Vitals(self.sfloat(), self.sfloat())

    def end(self) -> None:
        if self._at != len(self._data):
            raise ProtocolError(f"{self._what} has {len(self._data) - self._at} bytes too many")


def decode_continuous(data: bytes) -> ContinuousMeasurement:
    """A PLX Continuous Measurement (0x2A5F). Raises `ProtocolError` where flags and length disagree."""
    cursor = _Cursor(data, "a continuous measurement")
    flags = cursor.uint(1)
    measurement = ContinuousMeasurement(
        normal=cursor.vitals(),
        fast=cursor.vitals() if flags & 1 else None,
        slow=cursor.vitals() if flags & 2 else None,
        measurement_status=MeasurementStatus(cursor.uint(2)) if flags & 4 else None,
        sensor_status=SensorStatus(cursor.uint(3)) if flags & 8 else None,
        pulse_amplitude_pct=cursor.sfloat() if flags & 16 else None,
    )
    cursor.end()
    return measurement


def encode_continuous(measurement: ContinuousMeasurement) -> bytes:
    """The notification of `measurement`: 5 to 20 bytes."""
    fields = (
        None if measurement.fast is None else _vitals_bytes(measurement.fast),
        None if measurement.slow is None else _vitals_bytes(measurement.slow),
        *_trailing_fields(measurement.measurement_status, measurement.sensor_status, measurement.pulse_amplitude_pct),
    )
    flags = sum(1 << bit for bit, field in enumerate(fields) if field is not None)
    return bytes((flags,)) + _vitals_bytes(measurement.normal) + b"".join(field or b"" for field in fields)


def decode_spot_check(data: bytes) -> SpotCheckMeasurement:
    """A PLX Spot-Check Measurement (0x2A5E). Raises `ProtocolError` where flags and length disagree."""
    cursor = _Cursor(data, "a spot-check measurement")
    flags = cursor.uint(1)
    vitals = cursor.vitals()
    timestamp, clock_invalid = None, False
    if flags & 1:
        field = cursor.take(7)
        try:
            timestamp = decode_date_time(field)
        except ProtocolError:
            clock_invalid = True
    measurement = SpotCheckMeasurement(
        vitals=vitals,
        timestamp=timestamp,
        measurement_status=MeasurementStatus(cursor.uint(2)) if flags & 2 else None,
        sensor_status=SensorStatus(cursor.uint(3)) if flags & 4 else None,
        pulse_amplitude_pct=cursor.sfloat() if flags & 8 else None,
        clock_not_set=bool(flags & 16),
        clock_invalid=clock_invalid,
    )
    cursor.end()
    return measurement


def encode_spot_check(measurement: SpotCheckMeasurement) -> bytes:
    """The indication of `measurement`: 5 to 19 bytes."""
    fields = (
        None if measurement.timestamp is None else encode_date_time(measurement.timestamp),
        *_trailing_fields(measurement.measurement_status, measurement.sensor_status, measurement.pulse_amplitude_pct),
    )
    flags = sum(1 << bit for bit, field in enumerate(fields) if field is not None)
    flags |= 16 if measurement.clock_not_set else 0
    return bytes((flags,)) + _vitals_bytes(measurement.vitals) + b"".join(field or b"" for field in fields)


def decode_features(data: bytes) -> Features:
    """PLX Features (0x2A60)."""
    cursor = _Cursor(data, "a feature list")
    supported = Feature(cursor.uint(2) & 0xFF)  # the upper byte is reserved
    features = Features(
        supported,
        MeasurementStatus(cursor.uint(2)) if Feature.MEASUREMENT_STATUS in supported else None,
        SensorStatus(cursor.uint(3)) if Feature.SENSOR_STATUS in supported else None,
    )
    cursor.end()
    return features


def encode_features(features: Features) -> bytes:
    """The value of 0x2A60; the bits of the two masks follow from their being there."""
    masks = (features.measurement_status_mask, features.sensor_status_mask)
    supported = features.supported & ~(Feature.MEASUREMENT_STATUS | Feature.SENSOR_STATUS)
    supported |= Feature.MEASUREMENT_STATUS if masks[0] is not None else Feature(0)
    supported |= Feature.SENSOR_STATUS if masks[1] is not None else Feature(0)
    value = int(supported).to_bytes(2, "little")
    value += b"" if masks[0] is None else int(masks[0]).to_bytes(2, "little")
    return value + (b"" if masks[1] is None else int(masks[1]).to_bytes(3, "little"))


def _vitals_bytes(vitals: Vitals) -> bytes:
    return sfloat_bytes(vitals.spo2_pct) + sfloat_bytes(vitals.pulse_bpm)


def _trailing_fields(
    measurement: MeasurementStatus | None, sensor: SensorStatus | None, amplitude_pct: float | None
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """The three optional fields that end both kinds of measurement."""
    return (
        None if measurement is None else int(measurement).to_bytes(2, "little"),
        None if sensor is None else int(sensor).to_bytes(3, "little"),
        None if amplitude_pct is None else sfloat_bytes(amplitude_pct),
    )

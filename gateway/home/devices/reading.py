"""What every oximeter family decodes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.wire.messages import OximetryFlag

STATUS_FLAGS: Final[Mapping[str, OximetryFlag]] = {
    "no_finger": OximetryFlag.NO_FINGER,
    "unconnected_to_user": OximetryFlag.NO_FINGER,
    "displaced": OximetryFlag.NO_FINGER,
    "disconnected": OximetryFlag.NO_FINGER,
    "unplugged": OximetryFlag.NO_FINGER,
    "sensor_absent": OximetryFlag.NO_FINGER,
    "low_perfusion": OximetryFlag.LOW_PERFUSION,
    "poor_signal": OximetryFlag.POOR_SIGNAL,
    "weak_signal": OximetryFlag.POOR_SIGNAL,
    "no_signal": OximetryFlag.POOR_SIGNAL,
    "inadequate_signal": OximetryFlag.POOR_SIGNAL,
    "searching": OximetryFlag.POOR_SIGNAL,
    "calibrating": OximetryFlag.POOR_SIGNAL,
    "non_pulsatile": OximetryFlag.POOR_SIGNAL,
    "equipment_malfunction": OximetryFlag.DEVICE_ARTEFACT,
    "processing_irregularity": OximetryFlag.DEVICE_ARTEFACT,
    "erratic": OximetryFlag.DEVICE_ARTEFACT,
    "questionable_pulse": OximetryFlag.DEVICE_ARTEFACT,
    "interference": OximetryFlag.DEVICE_ARTEFACT,
    "malfunctioning": OximetryFlag.DEVICE_ARTEFACT,
    "unknown_sensor": OximetryFlag.DEVICE_ARTEFACT,
    "questionable": OximetryFlag.DEVICE_ARTEFACT,
    "invalid": OximetryFlag.DEVICE_ARTEFACT,
    "demo": OximetryFlag.DEVICE_ARTEFACT,
    "test": OximetryFlag.DEVICE_ARTEFACT,
    "calibration": OximetryFlag.DEVICE_ARTEFACT,
    "charging": OximetryFlag.CHARGING,
    "charged": OximetryFlag.CHARGING,
}
"""The status names of all families that mean something to who reads a sample later, as bits of its `flags` column."""


@dataclass(frozen=True, slots=True)
class OximeterReading:
    """One moment as an oximeter tells it; None where it tells nothing.

    Attributes
    ----------
    spo2_pct : float or None
        Functional oxygen saturation, 0 < x <= 100.
    pulse_bpm : float or None
        Pulse rate, beats a minute.
    perfusion_pct : float or None
        Perfusion index (pulse amplitude index), %.
    motion : int or None
        The device's own measure of movement, 0 to 254.
    battery_pct, battery_v : float or None
        Charge in %, or the battery's voltage, as the family tells it.
    worn : bool or None
        Whether a finger is in the sensor.
    status : tuple of str
        Names of all conditions that the device reports, in the order of their bits.
    counter : int or None
        The device's own sequence number of this reading.
    timestamp : datetime or None
        The device's own clock: naive, local.
    valid : bool
        True where SpO2 and pulse are both there and the device stands by them.
    """

    spo2_pct: float | None = None
    pulse_bpm: float | None = None
    perfusion_pct: float | None = None
    motion: int | None = None
    battery_pct: float | None = None
    battery_v: float | None = None
    worn: bool | None = None
    status: tuple[str, ...] = ()
    counter: int | None = None
    timestamp: datetime | None = None
    valid: bool = False

    @property
    def flags(self) -> OximetryFlag:
        """The reading's status as bits of the `flags` column of kind oximetry."""
        flags = OximetryFlag.NO_FINGER if self.worn is False else OximetryFlag(0)
        for name in self.status:
            flags |= STATUS_FLAGS.get(name, OximetryFlag(0))
        return flags


def saturation(raw: float) -> float | None:
    """`raw` as SpO2 in %; None where it is no saturation: every family's marker for "none" lies outside (0, 100]."""
    return float(raw) if 0 < raw <= 100 else None

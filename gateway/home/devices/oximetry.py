"""Rows of kind oximetry from readings, the same for every family."""

from __future__ import annotations

from gateway.home.devices.reading import OximeterReading


def row_of(reading: OximeterReading) -> dict[str, float]:
    """Turn a reading into a row: what it does not tell is left out, which travels as missing."""
    row: dict[str, float] = {"flags": float(int(reading.flags))}
    values = {
        "spo2": reading.spo2_pct,
        "pulse": reading.pulse_bpm,
        "perfusion": reading.perfusion_pct,
        "motion": None if reading.motion is None else float(reading.motion),
    }
    return row | {name: value for name, value in values.items() if value is not None}

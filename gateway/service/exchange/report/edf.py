"""A night as EDF+: SpO2, pulse, perfusion and motion, with desaturations and wear as annotations.

EDF+C (B. Kemp and J. Olivan, Clin. Neurophysiol. 114:1755, 2003). Values are whole steps of the scale, 0.01 for
measured ones, so that what a device gives in up to two decimals is read back exactly. EDF knows no missing value: -1,
which no signal here can have, stands for it, and the header's prefiltering field says so.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import edfio
import numpy as np
from numpy.typing import NDArray

from gateway.errors import ConfigurationError
from gateway.service.exchange.report.grid import Grid, on_grid
from gateway.service.exchange.report.values import NightTrace
from gateway.service.nights import zone_info
from gateway.service.records import Patient

MISSING: Final = -1.0
_RECORD_S: Final = 10.0
"""About the length of a data record; the night is filled up to whole ones with missing values."""


@dataclass(frozen=True, slots=True)
class _Signal:
    column: str
    label: str
    unit: str
    steps: int
    """Digital steps a unit."""
    most: float
    """Highest value that can be written; a higher one is missing, and told."""


_SIGNALS: Final = (
    _Signal("spo2", "SpO2", "%", 100, 100.0),
    _Signal("pulse", "Pulse", "bpm", 100, 320.0),
    _Signal("perfusion", "Perfusion", "%", 100, 320.0),
    _Signal("motion", "Motion", "", 1, 254.0),
)


def to_edf(trace: NightTrace, patient: Patient, *, identified: bool = False) -> bytes:
    """Write the night.

    Parameters
    ----------
    identified
        Whether the patient's name on record and sex go into the header; else the id alone.

    Raises
    ------
    ConfigurationError
        The night has no sample with a value, or is longer than a night.
    """
    grid = on_grid(trace.samples, tuple(signal.column for signal in _SIGNALS))
    if not grid.columns:
        raise ConfigurationError("the night has no value to write")
    record = max(1, round(_RECORD_S * 1000 / grid.dt_ms))
    notes: list[str] = []
    signals = [_written(signal, grid, record, notes) for signal in _SIGNALS if signal.column in grid.columns]
    if grid.moved_ms:
        notes.append(f"Samples were moved by up to {grid.moved_ms} ms onto an even grid")
    if grid.dropped:
        notes.append(f"{grid.dropped} samples found their place taken and were left out")
    start = datetime.fromtimestamp(grid.t0_ms / 1000, UTC).astimezone(zone_info(patient.zone))
    file = edfio.Edf(
        signals,
        patient=_patient(patient, identified),
        recording=edfio.Recording(startdate=start.date(), equipment_code=trace.result.device),
        starttime=start.time(),
        data_record_duration=record * grid.dt_ms / 1000,
        annotations=_annotations(trace, grid.t0_ms, notes),
    )
    target = io.BytesIO()
    file.write(target)
    return target.getvalue()


def _written(signal: _Signal, grid: Grid, record: int, notes: list[str]) -> edfio.EdfSignal:
    values = grid.columns[signal.column]
    beyond = (values < 0) | (values > signal.most)
    if beyond.any():
        notes.append(f"{int(beyond.sum())} values of {signal.label} beyond 0 to {signal.most:g} were left out")
    known = np.isfinite(values) & ~beyond
    digital: NDArray[np.int16] = np.full(-(-values.size // record) * record, -signal.steps, np.int16)
    digital[: values.size][known] = np.rint(values[known] * signal.steps).astype(np.int16)
    return edfio.EdfSignal.from_digital(
        digital,
        1000 / grid.dt_ms,
        label=signal.label,
        physical_dimension=signal.unit,
        physical_range=(MISSING, signal.most),
        digital_range=(-signal.steps, round(signal.most * signal.steps)),
        prefiltering="none; -1 is missing",
    )


def _patient(patient: Patient, identified: bool) -> edfio.Patient:
    if not identified:
        return edfio.Patient(code=patient.id)
    sex = {"female": "F", "male": "M"}.get(patient.sex or "", "X")
    name = "_".join(_ascii(patient.name).split()) or "X"
    return edfio.Patient(code=patient.id, sex="F" if sex == "F" else "M" if sex == "M" else "X", name=name[:40])


def _ascii(text: str) -> str:
    """The header holds printable US-ASCII alone."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def _annotations(trace: NightTrace, t0_ms: int, notes: list[str]) -> list[edfio.EdfAnnotation]:
    told = [edfio.EdfAnnotation(0.0, None, note) for note in notes]
    for one in trace.desaturations:
        text = f"Desaturation {one.depth:.1f} % to {one.nadir:.1f} %"
        told.append(edfio.EdfAnnotation((one.start_ms - t0_ms) / 1000, (one.end_ms - one.start_ms) / 1000, text))
    for wear in trace.wears:
        text = "MAD: suspect wear" if wear.data.get("suspect") else "MAD in the mouth"
        begin_ms = max(wear.start_ms, t0_ms)
        told.append(edfio.EdfAnnotation((begin_ms - t0_ms) / 1000, (wear.end_ms - begin_ms) / 1000, text))
    return sorted(told, key=lambda one: (one.onset, one.text))

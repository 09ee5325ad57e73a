"""What a file is, before anything of it is kept: when, how long, what it says, and a trace to look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import find_wear
from analytics.bed.night import summarise
from analytics.bed.signal import WaveformChunk
from analytics.bed.stream import analyze
from analytics.oximetry.analysis import NightInput, analyze_night
from gateway.errors import InputFileError
from gateway.service.downsample import choose
from gateway.service.exchange.files import WearLog
from gateway.service.exchange.files.bed_waveform import BedWaveform
from gateway.service.exchange.imports.opened import File, kind_of
from gateway.service.exchange.imports.waveform import to_counts
from gateway.service.exchange.recording import Recording
from gateway.wire.messages import Array, Kind

PROFILE: Final = "peak"
MOST_POINTS: Final = 2000
"""Of a trace: twice the width of a preview."""

Indices = dict[str, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The extremes of every column over time, to be drawn.

    Attributes
    ----------
    seconds : float64 array, shape (m,)
        From the first sample.
    columns : mapping of str to float64 array, shape (m,) each
        NaN where missing.
    marks : tuple of (str, float, float)
        What was found: its kind, begin and end in seconds.
    """

    seconds: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]
    marks: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What a file is.

    Attributes
    ----------
    format : str
        Which reader read it.
    start, end : datetime or None
        Aware where the zone is known, naive local otherwise; None where the file gives none.
    interval_s : float
        Seconds between samples; the median of uneven ones.
    indices : dict of str to float or None
        By name; None where it cannot be told.
    notes : tuple of str
        What was repaired or assumed, and what would be done to the samples to keep them.
    """

    source: str
    kind: Kind
    format: str
    start: datetime | None
    end: datetime | None
    interval_s: float
    duration_s: float
    samples: int
    indices: Indices
    notes: tuple[str, ...]
    trace: Trace


def preview(file: File) -> Preview:
    """Look at a file.

    Raises
    ------
    InputFileError
        It is too short, or too strange, to be analysed.
    """
    try:
        if isinstance(file, Recording):
            return _oximetry(file)
        return _wear(file) if isinstance(file, WearLog) else _waveform(file)
    except ValueError as error:
        raise InputFileError(f"{file.source}: {error}") from None


def _oximetry(file: Recording) -> Preview:
    night = NightInput(file.interval_s, file.spo2, file.pulse, file.motion, file.flags)
    found = analyze_night(night, profile=PROFILE)
    indices = {
        "valid_h": found.valid_h,
        "odi3": found.odi3,
        "odi4": found.odi4,
        "desaturations": float(len(found.desaturations)),
        "t90_pct": found.spo2.t90_pct,
        "mean_spo2": found.spo2.mean,
        "min_spo2": found.spo2.min,
        "hypoxic_burden": found.hypoxic_burden.value,
    }
    seconds = np.arange(file.spo2.size, dtype=np.float64) * file.interval_s
    marks = tuple(("desaturation", one.start_s, one.end_s) for one in found.desaturations)
    trace = _trace(seconds, {"spo2": file.spo2, "pulse": file.pulse}, marks)
    return _told(file, file.kind, file.interval_s, file.spo2.size, indices, trace)


def _wear(file: WearLog) -> Preview:
    t_ms = np.rint(file.seconds * 1000).astype(np.int64)
    found = find_wear(WearChunk(t_ms, file.temperature, file.accel, file.motion, file.flags))
    indices = {
        "wears": float(sum(not one.suspect for one in found.intervals)),
        "wear_min": sum(one.minutes for one in found.intervals if not one.suspect),
        "suspect_min": sum(one.minutes for one in found.intervals if one.suspect),
        "missing_min": sum(one.minutes for one in found.missing),
    }
    marks = tuple(
        ("suspect" if one.suspect else "wear", one.start_ms / 1000, one.end_ms / 1000) for one in found.intervals
    )
    columns: dict[str, Array] = {"temperature": file.temperature}
    if file.motion.size:
        columns["motion"] = file.motion
    interval_s = float(np.median(np.diff(file.seconds))) if file.seconds.size > 1 else 0.0
    trace = _trace(file.seconds, columns, marks)
    return _told(file, "wear-log", interval_s, file.seconds.size, indices, trace)


def _waveform(file: BedWaveform) -> Preview:
    chunk = WaveformChunk(0.0, 1000.0 / file.rate_hz, file.pressure, file.gain, file.flags, count=file.count)
    output = analyze(chunk)
    night = summarise(output.epochs, output.disturbances)
    indices = {name: None if value is None else float(value) for name, value in asdict(night).items()}
    for name in ("bedtime_ms", "rise_ms"):  # of a clock that the file may not have
        indices.pop(name, None)
    marks = tuple(
        ("disturbance", int(one["start_ms"]) / 1000, int(one["end_ms"]) / 1000) for one in output.disturbances
    )
    epochs = output.epochs
    columns = {"heart_rate": epochs["heart_rate"], "respiration_rate": epochs["respiration_rate"]}
    trace = _trace(epochs["start_ms"] / 1000.0, columns, marks)
    return _told(file, "waveform", 1 / file.rate_hz, file.pressure.size, indices, trace, to_counts(file).notes)


def _told(
    file: File,
    form: str,
    interval_s: float,
    samples: int,
    indices: Mapping[str, float | None],
    trace: Trace,
    notes: tuple[str, ...] = (),
) -> Preview:
    end = None
    if file.start is not None:
        # Elapsed time is added in UTC, so that a night of a clock change comes out right.
        end = file.start + timedelta(seconds=file.duration_s)
        if file.start.tzinfo is not None:
            end = datetime.fromtimestamp(file.start.timestamp() + file.duration_s, file.start.tzinfo)
    return Preview(
        source=file.source,
        kind=kind_of(file),
        format=form,
        start=file.start,
        end=end,
        interval_s=interval_s,
        duration_s=file.duration_s,
        samples=samples,
        indices={
            name: value if value is not None and math.isfinite(value) else None for name, value in indices.items()
        },
        notes=(*file.notes, *notes),
        trace=trace,
    )


def _trace(
    seconds: NDArray[np.float64],
    columns: Mapping[str, Array],
    marks: tuple[tuple[str, float, float], ...],
) -> Trace:
    held = {name: column.astype(np.float64) for name, column in columns.items()}
    if seconds.size == 0:
        return Trace(seconds, held, marks)
    index = choose(np.rint(seconds * 1000).astype(np.int64), list(held.values()), MOST_POINTS).index
    return Trace(seconds[index], {name: column[index] for name, column in held.items()}, marks)

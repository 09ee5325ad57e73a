"""HDF5 as the public hypoxic-burden reference stores a night (MATLAB 7.3): `SpO2/Sig`, `RespEvents`, `SleepStage`.

Source of the layout: P. de Chazal, Hypoxic-Burden (MATLAB), sample data; Sutherland et al., Sleep 2022, zsac179.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from gateway.errors import InputFileError
from gateway.service.exchange.files.grid import MAX_INTERVAL_S, MAX_SAMPLES, clean_pulse, clean_spo2, thinning
from gateway.service.exchange.files.source import bad_file
from gateway.service.exchange.recording import UNSCORED, Recording, ScoredEvents
from gateway.wire.messages import MISSING_MOTION

_MAX_RATE_HZ: Final = 512
_MAX_EVENTS: Final = 100_000


def read(path: Path) -> Recording:
    """Read a night; `Pulse/Sig`, `RespEvents` and `SleepStage` may be absent. The file gives no start.

    Raises
    ------
    InputFileError
        With the data set that is missing or wrong.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except InputFileError:
        raise
    except (
        OSError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        # What h5py raises for a damaged file depends on where the damage is.
        raise bad_file(path, f"a damaged HDF5 file ({str(error)[:120]})") from None


def _read(path: Path, file: h5py.File) -> Recording:
    notes: list[str] = []
    limit = int(MAX_SAMPLES * _MAX_RATE_HZ / 64)
    signal = _numbers(path, file, "SpO2/Sig", limit)
    if signal is None or not signal.size:
        raise bad_file(path, "no samples", "SpO2/Sig")
    native_s = 1.0 / _rate_hz(path, file, "SpO2/SR")
    every = thinning(native_s)
    interval_s = native_s * every
    if interval_s > MAX_INTERVAL_S:
        raise bad_file(path, f"a sample every {interval_s:g} s is too coarse ({MAX_INTERVAL_S:g} s at most)", "SpO2/SR")
    if abs(round(interval_s, 3) - interval_s) > 1e-6:
        raise bad_file(path, f"a sampling interval of {interval_s:g} s is not one of whole milliseconds", "SpO2/SR")
    if every > 1:
        notes.append(f"SpO2 is sampled at {1 / native_s:g} Hz: thinned to one sample every {interval_s:g} s")
    spo2 = clean_spo2(signal[::every])
    if np.isnan(spo2).all():
        raise bad_file(path, "not one valid SpO2 value", "SpO2/Sig")
    pulse = np.full_like(spo2, np.nan)
    rates = _numbers(path, file, "Pulse/Sig", limit)
    if rates is not None and rates.size == signal.size:
        pulse = clean_pulse(rates[::every])
    return Recording(
        source=path.name,
        kind="hdf5",
        start=None,
        interval_s=interval_s,
        spo2=spo2,
        pulse=pulse,
        motion=np.full(spo2.size, MISSING_MOTION, np.uint8),
        flags=np.zeros(spo2.size, np.uint16),
        events=_events(path, file),
        stages=_stages(path, file, round(spo2.size * interval_s)),
        notes=tuple(notes),
    )


def _events(path: Path, file: h5py.File) -> ScoredEvents | None:
    start_s = _numbers(path, file, "RespEvents/Start", _MAX_EVENTS)
    duration_s = _numbers(path, file, "RespEvents/Duration", _MAX_EVENTS)
    if start_s is None or duration_s is None or not start_s.size:
        return None
    if start_s.size != duration_s.size or not (np.isfinite(start_s) & np.isfinite(duration_s) & (duration_s > 0)).all():
        raise bad_file(path, "starts and durations do not belong together", "RespEvents")
    order = np.argsort(start_s, kind="stable")
    return ScoredEvents(start_s[order], duration_s[order])


def _stages(path: Path, file: h5py.File, seconds: int) -> NDArray[np.int8] | None:
    told = _numbers(path, file, "SleepStage/Annotation", MAX_SAMPLES)
    if told is None or not told.size:
        return None
    seconds_each = 1.0 / _rate_hz(path, file, "SleepStage/SR")
    known = np.where(np.isin(told, (0, 1, 2, 3, 4, 5)), told, UNSCORED).astype(np.int8)
    second = (np.arange(seconds) / seconds_each).astype(np.int64)
    return np.where(second < known.size, known[np.minimum(second, known.size - 1)], UNSCORED).astype(np.int8)


def _rate_hz(path: Path, file: h5py.File, name: str) -> float:
    told = _numbers(path, file, name, 1)
    rate_hz = 1.0 if told is None or not told.size else float(told[0])
    if not 0.01 <= rate_hz <= _MAX_RATE_HZ:
        raise bad_file(path, f"a sampling rate of {rate_hz:g} Hz is not possible", name)
    return rate_hz


def _numbers(path: Path, file: h5py.File, name: str, limit: int) -> NDArray[np.float64] | None:
    """Return a data set as a flat array, empty for MATLAB's empty; None where there is none."""
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        return None
    if data.attrs.get("MATLAB_empty", 0) == 1:
        return np.empty(0)
    if data.dtype.kind not in "fiu":
        raise bad_file(path, f"holds {data.dtype}, not numbers", name)
    if data.size > limit:
        raise bad_file(path, f"{data.size:,} values are more than a recording has ({limit:,})", name)
    return np.asarray(data[()], dtype=np.float64).ravel()

"""EDF, EDF+C and EDF+D: SpO2 and pulse by their signals' names, on one grid whatever their rates.

A reader of our own: the maintained Python readers either refuse EDF+D (pyedflib) or read it as if it had no gaps
(edfio's stated limit), and a gap closed up moves every later desaturation.
"""

from __future__ import annotations

import re
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.clock import localise
from gateway.service.exchange.files.edf_annotations import read_annotations, scored_events, sleep_stages
from gateway.service.exchange.files.edf_header import EdfHeader, Signal, read_header
from gateway.service.exchange.files.grid import (
    MAX_INTERVAL_S,
    MAX_SPAN_S,
    clean_pulse,
    clean_spo2,
    thinning,
)
from gateway.service.exchange.files.source import bad_file
from gateway.service.exchange.recording import Recording
from gateway.wire.messages import MISSING_MOTION

_SUFFIX: Final = r"(1s|bb|b2b|beattobeat|avg|mean|ox|oxi|oxym|nonin|masimo)?$"
_SPO2: Final = re.compile(
    r"(spo2|sao2|spo2sao2|sao2spo2|o2sat|osat|sato2|sat|satur|saturation|oxygensat|oxygensaturation?)" + _SUFFIX
)
_PULSE: Final = re.compile(
    r"(pulse|pulserate|pulsrate|puls|pr|hr|hrate|heartrate|dhr|spo2pr|prspo2|pulsespo2)" + _SUFFIX
)
"""Names of signals in lower case, letters and digits only; a pulse *wave* or a status is none of them."""
_SPO2_UNITS: Final = frozenset({"", "%", "pct", "percent", "%sat", "%spo2", "no"})
_PULSE_UNITS: Final = frozenset({"", "bpm", "/min", "1/min", "min-1", "beats/min", "bts/min", "p/min", "hz/60", "no"})
_TICK_S: Final = 1e-6
_STEPS_PCT: Final = (1.0, 0.1)
"""What oximeters round to; EDF's own scaling blurs it by up to half a digital step."""


def read(path: Path, zone: tzinfo | None) -> Recording:
    """Read an EDF file.

    Signals faster than 4 Hz are taken once a second. Annotations of apnoeas and hypopnoeas with a duration become
    scored events, those of sleep stages stages.

    Raises
    ------
    InputFileError
        With the byte, or the signals that the file does have.
    """
    header = read_header(path)
    notes: list[str] = []
    spo2_signal = _choose(header, _SPO2, _SPO2_UNITS, notes)
    if spo2_signal is None:
        labels = ", ".join(signal.label for signal in header.signals)[:200]
        raise bad_file(path, f"no SpO2 signal among {labels}", f"byte {256}")
    onsets, annotations = read_annotations(path, header)
    if header.announced > header.records:
        notes.append(f"the file is cut short: {header.records} of {header.announced} data records are there")
    if abs(onsets[0]) > MAX_SPAN_S:
        raise bad_file(path, f"the first data record begins {onsets[0]:g} s after the start", f"byte {header.bytes}")
    if onsets[-1] - onsets[0] + header.record_s > MAX_SPAN_S:
        raise bad_file(path, f"more than {MAX_SPAN_S // 86_400} days in one recording", "byte 236")
    native_s = header.record_s / spo2_signal.samples
    interval_s = _even_ms(native_s * thinning(native_s))
    if interval_s > MAX_INTERVAL_S:
        raise bad_file(path, f"an SpO2 sample every {interval_s:g} s is too coarse ({MAX_INTERVAL_S:g} s at most)")
    if interval_s != native_s:
        notes.append(f"SpO2 is sampled at {1 / native_s:g} Hz: taken every {interval_s:g} s")
    times_s, values = _read_signal(path, header, spo2_signal, onsets)
    size = round(float(times_s[-1]) / interval_s) + 1
    spo2 = clean_spo2(_hold(times_s, values, size, interval_s))
    if np.isnan(spo2).all():
        raise bad_file(path, f"not one valid value in signal {spo2_signal.label!r}")
    gaps_s = np.diff(onsets) - header.record_s
    gaps_s = gaps_s[gaps_s > interval_s / 2]
    if gaps_s.size:
        notes.append(f"{gaps_s.size} gaps, {gaps_s.sum():g} s in all, left as missing")
    pulse = np.full_like(spo2, np.nan)
    pulse_signal = _choose(header, _PULSE, _PULSE_UNITS, notes)
    if pulse_signal is not None:
        pulse = clean_pulse(_hold(*_read_signal(path, header, pulse_signal, onsets), spo2.size, interval_s))
    start = None if header.start is None else header.start + timedelta(seconds=float(onsets[0]))
    if start is None:
        notes.append("the header holds no valid start")
    seconds = round(spo2.size * interval_s)
    return Recording(
        source=path.name,
        kind="edf",
        start=localise(start, zone, notes),
        interval_s=interval_s,
        spo2=spo2,
        pulse=pulse,
        motion=np.full(spo2.size, MISSING_MOTION, np.uint8),
        flags=np.zeros(spo2.size, np.uint16),
        events=scored_events(annotations, float(onsets[0]), seconds),
        stages=sleep_stages(annotations, float(onsets[0]), seconds),
        notes=tuple(notes),
    )


def _choose(header: EdfHeader, names: re.Pattern[str], units: frozenset[str], notes: list[str]) -> Signal | None:
    fit = [
        signal
        for signal in header.signals
        if signal.samples
        and signal.gain
        and names.match(re.sub(r"[\W_]+", "", signal.label.lower()))
        and signal.unit.lower().replace(" ", "") in units
    ]
    if len(fit) > 1:
        notes.append(f"of the signals {', '.join(signal.label for signal in fit)} the first was taken")
    return fit[0] if fit else None


def _read_signal(
    path: Path, header: EdfHeader, signal: Signal, onsets: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times (seconds from the first record) and physical values, thinned if faster than 4 Hz."""
    native_s = header.record_s / signal.samples
    wanted = np.arange(0, header.records * signal.samples, thinning(native_s))
    record, within = np.divmod(wanted, signal.samples)
    digital = header.samples(path)[record, signal.offset + within]
    return onsets[record] - onsets[0] + within * native_s, _unblur(signal.gain * digital + signal.zero, signal.gain)


def _unblur(values: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    for step in _STEPS_PCT:
        nearest = np.rint(values / step) * step
        if abs(gain) < step / 4 and np.abs(values - nearest).max() <= 0.51 * abs(gain):
            return nearest
    return values


def _hold(
    times_s: NDArray[np.float64], values: NDArray[np.float64], size: int, interval_s: float
) -> NDArray[np.float64]:
    """Return `values` at the even grid: each is held until the next one is due, and no longer."""
    grid_s = np.arange(size) * interval_s
    held = np.maximum(np.searchsorted(times_s, grid_s + _TICK_S, "right") - 1, 0)
    step_s = float(np.median(np.diff(times_s))) if times_s.size > 1 else interval_s
    return np.where(grid_s - times_s[held] < max(step_s, interval_s) - _TICK_S, values[held], np.nan)


def _even_ms(interval_s: float) -> float:
    """Return the interval in whole milliseconds; one second for a signal whose own is none (3 Hz)."""
    whole = round(interval_s, 3)
    return whole if abs(whole - interval_s) < _TICK_S else 1.0

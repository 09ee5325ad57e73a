"""Heart beats: from the intervals of a real night, or from the pulse of a simulated one."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np

from simulators.physiology.series import Series

SHORTEST_MS: Final = 300.0
LONGEST_MS: Final = 2200.0
"""Intervals outside of 27 to 200 bpm are a chest strap's losses and doubles."""
_NEIGHBOURS: Final = 11
_DEVIATION: Final = 0.45
"""Share of the median of the neighbours beyond which an interval is an error; sinus arrhythmia of a slow, fit heart
reaches 0.3."""
_COLUMN: Final = "RR Interval in seconds"
_ARRHYTHMIA: Final = 0.035
"""Share by which breathing moves the intervals of a simulated heart."""
_JITTER: Final = 0.012


def read_rr_csv(path: Path) -> Series:
    """Read the intervals of a night, in ms, as Li et al. (Scientific Data 2024) publish them.

    Parameters
    ----------
    path : pathlib.Path
        CSV with a column `RR Interval in seconds`.

    Raises
    ------
    ValueError
        Without that column, or where it holds no number.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames is None or _COLUMN not in rows.fieldnames:
            raise ValueError(f"{path.name}: no column {_COLUMN!r}")
        return np.array([float(row[_COLUMN]) for row in rows]) * 1000.0


def clean_rr(rr_ms: Series) -> Series:
    """Intervals without what the recorder got wrong: each such one becomes the median of its neighbours.

    Parameters
    ----------
    rr_ms : array, shape (n,)
        As recorded.

    Returns
    -------
    array, shape (n,)
        All within `SHORTEST_MS` .. `LONGEST_MS`.

    Raises
    ------
    ValueError
        If fewer than a third of the intervals are possible ones.
    """
    possible = (rr_ms >= SHORTEST_MS) & (rr_ms <= LONGEST_MS)
    if 3 * np.count_nonzero(possible) < max(rr_ms.size, 3):
        raise ValueError("these are no RR intervals in ms of a heart")
    index = np.arange(rr_ms.size)
    filled = np.interp(index, index[possible], rr_ms[possible])
    padded = np.pad(filled, _NEIGHBOURS // 2, mode="edge")
    median = np.median(np.lib.stride_tricks.sliding_window_view(padded, _NEIGHBOURS), axis=1)
    return np.where(possible & (np.abs(filled / median - 1.0) <= _DEVIATION), filled, median)


def beats_of_rr(rr_ms: Series, skip: int, duration_s: float) -> Series:
    """Beat times in s that cover 0 .. `duration_s`, from interval number `skip` on, starting over at the end."""
    mean_s = float(rr_ms.mean()) / 1000.0
    count = int(duration_s / mean_s * 1.5) + 400
    while True:
        times = np.cumsum(rr_ms[np.arange(skip, skip + count) % rr_ms.size]) / 1000.0
        if times[-1] > duration_s:
            return np.asarray(times[times <= duration_s])
        count *= 2


def beats_of_pulse(rng: np.random.Generator, pulse_bpm: Series, breath_phase: Series) -> Series:
    """Beat times in s of a heart that follows `pulse_bpm`, breathes, and is never quite regular.

    Parameters
    ----------
    pulse_bpm : array, shape (seconds,)
    breath_phase : array, shape (seconds,)
        Breaths since the start.
    """
    rate = pulse_bpm / 60.0 * (1.0 + _ARRHYTHMIA * np.sin(2.0 * np.pi * breath_phase))
    beats = np.concatenate([[0.0], np.cumsum(rate)])
    whole = np.arange(1.0, np.floor(beats[-1]))
    times = np.interp(whole, beats, np.arange(beats.size, dtype=np.float64))
    return np.asarray(times + _JITTER * rng.standard_normal(times.size).clip(-3, 3))

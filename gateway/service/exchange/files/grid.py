"""Rows at any times, placed on the even grid that the analytics work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.source import RowError

MAX_SPAN_S: Final = 3 * 86_400
"""What spans more is no night: a wrong clock, or several files in one."""
MAX_INTERVAL_S: Final = 10.0
"""A desaturation of 10 s cannot be seen on a coarser grid."""
MIN_INTERVAL_S: Final = 0.25
"""Finer sampling is thinned to one sample a second: no oximeter averages over less than that."""
MAX_SAMPLES: Final = int(MAX_SPAN_S / MIN_INTERVAL_S)
"""After thinning; a denser table may have four times as many."""

_USUAL_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 10.0)
_SNAP: Final = 0.05
_AGREE: Final = 0.6
_REACH: Final = 16

_SPO2_MISSING: Final = (127.0, 255.0, 511.0, 65_535.0)
_FULL_PCT: Final = 100.0
_ROUNDING_PCT: Final = 0.5
"""A saturation of 100 % may come out a little above it by scaling; more than this is no saturation."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where each row goes.

    Attributes
    ----------
    interval_s : float
    size : int
        Samples of the grid.
    index : int64 array, shape (rows,)
        Non-decreasing.
    notes : tuple of str
    """

    interval_s: float
    size: int
    index: NDArray[np.int64]
    notes: tuple[str, ...]

    def place(self, values: NDArray[np.float64], missing: float) -> NDArray[np.float64]:
        """Return the column on the grid, `missing` where no row is; of rows in one place the last stays."""
        placed = np.full(self.size, missing)
        placed[self.index] = values
        return placed


def fit_grid(elapsed_s: NDArray[np.float64]) -> Grid:
    """Find the sampling interval of rows and their places.

    The interval is the median step where most steps agree with it, else (stamps of whole seconds over 1.5 s sampling,
    jitter) the median over 16 steps. It is taken as a usual one when within 5 % of it. The grid's phase is the mean
    phase of all rows, so that a first row that came early or late moves none of the others.

    Parameters
    ----------
    elapsed_s : float64 array, shape (n,)
        Seconds since the first row, non-decreasing.

    Raises
    ------
    RowError
        Fewer than two rows, no two different times, sampling coarser than 10 s, or more than three days.
    """
    if elapsed_s.size < 2:
        raise RowError(0, "one sample alone is no recording")
    if elapsed_s[-1] > MAX_SPAN_S:
        row = int(np.argmax(elapsed_s > MAX_SPAN_S))
        raise RowError(row, f"more than {MAX_SPAN_S // 86_400} days in one recording")
    elapsed_s = _spread(elapsed_s)
    steps = np.diff(elapsed_s)
    moving = steps[steps > 0]
    if not moving.size:
        raise RowError(0, "all times are the same")
    interval_s = float(np.median(moving))
    if (np.abs(moving - interval_s) <= _SNAP * interval_s).mean() < _AGREE:
        reach = min(_REACH, elapsed_s.size - 1)
        interval_s = float(np.median(elapsed_s[reach:] - elapsed_s[:-reach])) / reach or interval_s
    interval_s = next((usual for usual in _USUAL_S if abs(interval_s - usual) <= _SNAP * usual), round(interval_s, 3))
    if not 0 < interval_s <= MAX_INTERVAL_S:
        what = f"a sample every {interval_s:g} s is too coarse to see desaturations ({MAX_INTERVAL_S:g} s at most)"
        raise RowError(1, what)
    if elapsed_s[-1] / interval_s > 4 * MAX_SAMPLES:
        raise RowError(1, f"a sample every {interval_s:g} s is too dense")
    turns = np.exp(2j * np.pi * elapsed_s / interval_s)
    phase = float(np.angle(turns.mean())) / (2 * np.pi)
    index = np.rint(elapsed_s / interval_s - phase).astype(np.int64)
    index -= index[0]
    size = int(index[-1]) + 1
    return Grid(interval_s, size, index, _grid_notes(index, interval_s))


def clean_spo2(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return SpO2 with marks of a missing value and impossible saturations (< 1, > 100 %) as NaN.

    Low values are kept, however low: the range that counts is the analytics' business.
    """
    cleaned = np.where(np.isin(values, _SPO2_MISSING) | (values < 1), np.nan, values)
    cleaned = np.where((cleaned > _FULL_PCT) & (cleaned <= _FULL_PCT + _ROUNDING_PCT), _FULL_PCT, cleaned)
    return np.where(cleaned > _FULL_PCT, np.nan, cleaned).astype(np.float32)


def clean_pulse(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return pulse rates with impossible rates (<= 0, >= 255 bpm: the marks of a missing value among them) as NaN."""
    wrong = (values <= 0) | (values >= 255)
    return np.where(wrong, np.nan, values).astype(np.float32)


def thinning(interval_s: float) -> int:
    """Every how many samples one is kept, so that the interval is not below 0.25 s."""
    return 1 if interval_s >= MIN_INTERVAL_S * (1 - _SNAP) else max(1, round(1.0 / interval_s))


def _spread(elapsed_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part rows with one whole-second stamp evenly over that second, where the file has several a second throughout."""
    moments, first, counts = np.unique(elapsed_s, return_index=True, return_counts=True)
    usual = int(np.median(counts))
    if usual < 2 or moments.size < 2:
        return elapsed_s
    rank = np.arange(elapsed_s.size) - np.repeat(first, counts)
    step_s = float(np.median(np.diff(moments)))
    return elapsed_s + np.minimum(rank, usual - 1) * (step_s / usual)


def _grid_notes(index: NDArray[np.int64], interval_s: float) -> tuple[str, ...]:
    notes = []
    moves = np.diff(index)
    gaps = moves[moves > 1] - 1
    if gaps.size:
        notes.append(f"{gaps.size} gaps, {gaps.sum() * interval_s:g} s in all, left as missing")
    doubled = int((moves == 0).sum())
    if doubled:
        notes.append(f"{doubled} rows at the time of the row before: the later one of each was kept")
    return tuple(notes)

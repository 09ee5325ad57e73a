"""The time axis and thinning that both kinds of picture share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.oximetry.analysis import Analysis
from gateway.errors import ConfigurationError

SPO2_FLOOR_PCT: Final = 85.0
"""The SpO2 axis reaches at least this far down, so that a calm night looks calm."""

_TICK_STEPS_S: Final = (10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14_400)
_MOST_TICKS: Final = 12


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis: seconds from the first sample, and its text."""

    at_s: float
    text: str


def time_ticks(start: datetime | None, duration_s: float) -> tuple[Tick, ...]:
    """Return marks at round local times, or at round elapsed ones where the start is not known."""
    step_s = next((step for step in _TICK_STEPS_S if duration_s / step <= _MOST_TICKS), _TICK_STEPS_S[-1])
    offset_s = 0.0 if start is None else (start - start.replace(hour=0, minute=0, second=0)).total_seconds() % step_s
    at = np.arange(-offset_s % step_s, duration_s + 1e-9, step_s)
    return tuple(Tick(float(second), clock_text(start, float(second), seconds=step_s < 60)) for second in at)


def clock_text(start: datetime | None, at_s: float, *, seconds: bool = True) -> str:
    """Return the local time `at_s` after the start, or the elapsed time where the start is not known."""
    if start is not None:
        # Through UTC, so that a change of the clocks in the night shows as it did on the wall.
        moment = start + timedelta(seconds=at_s)
        if start.tzinfo is not None:
            moment = datetime.fromtimestamp(start.timestamp() + at_s, start.tzinfo)
        return moment.strftime("%H:%M:%S" if seconds else "%H:%M")
    hours, rest = divmod(round(at_s), 3600)
    text = f"{hours}:{rest // 60:02d}"
    return f"{text}:{rest % 60:02d}" if seconds else text


def clock_changes(start: datetime | None, duration_s: float) -> list[tuple[float, float]]:
    """Return when the wall clock was moved during the night (seconds from the first sample) and by how many seconds."""
    if start is None or start.tzinfo is None:
        return []
    moments = np.append(np.arange(0.0, duration_s, 60.0), duration_s)
    local = [datetime.fromtimestamp(start.timestamp() + at_s, start.tzinfo) for at_s in moments.tolist()]
    offsets_s = np.array([(moment.utcoffset() or timedelta()).total_seconds() for moment in local])
    moved = np.flatnonzero(np.diff(offsets_s))
    return [(float(moments[row + 1]), float(offsets_s[row + 1] - offsets_s[row])) for row in moved.tolist()]


def axis_title(start: datetime | None) -> str:
    """Return what the time axis is called: the day, and the zone where it is known."""
    if start is None:
        return "time from the first sample (h:min)"
    zone = start.strftime(" %Z") if start.tzinfo is not None else ""
    return f"local time{zone}, from {start:%Y-%m-%d}"


def envelope(values: NDArray[np.float32], most: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Thin a curve to about `most` points without losing a nadir: the lowest and highest of every stretch.

    Returns
    -------
    index : int64 array, shape (m,)
        Increasing.
    values : float32 array, shape (m,)
        NaN where a whole stretch is missing.
    """
    size = values.size
    width = max(1, -(-size // max(1, most // 2)))
    if width == 1:
        return np.arange(size), values
    padded = np.concatenate([values, np.full(-size % width, np.nan, values.dtype)]).reshape(-1, width)
    low = np.where(np.isnan(padded), np.inf, padded).argmin(axis=1)
    high = np.where(np.isnan(padded), -np.inf, padded).argmax(axis=1)
    first = np.arange(padded.shape[0]) * width
    index = np.unique(np.concatenate([first + low, first + high]))
    index = index[index < size]
    return index, values[index]


def spo2_limits(analysis: Analysis) -> tuple[float, float]:
    """Return the range of the SpO2 axis, %: down to the lowest valid value, whatever an artefact shows."""
    return float(np.fmin(SPO2_FLOOR_PCT, 5.0 * np.floor(analysis.spo2.min / 5.0))), 101.0


def write_file(path: Path, data: bytes) -> None:
    """Write a picture.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror or error})") from None

"""From the times of a file's rows to seconds since its first: DST folds, gaps and clocks that were set on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.source import RowError
from gateway.service.exchange.files.times import Times

MAX_GAP_S: Final = 12 * 3600
"""A longer silence parts two recordings."""
_HOUR_S: Final = 3600.0
_YEARS: Final = (1970, 2100)
_NEVER_SET_S: Final = 1_262_304_000.0
"""2010-01-01: a time before it comes from a clock that was never set (no ring of today existed)."""


@dataclass(frozen=True, slots=True, eq=False)
class Elapsed:
    """Rows by time since the first.

    Attributes
    ----------
    seconds : float64 array, shape (n,)
        From 0, non-decreasing.
    start : datetime or None
        Aware where the zone is known, naive local otherwise, None for a file that counts from its own start.
    notes : tuple of str
    """

    seconds: NDArray[np.float64]
    start: datetime | None
    notes: tuple[str, ...]


def elapsed_times(times: Times, zone: tzinfo | None, *, max_gap_s: float = MAX_GAP_S) -> Elapsed:
    """Turn a time column into seconds since its first row.

    Parameters
    ----------
    times : Times
    zone : tzinfo or None
        Where the local clock stood. With it, a repeated or skipped hour is told from the zone's own rules. Without
        it, a single step back by one hour less a sampling interval is taken as a fold, as nothing else explains it.
    max_gap_s : float
        A longer silence parts two recordings; infinite for a log of months.

    Raises
    ------
    RowError
        Times that go back without a fold, or a silence of more than `max_gap_s`.

    Notes
    -----
    Only steps that break the even flow of rows are looked at: a device whose clock does not follow DST runs evenly
    through the change of the clocks, and so do its samples. A clock that was set during the recording (rows before
    2010, then rows of today) is dated back from the moment it was set.
    """
    seconds = times.seconds.copy()
    notes = list(times.notes)
    steps = np.diff(seconds)
    forward = steps[steps > 0]
    interval_s = float(np.median(forward)) if forward.size else 0.0
    if times.zero != "elapsed":
        _date_back(seconds, steps, interval_s, notes)
    if times.zero == "local":
        _fold(seconds, steps, interval_s, zone, notes)
    _check(steps, zone, max_gap_s)
    start = None if times.zero == "elapsed" else _start(seconds[0], times, zone, notes)
    return Elapsed(np.concatenate(([0.0], np.cumsum(steps))), start, tuple(notes))


def localise(start: datetime | None, zone: tzinfo | None, notes: list[str]) -> datetime | None:
    """Give a naive local start its zone.

    A start within a repeated hour is taken as its first pass, one in an impossible year is left out; each with a note.
    """
    if start is not None and not _YEARS[0] <= start.year <= _YEARS[1]:
        notes.append(f"the start {start:%Y-%m-%d} is not possible and was left out")
        return None
    if start is None or zone is None or start.tzinfo is not None:
        return start
    aware = start.replace(tzinfo=zone)
    early, late = aware.utcoffset(), aware.replace(fold=1).utcoffset()
    if early is not None and late is not None and early > late:
        notes.append(f"{start:%H:%M:%S} came twice that night: the start is taken as the first of the two")
    return aware


def _date_back(seconds: NDArray[np.float64], steps: NDArray[np.float64], interval_s: float, notes: list[str]) -> None:
    set_at = np.flatnonzero((seconds[:-1] < _NEVER_SET_S) & (seconds[1:] >= _NEVER_SET_S))
    if set_at.size != 1 or steps[set_at[0]] <= MAX_GAP_S:
        return
    row = int(set_at[0])
    seconds[: row + 1] += steps[row] - interval_s
    steps[row] = interval_s
    notes.append(f"the device's clock was set after {row + 1} samples: those are dated back from that moment")


def _fold(
    seconds: NDArray[np.float64],
    steps: NDArray[np.float64],
    interval_s: float,
    zone: tzinfo | None,
    notes: list[str],
) -> None:
    if zone is None:
        back = np.flatnonzero(steps < 0)
        if back.size == 1 and abs(steps[back[0]] + _HOUR_S - interval_s) <= 2 * interval_s:
            steps[back[0]] += _HOUR_S
            notes.append("the clock goes back one hour during the night: taken as the end of summer time")
        return
    if not _clocks_change(seconds, zone):
        return
    offset_s = _offset_s(seconds[0], zone, 0)
    for row in np.flatnonzero((steps < 0) | (steps > 1.5 * interval_s)):
        before, after = float(seconds[row]), float(seconds[row + 1])
        if offset_s not in (_offset_s(before, zone, 0), _offset_s(before, zone, 1)):
            continue  # this device's clock did not follow the change: its own steps are true
        candidates = {_offset_s(after, zone, 0), _offset_s(after, zone, 1)}
        passed = sorted((after - before + offset_s - offset, offset) for offset in candidates)
        later = [(step_s, offset) for step_s, offset in passed if step_s > 0]
        if not later or later[0][1] == offset_s:
            continue
        steps[row], change_s = later[0][0], later[0][1] - offset_s
        offset_s = later[0][1]
        turn = "back" if change_s < 0 else "forward"
        notes.append(f"the clocks went {turn} {abs(change_s) / 60:.0f} min during the night: the samples run on")


def _check(steps: NDArray[np.float64], zone: tzinfo | None, max_gap_s: float) -> None:
    wrong = np.flatnonzero((steps < 0) | (steps > max_gap_s))
    if not wrong.size:
        return
    row, step_s = int(wrong[0]) + 1, float(steps[wrong[0]])
    if step_s < 0:
        hint = "; if the clocks changed that night, give --zone" if zone is None and -step_s <= _HOUR_S else ""
        raise RowError(row, f"the time goes back by {_span(-step_s)}{hint}")
    raise RowError(row, f"the time jumps ahead by {_span(step_s)}: more than one recording in the file")


def _start(first_s: float, times: Times, zone: tzinfo | None, notes: list[str]) -> datetime | None:
    try:
        start = datetime.fromtimestamp(first_s, UTC)
        if times.zero == "local":
            return localise(start.replace(tzinfo=None), zone, notes)
        return localise(start.astimezone(zone or timezone(timedelta(seconds=times.utc_offset_s or 0))), zone, notes)
    except (OverflowError, ValueError, OSError):
        raise RowError(0, "the time is out of range") from None


def _clocks_change(seconds: NDArray[np.float64], zone: tzinfo) -> bool:
    first, last = float(seconds.min()) - 7200, float(seconds.max()) + 7200
    if last - first > 30 * 86_400:
        return True
    offsets = {_offset_s(moment, zone, 0) for moment in np.arange(first, last + _HOUR_S, _HOUR_S)}
    return len(offsets) > 1


def _offset_s(local_s: float, zone: tzinfo, fold: int) -> float:
    try:
        local = datetime.fromtimestamp(local_s, UTC).replace(tzinfo=zone, fold=fold)
        return (local.utcoffset() or timedelta()).total_seconds()
    except (OverflowError, ValueError, OSError):
        raise RowError(0, "the time is out of range") from None


def _span(seconds: float) -> str:
    for unit, unit_s in (("s", 1.0), ("min", 60.0), ("h", 3600.0)):
        if seconds < 120 * unit_s:
            return f"{seconds / unit_s:.3g} {unit}"
    return f"{seconds / 86_400:.4g} days"

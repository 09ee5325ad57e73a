"""A recorder's wear log: CSV of `time,temperature`, and where there are any `accel_x,accel_y,accel_z,motion,flags`.

Time as in the other CSV files (ISO 8601, a clock with a date, seconds since 1970 or since the start); temperature in
degC; acceleration and motion in mg, blank for none; flags as in wear batches. Rows may be uneven and weeks apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.clock import elapsed_times
from gateway.service.exchange.files.source import MAX_TEXT_BYTES, RowError, bad_file, read_bytes, read_head
from gateway.service.exchange.files.table import Table, at_line, decode, find_header, numbers, read_table
from gateway.service.exchange.files.times import parse_times

_SIGNAL: Final = "temperature"
_AXES: Final = ("accel_x", "accel_y", "accel_z")
_I2: Final = 32_767
_U2: Final = 65_535


@dataclass(frozen=True, slots=True, eq=False)
class WearLog:
    """Readings of one recorder, n of them.

    Attributes
    ----------
    source : str
        The file's name, without its folder.
    start : datetime or None
        Time of the first reading: aware where the zone is known, naive local otherwise, None where the file gives none.
    seconds : float64 array, shape (n,)
        Since the first reading, non-decreasing.
    temperature : float32 array, shape (n,)
        degC, NaN where missing.
    accel : int16 array, shape (n, 3), or (0, 3) without
        mg; zeros where missing.
    motion : uint16 array, shape (n,), or empty without
        mg RMS.
    flags : uint16 array, shape (n,), or empty without
        Bits as in batches of the kind `wear`.
    notes : tuple of str
        What was repaired, assumed or left out, one sentence each.
    """

    source: str
    start: datetime | None
    seconds: NDArray[np.float64]
    temperature: NDArray[np.float32]
    accel: NDArray[np.int16]
    motion: NDArray[np.uint16]
    flags: NDArray[np.uint16]
    notes: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Seconds from the first reading to the last."""
        return float(self.seconds[-1])


def is_wear_log(path: Path) -> bool:
    """Whether a file's beginning is a table of times and temperatures without SpO2.

    Raises
    ------
    InputFileError
        It cannot be read.
    """
    head, _ = read_head(path)
    text = decode(head)
    return text is not None and find_header(text, _SIGNAL) is not None and find_header(text) is None


def read_wear_log(path: Path, zone: tzinfo | None = None) -> WearLog:
    """Read a wear log.

    Parameters
    ----------
    path : pathlib.Path
    zone : tzinfo, optional
        Where the clock stood, for files with naive local times.

    Raises
    ------
    InputFileError
        One line naming the file and the place.
    """
    text = decode(read_bytes(path, MAX_TEXT_BYTES))
    header = find_header(text, _SIGNAL) if text is not None else None
    if text is None or header is None:
        raise bad_file(path, "no wear log: it needs a header with a time and a temperature column", "line 1")
    table = read_table(path, text, header)
    try:
        log = _log(path, table, zone)
    except RowError as error:
        raise at_line(path, table, error) from None
    if np.isnan(log.temperature).all():
        raise bad_file(path, "not one temperature", f"line {table.line_of(0)}")
    return log


def _log(path: Path, table: Table, zone: tzinfo | None) -> WearLog:
    times = parse_times(table.columns["time"], file_name=path.name, decimal_comma=table.decimal_comma)
    elapsed = elapsed_times(times, zone, max_gap_s=math.inf)
    notes = elapsed.notes
    if table.cut:
        notes += ("the last line is cut short and was left out",)
    has_axes = set(_AXES) <= table.columns.keys()
    axes = [_whole(table, axis, -_I2, _I2) for axis in _AXES] if has_axes else []
    return WearLog(
        source=path.name,
        start=elapsed.start,
        seconds=elapsed.seconds,
        temperature=numbers(table, _SIGNAL).astype(np.float32),
        accel=np.stack(axes, axis=1).astype(np.int16) if axes else np.empty((0, 3), np.int16),
        motion=_column(table, "motion"),
        flags=_column(table, "flags"),
        notes=notes,
    )


def _column(table: Table, role: str) -> NDArray[np.uint16]:
    if role not in table.columns:
        return np.empty(0, np.uint16)
    return _whole(table, role, 0, _U2).astype(np.uint16)


def _whole(table: Table, role: str, low: int, high: int) -> NDArray[np.float64]:
    values = np.nan_to_num(numbers(table, role), nan=0.0)
    wrong = np.flatnonzero((values < low) | (values > high))
    if wrong.size:
        raise RowError(int(wrong[0]), f"{values[wrong[0]]:g} is no {role} value")
    return np.rint(values)

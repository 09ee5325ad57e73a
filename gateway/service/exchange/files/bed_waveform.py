"""The waveform of a strip under a mattress: MATLAB 5 (`bcg`, `Fs`), numbers with their rate in a comment, or CSV.

- MATLAB 5, as `bcg_ecg.mat` of A. Uzun's collection: a row `bcg` and its rate `Fs` in Hz.
- Text of one number a line below comments that name the rate, as BioSPPy's `Simple Text Format` (`# Sampling Rate
  (Hz):= 1000.00`); a header with `pressure`, and `gain` and `flags` beside it, may follow the comments.
- CSV of `time,pressure[,gain,flags]`: the rate follows from the times, and a hole in them is one in the signal.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.clock import elapsed_times
from gateway.service.exchange.files.source import HEAD_BYTES, RowError, bad_file, check_size, read_bytes, read_head
from gateway.service.exchange.files.table import Table, at_line, decode, find_header, numbers, read_table
from gateway.service.exchange.files.times import parse_times

MAX_BYTES: Final = 128 * 2**20
"""A night of 50 Hz with ISO times takes 60 MB."""
RATE_HZ: Final = (49.0, 4000.0)
"""The analysis needs 50 Hz."""
_MAX_SAMPLES: Final = 20_000_000
_MATLAB: Final = b"MATLAB 5.0"
_SIGNAL: Final = "pressure"
_RATE: Final = re.compile(
    r"(?i)\b(?:sampling[ _-]?rate|sample[ _-]?rate|rate|fs)(?:_hz)?\b[^0-9\n]*([0-9]+(?:\.[0-9]+)?)"
)
_COMMENT: Final = ("#", "%", ";")
_SPLIT: Final = re.compile(r"[,;\t]")


@dataclass(frozen=True, slots=True, eq=False)
class BedWaveform:
    """Evenly sampled waveform, n samples.

    Attributes
    ----------
    source : str
        The file's name, without its folder.
    start : datetime or None
        Time of the first sample: aware where the zone is known, naive local otherwise, None where the file gives none.
    rate_hz : float
    pressure : float64 array, shape (n,)
        In the file's own units; NaN where missing.
    gain, flags : uint8 arrays, shape (n,) or empty without
        As in batches of the kind `waveform`.
    count : float
        Distance of neighbouring values, 0 where the file's are no counts.
    notes : tuple of str
        What was repaired, assumed or left out, one sentence each.
    """

    source: str
    start: datetime | None
    rate_hz: float
    pressure: NDArray[np.float64]
    gain: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    count: float
    notes: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Seconds that the samples cover."""
        return self.pressure.size / self.rate_hz


def is_bed_waveform(path: Path) -> bool:
    """Whether a file's beginning is one of a waveform.

    Raises
    ------
    InputFileError
        It cannot be read.
    """
    head, size = read_head(path)
    if head.startswith(_MATLAB):
        return True
    text = decode(head)
    if text is None or find_header(text) is not None:
        return False
    if find_header(text, _SIGNAL) is not None:
        return True
    comments, body = _comments(text)
    whole = body.rpartition("\n")[0] if size > len(head) else body
    return _RATE.search(comments) is not None and (_first_numeric(whole) or _SIGNAL in _names(whole))


def read_bed_waveform(path: Path, zone: tzinfo | None = None) -> BedWaveform:
    """Read a waveform.

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
    head, size = read_head(path)
    check_size(path, size, MAX_BYTES)
    if head.startswith(_MATLAB):
        return _of_matlab(path)
    text = decode(read_bytes(path, MAX_BYTES))
    if text is None:
        raise bad_file(path, "binary data among the lines of a text file")
    header = find_header(text, _SIGNAL)
    if header is None:
        return _of_numbers(path, text)
    table = read_table(path, text, header)
    try:
        return _of_table(path, table, zone)
    except RowError as error:
        raise at_line(path, table, error) from None


def _of_matlab(path: Path) -> BedWaveform:
    import scipy.io

    try:
        held = scipy.io.loadmat(path, variable_names=["bcg", "Fs"])
    # What scipy raises for a damaged file depends on where the damage is.
    except Exception as error:
        raise bad_file(path, f"a damaged MATLAB file ({str(error)[:120]})") from None
    for name in ("bcg", "Fs"):
        if name not in held or held[name].dtype.kind not in "fiu" or not held[name].size:
            raise bad_file(path, f"a MATLAB 5 file without numbers {name!r}; for oximetry, save it with -v7.3")
    pressure = np.asarray(held["bcg"], dtype=np.float64).ravel()
    return _waveform(path, None, float(held["Fs"].ravel()[0]), {_SIGNAL: pressure}, ())


def _of_numbers(path: Path, text: str) -> BedWaveform:
    comments, body = _comments(text)
    rate = _RATE.search(comments)
    if rate is None:
        raise bad_file(path, "a waveform's comments name its rate, as in `# Sampling Rate (Hz):= 50`", "line 1")
    first = comments.count("\n") + 1
    names = [_SIGNAL]
    if not _first_numeric(body):
        line, _, body = body.partition("\n")
        names = _names(line)
        first += 1
    if _SIGNAL not in names:
        raise bad_file(path, f"no column {_SIGNAL!r}", f"line {first}")
    columns: dict[str, list[float]] = {name: [] for name in names}
    for number, line in enumerate(body.splitlines(), start=first):
        if not line.strip():
            continue
        fields = _SPLIT.split(line)
        try:
            for name, field in zip(names, fields, strict=True):
                columns[name].append(float(field) if field.strip() else math.nan)
        except ValueError:
            raise bad_file(path, f"{line.strip()[:40]!r} is no sample", f"line {number}") from None
    held = {name: np.array(column, dtype=np.float64) for name, column in columns.items()}
    return _waveform(path, None, float(rate.group(1)), held, ())


def _of_table(path: Path, table: Table, zone: tzinfo | None) -> BedWaveform:
    times = parse_times(table.columns["time"], file_name=path.name, decimal_comma=table.decimal_comma)
    elapsed = elapsed_times(times, zone)
    notes = elapsed.notes
    if table.cut:
        notes += ("the last line is cut short and was left out",)
    seconds = elapsed.seconds
    steps = np.diff(seconds)
    if steps.size < 1 or not (steps > 0).any():
        raise bad_file(path, "no two samples of different times")
    # Times in whole ms make steps of 15 and 16 ms at 64 Hz: their mean, holes apart, is the rate.
    usual = float(np.median(steps[steps > 0]))
    even = steps[(steps > 0) & (steps < 1.5 * usual)]
    step_s = float(even.mean())
    index = np.rint(seconds / step_s).astype(np.int64)
    if index[-1] >= _MAX_SAMPLES:
        raise bad_file(path, f"{index[-1]:,} samples are more than a recording has ({_MAX_SAMPLES:,})")
    missing = int(index[-1]) + 1 - np.unique(index).size
    if missing:
        notes += (f"{missing} samples are missing between the first and the last",)
    columns: dict[str, NDArray[np.float64]] = {}
    for name in (_SIGNAL, "gain", "flags"):
        if name in table.columns:
            column = np.full(int(index[-1]) + 1, np.nan)
            column[index] = numbers(table, name)
            columns[name] = column
    return _waveform(path, elapsed.start, 1.0 / step_s, columns, notes)


def _waveform(
    path: Path,
    start: datetime | None,
    rate_hz: float,
    columns: dict[str, NDArray[np.float64]],
    notes: tuple[str, ...],
) -> BedWaveform:
    pressure = columns[_SIGNAL]
    if not RATE_HZ[0] <= rate_hz <= RATE_HZ[1]:
        raise bad_file(path, f"{rate_hz:g} samples a second: a waveform has {RATE_HZ[0]:g} to {RATE_HZ[1]:g}")
    if pressure.size > _MAX_SAMPLES:
        raise bad_file(path, f"{pressure.size:,} samples are more than a recording has ({_MAX_SAMPLES:,})")
    pressure = np.where(np.isfinite(pressure), pressure, np.nan)
    known = pressure[~np.isnan(pressure)]
    if not known.size:
        raise bad_file(path, "not one sample")
    # A whole number of counts, or volts of which nobody knows how many make one.
    whole = bool((known == np.rint(known)).all())
    return BedWaveform(
        source=path.name,
        start=start,
        rate_hz=rate_hz,
        pressure=pressure,
        gain=_bits(path, columns, "gain"),
        flags=_bits(path, columns, "flags"),
        count=1.0 if whole else 0.0,
        notes=notes,
    )


def _bits(path: Path, columns: dict[str, NDArray[np.float64]], name: str) -> NDArray[np.uint8]:
    if name not in columns:
        return np.empty(0, np.uint8)
    values = np.nan_to_num(columns[name], nan=0.0)
    if ((values < 0) | (values > 255) | (values != np.rint(values))).any():
        raise bad_file(path, f"column {name!r} holds more than whole numbers of 0 to 255")
    return values.astype(np.uint8)


def _comments(text: str) -> tuple[str, str]:
    """Return the comment lines at the beginning (of `HEAD_BYTES` at most), and what follows."""
    end = 0
    while end < HEAD_BYTES and text[end : end + 1].startswith(_COMMENT):
        following = text.find("\n", end)
        if following < 0:
            return text, ""
        end = following + 1
    return text[:end], text[end:]


def _names(body: str) -> list[str]:
    return [name.strip().lower() for name in _SPLIT.split(body.lstrip("\r\n").partition("\n")[0])]


def _first_numeric(body: str) -> bool:
    line = body.lstrip("\r\n").partition("\n")[0]
    try:
        return bool(line.strip()) and math.isfinite(float(_SPLIT.split(line)[0]))
    except ValueError:
        return False

"""Delimited text: encoding, delimiter, header, quoting; columns of text out, each row traceable to its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InputFileError
from gateway.service.exchange.files.source import HEAD_BYTES, RowError, bad_file

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS: Final = ",;\t"
HEADER_LINES: Final = 20
"""A header may stand below this many lines of preamble at most."""

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UNITS: Final = re.compile(r"\(.*?\)|\[.*?\]")
_NOT_WORD: Final = re.compile(r"[\W_]+")

_NAMES: Final[dict[str, frozenset[str]]] = {
    "time": frozenset({"time", "timestamp", "datetime", "dateandtime", "recordingtime", "times", "timesec", "t"}),
    "date": frozenset({"date", "day"}),
    "spo2": frozenset(
        {"spo2", "oxygenlevel", "oxygen", "o2", "o2level", "bloodoxygen", "oxygensaturation", "sao2", "saturation"}
        | {"spo2pct", "spo2percent", "spo2value", "o2sat", "osat"}
    ),
    "pulse": frozenset({"pulse", "pulserate", "pr", "hr", "heartrate", "bpm", "prbpm", "pulsebpm", "pulseratebpm"}),
    "motion": frozenset({"motion", "movement", "bodymotion", "motionlevel"}),
    "temperature": frozenset({"temperature", "temp", "temperaturec", "tempc", "celsius", "temperaturecelsius"}),
    "accel_x": frozenset({"accelx", "accx", "ax", "accelxmg"}),
    "accel_y": frozenset({"accely", "accy", "ay", "accelymg"}),
    "accel_z": frozenset({"accelz", "accz", "az", "accelzmg"}),
    "flags": frozenset({"flags"}),
    "pressure": frozenset({"pressure", "bcg", "ballistocardiogram", "piezo", "strip", "waveform"}),
    "gain": frozenset({"gain", "gainstep"}),
}
"""What devices and apps call each column, in lower case without units, blanks and punctuation."""

_MISSING: Final = frozenset({"", "-", "--", "---", "n/a", "na", "nan", "null", "none", "invalid", "?"})


@dataclass(frozen=True, slots=True)
class Header:
    """Where a table's header is and which column is which.

    Attributes
    ----------
    lines : int
        Physical lines up to and including the header.
    delimiter : str
    columns : dict of str to int
        By role (`_NAMES`): those that there are; the time and what was asked for always.
    names : tuple of str
        The names as they stand in the file.
    """

    lines: int
    delimiter: str
    columns: dict[str, int]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns as text, all of the same length.

    Attributes
    ----------
    columns : dict of str to tuple of str
    line_of : callable
        Physical line (1-based) on which a row (0-based) begins.
    cut : bool
        The last line was cut short and left out.
    decimal_comma : bool
        Numbers are written 96,5.
    """

    columns: dict[str, Sequence[str]]
    line_of: Callable[[int], int]
    cut: bool
    decimal_comma: bool


def decode(data: bytes) -> str | None:
    """Return the text of `data` (UTF-8 with or without BOM, UTF-16 with BOM, Latin-1), or None for what is no text."""
    try:
        text = data.decode("utf-16") if data.startswith(_UTF16_MARKS) else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # A head cut inside a character is no reason to doubt it; Latin-1 takes any byte, so control characters tell.
        text = data.decode("latin-1")
    return None if _CONTROL.search(text) else text


def find_header(text: str, signal: str = "spo2") -> Header | None:
    """Return the first line that names a time and a column of the role `signal`, or None."""
    for number, line in enumerate(islice(_lines(text[:HEAD_BYTES]), HEADER_LINES), start=1):
        delimiter = max(DELIMITERS, key=line.count)
        try:
            names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            continue
        columns: dict[str, int] = {}
        for position, name in enumerate(names):
            plain = _NOT_WORD.sub("", _UNITS.sub("", name).lower())
            for role, known in _NAMES.items():
                if plain in known:
                    columns.setdefault(role, position)
        if "time" not in columns and "date" in columns:
            columns["time"] = columns.pop("date")
        if {"time", signal} <= columns.keys():
            return Header(number, delimiter, columns, tuple(name.strip() for name in names))
    return None


def read_table(path: Path, text: str, header: Header) -> Table:
    """Split the rows below the header, keeping the columns that it names.

    Blank lines are passed over. A last line without its end that has fewer fields than the row above is a file cut
    short: it is left out.

    Raises
    ------
    InputFileError
        No row, a row without the columns needed, or broken quoting; with its line.
    """

    def line_of(row: int) -> int:
        return _line_of(text, header, row)

    pick = itemgetter(*header.columns.values())
    width = 1 + max(header.columns.values())
    rows: list[tuple[str, ...]] = []
    short = False
    fields = fields_above = 0
    reader = _reader(text, header)
    try:
        for row in reader:
            if not row:
                continue
            if short:
                break
            fields_above, fields = fields, len(row)
            short = fields < width
            if not short:
                rows.append(pick(row))
    except csv.Error as error:
        raise bad_file(path, str(error), f"line {header.lines + reader.line_num}") from None
    cut = fields < fields_above and not text.endswith(("\n", "\r"))
    if short and not cut:
        what = f"{fields} fields, where {header.names[width - 1]!r} is the {width}th"
        raise bad_file(path, what, f"line {line_of(len(rows))}")
    if cut and not short:
        rows.pop()
    if not rows:
        raise bad_file(path, "no sample below the header", f"line {header.lines}")
    columns: dict[str, Sequence[str]] = dict(zip(header.columns, zip(*rows, strict=True), strict=True))
    if "date" in columns:
        columns["time"] = [f"{day} {time}" for day, time in zip(columns.pop("date"), columns["time"], strict=True)]
    return Table(columns, line_of, cut, decimal_comma=header.delimiter != ",")


def numbers(table: Table, role: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN for blanks and the marks of a missing value (`--`, `n/a` ...).

    Raises
    ------
    RowError
        A field that is neither.
    """
    texts = table.columns[role]
    values: dict[str, float] = {}
    for text in set(texts):  # few distinct values, however long the night
        plain = text.strip().rstrip("%").rstrip()
        if plain.lower() in _MISSING:
            values[text] = np.nan
            continue
        try:
            values[text] = float(plain.replace(",", ".") if table.decimal_comma else plain)
        except ValueError:
            raise RowError(texts.index(text), f"{text.strip()[:40]!r} is no {role} value") from None
    return np.fromiter(map(values.__getitem__, texts), np.float64, len(texts))


def at_line(path: Path, table: Table, error: RowError) -> InputFileError:
    """Build the error of a file for something wrong at a row."""
    return bad_file(path, str(error), f"line {table.line_of(error.row)}")


def _lines(text: str) -> io.StringIO:
    # newline="" keeps the ends of lines for the csv module, which alone knows those inside quotes.
    return io.StringIO(text, newline="")


def _reader(text: str, header: Header) -> Reader:
    body = _lines(text)
    for _ in range(header.lines):
        body.readline()
    return csv.reader(body, delimiter=header.delimiter, skipinitialspace=True)


def _line_of(text: str, header: Header, row: int) -> int:
    reader = _reader(text, header)
    seen, before = -1, 0
    for fields in reader:
        seen += bool(fields)
        if seen == row:
            break
        before = reader.line_num
    return header.lines + before + 1

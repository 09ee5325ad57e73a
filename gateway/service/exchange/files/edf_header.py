"""The header of an EDF or EDF+ file, and where each signal's samples lie.

Layout: B. Kemp et al., "A simple format for exchange of digitized polygraphic recordings", Electroencephalogr. Clin.
Neurophysiol. 82 (1992) 391-393; EDF+: B. Kemp, J. Olivan, Clin. Neurophysiol. 114 (2003) 1755-1761.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.source import bad_file

FIXED_BYTES: Final = 256
MAX_SIGNALS: Final = 1024
ANNOTATIONS: Final = "EDF Annotations"

_FIELD_WIDTHS: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Of one signal: label, transducer, unit, physical min and max, digital min and max, filter, samples, reserved."""
_START_DATE: Final = re.compile(r"Startdate (\d{1,2})-([A-Z]{3})-(\d{4})")
_SHORTEST_S: Final = 0.001
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: its scaling and where it lies within a data record.

    Attributes
    ----------
    label, unit : str
    offset, samples : int
        First sample and number of samples within a data record.
    gain, zero : float
        physical = gain * digital + zero.
    """

    label: str
    unit: str
    offset: int
    samples: int
    gain: float
    zero: float


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """What the header says, checked against the file's size.

    Attributes
    ----------
    plus : str
        "", "C" (EDF+ continuous) or "D" (discontinuous).
    start : datetime or None
        Naive local time; None where the header holds no date.
    bytes : int
        Of the header.
    records : int
        Whole data records that the file holds.
    announced : int
        Data records that the header announces, -1 where it does not know.
    record_s : float
        Seconds of a data record, > 0.
    record_samples : int
        16-bit numbers of a data record, all signals.
    signals : tuple of Signal
    """

    plus: str
    start: datetime | None
    bytes: int
    records: int
    announced: int
    record_s: float
    record_samples: int
    signals: tuple[Signal, ...]

    def samples(self, path: Path) -> NDArray[np.int16]:
        """Map the data records, shape (records, record_samples); nothing is read until it is used."""
        return np.memmap(path, "<i2", "r", self.bytes, (self.records, self.record_samples))


def read_header(path: Path) -> EdfHeader:
    """Read and check the header.

    Raises
    ------
    InputFileError
        With the byte.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        fixed = handle.read(FIXED_BYTES)
        if len(fixed) < FIXED_BYTES:
            raise bad_file(path, "the EDF header is cut short", f"byte {len(fixed)}")
        count = int(_number(path, fixed, 252, 4))
        if not 1 <= count <= MAX_SIGNALS:
            raise bad_file(path, f"{count} signals are not possible", "byte 252")
        table = handle.read(FIXED_BYTES * count)
    if len(table) < FIXED_BYTES * count:
        raise bad_file(path, "the EDF header is cut short", f"byte {FIXED_BYTES + len(table)}")
    record_s = _number(path, fixed, 244, 8)
    signals = _signals(path, table, count)
    record_samples = sum(signal.samples for signal in signals)
    if record_s < _SHORTEST_S or record_samples == 0:
        raise bad_file(path, "data records without samples or duration", "byte 244")
    header_bytes = FIXED_BYTES * (count + 1)
    announced = int(_number(path, fixed, 236, 8))
    held = (size - header_bytes) // (2 * record_samples)
    records = held if announced < 0 else min(announced, held)
    if records == 0:
        raise bad_file(path, "not one whole data record", f"byte {header_bytes}")
    reserved = fixed[192:197]
    plus = chr(reserved[4]) if reserved in (b"EDF+C", b"EDF+D") else ""
    return EdfHeader(plus, _start(fixed), header_bytes, records, announced, record_s, record_samples, signals)


def _signals(path: Path, table: bytes, count: int) -> tuple[Signal, ...]:
    starts = np.concatenate(([0], np.cumsum(_FIELD_WIDTHS))) * count
    signals = []
    offset = 0
    for position in range(count):

        def place(field: int, position: int = position) -> tuple[int, int]:
            return int(starts[field]) + position * _FIELD_WIDTHS[field], _FIELD_WIDTHS[field]

        def text(field: int) -> str:
            first, width = place(field)
            return table[first : first + width].decode("latin-1").strip()

        def number(field: int) -> float:
            return _number(path, table, *place(field), base=FIXED_BYTES)

        label, samples = text(0), int(number(8))
        if samples < 0:
            raise bad_file(path, f"{samples} samples a record", f"byte {FIXED_BYTES + place(8)[0]}")
        gain = zero = 0.0
        if label != ANNOTATIONS:
            physical_min, physical_max, digital_min, digital_max = (number(field) for field in range(3, 7))
            # A signal that is not wanted may be described badly; one that is gets no gain and is passed over.
            if digital_max != digital_min:
                gain = (physical_max - physical_min) / (digital_max - digital_min)
                zero = physical_min - gain * digital_min
        signals.append(Signal(label, text(2), offset, samples, gain, zero))
        offset += samples
    return tuple(signals)


def _number(path: Path, data: bytes, first: int, width: int, base: int = 0) -> float:
    text = data[first : first + width].decode("latin-1").strip()
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad_file(path, f"{text!r} is no number of an EDF header", f"byte {base + first}")
    return value


def _start(fixed: bytes) -> datetime | None:
    text = fixed.decode("latin-1")
    try:
        day, month, year = (int(part) for part in text[168:176].split("."))
        hour, minute, second = (int(part) for part in text[176:184].split("."))
        year += 1900 if year >= 85 else 2000  # EDF: years run from 1985 to 2084
        full = _START_DATE.search(text[88:168])
        if full and full[2] in _MONTHS:
            day, month, year = int(full[1]), 1 + _MONTHS.index(full[2]), int(full[3])
        if not 1970 <= year <= 2100:
            return None
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - EDF times are local, without a zone
    except ValueError:
        return None

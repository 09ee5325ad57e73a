"""The stored recording of Viatom / Wellue rings, `.vld` or `.dat`: version 3 (O2Ring, SleepO2), 5 (O2 Max).

Layout, little-endian: a 40-byte header (version, mode, local start, file size, duration and the vendor's own summary),
then 5-byte records: SpO2 u8, pulse u16, motion u8, flags u8. 0xFF and 0xFFFF mean no value. The layout is known from
public descriptions of the files (OSCAR's Viatom importer; the vendor's published SDK headers). The vendor's drop counts
do not reproduce from the samples, so nothing here relies on them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ProtocolError

VERSIONS: Final = (3, 5)
HEADER_BYTES: Final = 40
RECORD: Final = np.dtype([("spo2", "u1"), ("pulse", "<u2"), ("motion", "u1"), ("flags", "u1")])
MISSING_SPO2: Final = 0xFF
MISSING_PULSE: Final = 0xFFFF

_HEADER: Final = struct.Struct("<BBHBBBBBIHHBBBBBHBBI10x")
_INTERVALS_S: Final = (1.0, 2.0, 4.0)
"""What rings of this family are known to store at."""
_SNAP: Final = 0.05
"""duration / records may miss a known interval by this share: the duration counts a partly worn last minute."""
_INTERVAL_RANGE_S: Final = (0.25, 10.0)
_PLAUSIBLE_SHARE: Final = 0.9
"""Below this share of SpO2 bytes that are 0..100 or 'missing', the bytes are not a recording."""


@dataclass(frozen=True, slots=True)
class ViatomSummary:
    """What the ring itself computed; kept to be shown, never used.

    Attributes
    ----------
    asleep_s : int
        Seconds asleep, by the ring.
    mean_pct, min_pct : int
        SpO2, %.
    drops_3, drops_4 : int
        The vendor's counts of falls of 3 % and 4 %.
    below_90_pct, below_90_s, below_90_dips : int
        Share of time, seconds and dips below 90 %.
    score_x10 : int
        O2 score times ten.
    steps : int
    """

    asleep_s: int = 0
    mean_pct: int = 0
    min_pct: int = 0
    drops_3: int = 0
    drops_4: int = 0
    below_90_pct: int = 0
    below_90_s: int = 0
    below_90_dips: int = 0
    score_x10: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ViatomFile:
    """One stored recording, values as they stand in the file (missing still 0xFF / 0xFFFF).

    Attributes
    ----------
    version : int
        3 or 5.
    mode : int
    start : datetime or None
        Naive local time by the ring's clock; None where the clock was never set (all zero or all ones).
    size : int
        The file size that the header announces, bytes.
    duration_s : int
    interval_s : float
        Seconds between records: duration / records, snapped to 1, 2 or 4 s when within 5 % or one record of it.
    spo2 : uint8 array, shape (n,)
        %, 0xFF missing.
    pulse : uint16 array, shape (n,)
        bpm, 0xFFFF missing.
    motion : uint8 array, shape (n,)
        Arbitrary units.
    flags : uint8 array, shape (n,)
        The ring's vibration marks.
    summary : ViatomSummary
    trailing_bytes : int
        Bytes of a broken last record, left out.
    """

    version: int
    mode: int
    start: datetime | None
    size: int
    duration_s: int
    interval_s: float
    spo2: NDArray[np.uint8]
    pulse: NDArray[np.uint16]
    motion: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    summary: ViatomSummary
    trailing_bytes: int

    @property
    def complete(self) -> bool:
        """True when the file holds exactly the bytes that its header announces."""
        return self.trailing_bytes == 0 and HEADER_BYTES + self.spo2.size * RECORD.itemsize == self.size


def parse_vld(data: bytes) -> ViatomFile:
    """Read a stored recording.

    A file that was cut short is read as far as it goes (`complete` is then False): its interval comes from the number
    of records that its header announces.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ProtocolError
        One line that names the byte: too short, another version, an impossible date, no record, no duration to tell the
        interval from, or bytes that are no SpO2.
    """
    if len(data) < HEADER_BYTES:
        raise ProtocolError(f"a Viatom file has a {HEADER_BYTES}-byte header, this has {len(data)} bytes")
    version, mode, *date, size, duration_s = _HEADER.unpack_from(data)[:10]
    if version not in VERSIONS:
        raise ProtocolError(f"byte 0: Viatom version {version} is not one of {', '.join(map(str, VERSIONS))}")
    start = _start(tuple(date))
    count, trailing = divmod(len(data) - HEADER_BYTES, RECORD.itemsize)
    if count == 0:
        raise ProtocolError(f"byte {HEADER_BYTES}: the Viatom file ends before its first record")
    records = np.frombuffer(data, RECORD, count, HEADER_BYTES)
    _check_plausible(records["spo2"])
    announced = (size - HEADER_BYTES) // RECORD.itemsize
    return ViatomFile(
        version=version,
        mode=mode,
        start=start,
        size=size,
        duration_s=duration_s,
        interval_s=_interval_s(duration_s, announced if announced > count else count),
        spo2=np.ascontiguousarray(records["spo2"]),
        pulse=records["pulse"].astype(np.uint16),
        motion=np.ascontiguousarray(records["motion"]),
        flags=np.ascontiguousarray(records["flags"]),
        summary=ViatomSummary(*_HEADER.unpack_from(data)[10:]),
        trailing_bytes=trailing,
    )


def encode_vld(
    spo2: NDArray[np.integer],
    pulse: NDArray[np.integer],
    *,
    start: datetime | None,
    interval_s: float,
    motion: NDArray[np.integer] | None = None,
    flags: NDArray[np.integer] | None = None,
    version: int = 3,
    mode: int = 0,
    summary: ViatomSummary | None = None,
) -> bytes:
    """Write a stored recording as a ring would; the inverse of `parse_vld`.

    Parameters
    ----------
    spo2, pulse : integer arrays, shape (n,)
        %, bpm; 0xFF and 0xFFFF for missing.
    start : datetime or None
        Naive local time; None for a clock that was never set.
    interval_s : float
        Seconds between records; the header stores only n * interval_s, rounded.

    Raises
    ------
    ValueError
        Arrays of different lengths, a value or a duration (65,535 s) beyond its field, or an unknown version.
    """
    count = len(spo2)
    if version not in VERSIONS:
        raise ValueError(f"version {version} is not one of {VERSIONS}")
    duration_s = round(count * interval_s)
    if duration_s > 0xFFFF:
        raise ValueError(f"a duration of {duration_s} s does not fit the header's 16 bits")
    records = np.zeros(count, RECORD)
    columns = {"spo2": spo2, "pulse": pulse, "motion": motion, "flags": flags}
    for name, column in columns.items():
        if column is None:
            continue
        if len(column) != count:
            raise ValueError(f"{name} has {len(column)} samples, SpO2 has {count}")
        if count and (column.min() < 0 or column.max() > np.iinfo(RECORD[name]).max):
            raise ValueError(f"{name} has a value beyond its field")
        records[name] = column
    date = (0,) * 6 if start is None else (start.year, start.month, start.day, start.hour, start.minute, start.second)
    told = summary or ViatomSummary()
    header = _HEADER.pack(
        version,
        mode,
        *date,
        HEADER_BYTES + records.nbytes,
        duration_s,
        told.asleep_s,
        told.mean_pct,
        told.min_pct,
        told.drops_3,
        told.drops_4,
        told.below_90_pct,
        told.below_90_s,
        told.below_90_dips,
        told.score_x10,
        told.steps,
    )
    return header + records.tobytes()


def _start(date: tuple[int, ...]) -> datetime | None:
    if date in ((0,) * 6, (0xFFFF, *(0xFF,) * 5)):
        return None
    year, month, day, hour, minute, second = date
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the ring's local time, zone unknown
    except ValueError:
        raise ProtocolError(f"byte 2: {date} is no date and time of a Viatom file") from None


def _interval_s(duration_s: int, count: int) -> float:
    ratio = duration_s / count
    nearest = min(_INTERVALS_S, key=lambda interval_s: abs(ratio - interval_s) / interval_s)
    if abs(duration_s - nearest * count) <= max(nearest, _SNAP * nearest * count):
        return nearest
    low, high = _INTERVAL_RANGE_S
    if not low <= ratio <= high:
        raise ProtocolError(f"byte 13: {duration_s} s over {count} records give no possible sampling interval")
    return round(ratio, 3)


def _check_plausible(spo2: NDArray[np.uint8]) -> None:
    impossible = (spo2 > 100) & (spo2 != MISSING_SPO2)
    if impossible.mean() > 1.0 - _PLAUSIBLE_SHARE:
        place = HEADER_BYTES + int(np.argmax(impossible)) * RECORD.itemsize
        raise ProtocolError(
            f"byte {place}: {spo2[np.argmax(impossible)]} is no SpO2, and {impossible.mean():.0%} are alike"
        )

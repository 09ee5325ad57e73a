"""Stored files of Oxy rings (.vld), version 3 and version 5 (O2 Max): reading, and writing for simulators.

A 40-byte header, then records of 5 bytes: SpO2 u8, pulse u16, motion u8, flags u8. Layout: viatomEcho/LepuBle
(OxyDataFile) and MackeyStingray/o2r. The header's counts of drops are the vendor's own and do not follow from the
samples, so they are shown and never used.
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
HEADER_SIZE: Final = 40
RECORD_SIZE: Final = 5
INTERVALS_S: Final = (1.0, 2.0, 4.0)
"""Storage intervals that these devices have."""

_HEADER: Final = struct.Struct("<BBHBBBBBIHHBBBBBHBBI")
_RECORD: Final = np.dtype([("spo2", "u1"), ("pulse", "<u2"), ("motion", "u1"), ("flags", "u1")])
_SNAP: Final = 0.02
"""A duration this far (relative) from a whole number of intervals still means that interval."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The vendor's own figures from the header, unchecked."""

    mean_spo2_pct: int
    min_spo2_pct: int
    drops_3: int
    drops_4: int
    below_90_pct: int
    below_90_s: int
    dips_below_90: int
    score: float
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class StoredFile:
    """One recording.

    Attributes
    ----------
    start : datetime
        Naive: the ring's local time of the first sample.
    duration_s : int
        As the header says.
    interval_s : float
        Seconds between samples: duration over records, at 1, 2 or 4 s where it is near one of them.
    spo2_pct, pulse_bpm : array of float32, shape (n,)
        NaN where the ring had no value.
    motion : array of uint8, shape (n,)
        255 where the ring had no value.
    flags : array of uint8, shape (n,)
        As stored; their meaning differs between models.
    size : int
        Bytes that the header announces; 0 where it does not say.
    problems : tuple of str
        What is wrong with the file, in words. Empty for a whole one.
    """

    version: int
    mode: int
    start: datetime
    duration_s: int
    asleep_s: int
    interval_s: float
    spo2_pct: NDArray[np.float32]
    pulse_bpm: NDArray[np.float32]
    motion: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    size: int
    summary: Summary
    problems: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True where all that the header announces is there, and nothing else."""
        return not self.problems

    @property
    def repeats(self) -> bool:
        """True where every sample stands there twice: version 3 files at 2 s hold 4 s of information so."""
        even = self.spo2_pct.size // 2 * 2
        columns = (self.spo2_pct, self.pulse_bpm, self.motion)
        pairs = (column[:even].reshape(-1, 2) for column in columns)
        return even >= 4 and all(np.array_equal(pair[:, 0], pair[:, 1], equal_nan=True) for pair in pairs)


def parse_file(data: bytes) -> StoredFile:
    """Read a stored file, whole or cut off: complete records are kept, and `problems` says what is amiss.

    Raises
    ------
    ProtocolError
        No header of a known version, an impossible start, or records without a duration.
    """
    if len(data) < HEADER_SIZE:
        raise ProtocolError(f"a stored file begins with {HEADER_SIZE} bytes of header, only {len(data)} are there")
    version, mode, year, month, day, hour, minute, second, size, duration_s, asleep_s, *figures = _HEADER.unpack_from(
        data
    )
    if version not in VERSIONS:
        raise ProtocolError(f"a stored file is of version 3 or 5, not {version}")
    try:
        start = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the ring knows no zone
    except ValueError:
        raise ProtocolError(f"no start time: {data[2:9].hex()}") from None
    available = (len(data) - HEADER_SIZE) // RECORD_SIZE
    announced = (size - HEADER_SIZE) // RECORD_SIZE if size >= HEADER_SIZE else available
    count = min(available, announced)
    records = np.frombuffer(data, _RECORD, count, HEADER_SIZE)
    spo2 = records["spo2"].astype(np.float32)
    spo2[(records["spo2"] == 0) | (records["spo2"] > 100)] = np.nan
    pulse = records["pulse"].astype(np.float32)
    pulse[np.isin(records["pulse"], (0, 0xFF, 0xFFFF))] = np.nan
    mean, lowest, drops_3, drops_4, below_pct, below_s, dips, score, steps = figures
    return StoredFile(
        version=version,
        mode=mode,
        start=start,
        duration_s=duration_s,
        asleep_s=asleep_s,
        interval_s=interval_s(duration_s, announced),
        spo2_pct=spo2,
        pulse_bpm=pulse,
        motion=records["motion"].copy(),
        flags=records["flags"].copy(),
        size=size,
        summary=Summary(mean, lowest, drops_3, drops_4, below_pct, below_s, dips, score / 10, steps),
        problems=_problems(len(data), size),
    )


def _problems(length: int, size: int) -> tuple[str, ...]:
    """What the length says about a file whose header announces `size` bytes."""
    problems: list[str] = []
    if size < HEADER_SIZE:
        problems.append("the header does not say how long the file is")
    elif length < size:
        problems.append(f"cut off at {length} of {size} bytes")
    elif length > size:
        problems.append(f"{length - size} bytes behind the end")
    if (rest := (min(length, size) if size >= HEADER_SIZE else length) - HEADER_SIZE) % RECORD_SIZE:
        problems.append(f"the last record has {rest % RECORD_SIZE} of {RECORD_SIZE} bytes")
    return tuple(problems)


def interval_s(duration_s: int, records: int) -> float:
    """Seconds between samples of a recording with `records` samples in `duration_s`.

    A ring rounds the duration, so what lies within one interval or 2 % of 1, 2 or 4 s a record is taken as that.

    Raises
    ------
    ProtocolError
        There are records but no duration, or less than 0.1 or more than 60 s a record.
    """
    if records == 0:
        return INTERVALS_S[-1]
    exact = duration_s / records
    nearest = min(INTERVALS_S, key=lambda interval: abs(interval - exact))
    if abs(duration_s - records * nearest) <= max(nearest, _SNAP * duration_s):
        return nearest
    if not 0.1 <= exact <= 60:
        raise ProtocolError(f"{records} records in {duration_s} s: no interval")
    return exact


def encode_file(
    start: datetime,
    spo2_pct: NDArray[np.float32],
    pulse_bpm: NDArray[np.float32],
    motion: NDArray[np.uint8] | None = None,
    *,
    interval_s: float = 4.0,
    version: int = 3,
    flags: NDArray[np.uint8] | None = None,
    steps: int = 0,
) -> bytes:
    """A stored file as a ring writes it: whole per cents and beats, NaN as no value.

    Mean, minimum and time below 90 % come from the samples; the vendor's own drop counts and score are left at 0.

    Raises
    ------
    ProtocolError
        An unknown version, columns of different lengths, or a duration beyond 65,535 s.
    """
    duration_s = round(spo2_pct.size * interval_s)
    if version not in VERSIONS or duration_s > 0xFFFF:
        raise ProtocolError(f"version {version} with {duration_s} s cannot be stored")
    records = np.zeros(spo2_pct.size, _RECORD)
    try:
        records["spo2"] = np.where(np.isnan(spo2_pct), 0xFF, np.rint(np.nan_to_num(spo2_pct)))
        records["pulse"] = np.where(np.isnan(pulse_bpm), 0xFFFF, np.rint(np.nan_to_num(pulse_bpm)))
        records["motion"] = 0 if motion is None else motion
        records["flags"] = 0 if flags is None else flags
    except ValueError:
        raise ProtocolError("the columns of a stored file differ in length") from None
    known = spo2_pct[~np.isnan(spo2_pct)]
    below_s = round(np.count_nonzero(known < 90) * interval_s)
    header = _HEADER.pack(
        version,
        0,
        start.year,
        start.month,
        start.day,
        start.hour,
        start.minute,
        start.second,
        HEADER_SIZE + records.nbytes,
        duration_s,
        0,
        round(float(known.mean())) if known.size else 0xFF,
        round(float(known.min())) if known.size else 0xFF,
        0,
        0,
        round(100 * below_s / duration_s) if duration_s else 0,
        below_s,
        0,
        0,
        steps,
    )
    return header.ljust(HEADER_SIZE, b"\0") + records.tobytes()

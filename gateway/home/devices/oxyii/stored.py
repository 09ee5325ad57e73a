"""Stored files of OxyII rings (O2Ring-S): reading, and writing for simulators.

A 10-byte header (01 03, model u16 at 8), records, a 48-byte trailer that the ring writes some two minutes after it
comes off the finger: sum of all bytes before it u32, magic u32, start u32 (local wall clock as epoch seconds), number
of records u32, interval u8, channel type u8, bytes a record u8, and the vendor's own figures. Layout: the vendor's
structures (OxyIIBleFile, VTMOxiFileTail) as public repositories show them, and nglessner/o2ring-s-protocol.

A record is SpO2, pulse and flags (motion in bits 0 to 5), or without flags where the channel type is 0. Bits 6 and 7
mark pulse and SpO2. Sources disagree what for: "invalid" or, in the vendor's own structures, "the ring reminded the
wearer", which it does just when SpO2 is low. To drop the marked samples would be to lose desaturations, so values are
kept and the marks given beside them; a value that the ring itself holds to be none is 0xFF.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ProtocolError
from gateway.home.devices.sig import uint

HEADER_SIZE: Final = 10
TRAILER_SIZE: Final = 48
MAGIC: Final = 0xDA5A1248

_FILE_KIND: Final = b"\x01\x03"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the ring counts local seconds
_MOTION: Final = 0x3F
_PULSE_MARK: Final = 0x40
_SPO2_MARK: Final = 0x80


def is_complete(data: bytes) -> bool:
    """True where the ring has finished the file: the magic stands 44 bytes before its end."""
    return len(data) >= HEADER_SIZE + TRAILER_SIZE and uint(data, len(data) - TRAILER_SIZE + 4, 4) == MAGIC


@dataclass(frozen=True, slots=True, eq=False)
class StoredFile:
    """One recording.

    Attributes
    ----------
    start : datetime or None
        Naive: the ring's local time of the first sample; None without a trailer, then the file's name tells.
    interval_s : float
        Seconds between samples: from the trailer, 1 without one.
    spo2_pct, pulse_bpm : array of float32, shape (n,)
        NaN where the ring had no value.
    motion : array of uint8, shape (n,)
        0 to 63; 255 where the file holds none.
    spo2_marked, pulse_marked : array of bool, shape (n,)
        The ring's marks; see the module.
    problems : tuple of str
        What is wrong with the file, in words. Empty for a whole one.
    """

    model: int
    start: datetime | None
    interval_s: float
    spo2_pct: NDArray[np.float32]
    pulse_bpm: NDArray[np.float32]
    motion: NDArray[np.uint8]
    spo2_marked: NDArray[np.bool_]
    pulse_marked: NDArray[np.bool_]
    problems: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True where the file ends with its own end mark and all agrees with it."""
        return not self.problems


def parse_file(data: bytes) -> StoredFile:
    """Read a stored file, finished or not: complete records are kept, and `problems` says what is amiss.

    Raises
    ------
    ProtocolError
        No header of this kind of file.
    """
    if len(data) < HEADER_SIZE or data[:2] != _FILE_KIND:
        raise ProtocolError(f"no stored file of an OxyII ring: {data[:10].hex() or 'empty'}")
    problems: list[str] = []
    start, interval_s, width, end = None, 1.0, 3, len(data)
    if is_complete(data):
        end -= TRAILER_SIZE
        trailer = data[end:]
        start = _EPOCH + timedelta(seconds=uint(trailer, 8, 4))
        width = 2 if trailer[17] == 0 else 3
        interval_s = float(trailer[16]) or 1.0
        if sum(data[:end]) & 0xFFFFFFFF != uint(trailer, 0, 4):
            problems.append("the sum of the bytes is not that of the trailer")
        if uint(trailer, 12, 4) * width != end - HEADER_SIZE:
            problems.append(f"{uint(trailer, 12, 4)} records announced, {(end - HEADER_SIZE) // width} there")
    else:
        problems.append("no end mark: the ring has not finished the file, or it was pulled in part")
    count, rest = divmod(end - HEADER_SIZE, width)
    if rest:
        problems.append(f"the last record has {rest} of {width} bytes")
    records = np.frombuffer(data, np.uint8, count * width, HEADER_SIZE).reshape(count, width)
    flags = records[:, 2] if width == 3 else np.zeros(count, np.uint8)
    spo2 = records[:, 0].astype(np.float32)
    spo2[(records[:, 0] == 0) | (records[:, 0] > 100)] = np.nan
    pulse = records[:, 1].astype(np.float32)
    pulse[(records[:, 1] == 0) | (records[:, 1] == 0xFF)] = np.nan
    return StoredFile(
        model=uint(data, 8, 2),
        start=start,
        interval_s=interval_s,
        spo2_pct=spo2,
        pulse_bpm=pulse,
        motion=flags & np.uint8(_MOTION) if width == 3 else np.full(count, 255, np.uint8),
        spo2_marked=(flags & _SPO2_MARK) != 0,
        pulse_marked=(flags & _PULSE_MARK) != 0,
        problems=tuple(problems),
    )


def encode_file(
    start: datetime,
    spo2_pct: NDArray[np.float32],
    pulse_bpm: NDArray[np.float32],
    motion: NDArray[np.uint8] | None = None,
    *,
    interval_s: int = 1,
    model: int = 4,
    finished: bool = True,
) -> bytes:
    """A stored file as a ring writes it: whole per cents and beats, NaN as no value, motion up to 63.

    Parameters
    ----------
    finished : bool
        False leaves the trailer out, as until two minutes after the ring came off.
    """
    records = np.zeros((spo2_pct.size, 3), np.uint8)
    try:
        records[:, 0] = np.where(np.isnan(spo2_pct), 0xFF, np.rint(np.nan_to_num(spo2_pct)))
        records[:, 1] = np.where(np.isnan(pulse_bpm), 0xFF, np.rint(np.nan_to_num(pulse_bpm)))
        records[:, 2] = 0 if motion is None else np.minimum(motion, _MOTION)
    except ValueError:
        raise ProtocolError("the columns of a stored file differ in length") from None
    body = _FILE_KIND + bytes(6) + model.to_bytes(2, "little") + records.tobytes()
    if not finished:
        return body
    known = spo2_pct[~np.isnan(spo2_pct)]
    trailer = bytearray(TRAILER_SIZE)
    for offset, value in ((0, sum(body) & 0xFFFFFFFF), (4, MAGIC), (8, _seconds(start)), (12, spo2_pct.size)):
        trailer[offset : offset + 4] = value.to_bytes(4, "little")
    trailer[16:19] = bytes((interval_s, 1, 3))
    trailer[34:36] = bytes((round(float(known.mean())), round(float(known.min())))) if known.size else b"\xff\xff"
    return body + bytes(trailer)


def _seconds(local: datetime) -> int:
    return int((local - _EPOCH).total_seconds())

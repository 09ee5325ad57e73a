"""The stored recording of the O2Ring-S ("OxyII").

Layout, little-endian: a 10-byte header (01 03, device model u16 at 8), 3-byte records (SpO2, pulse, flags), a
48-byte trailer (byte sum of all before it u32, magic 0xDA5A1248, local start as if it were an epoch u32, record count
u32, interval u8, then the vendor's summary). The ring writes the trailer about two minutes after it was taken off: a
file is complete only when the magic stands 44 bytes before its end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ProtocolError

SIGNATURE: Final = b"\x01\x03"
MAGIC: Final = 0xDA5A1248
HEADER_BYTES: Final = 10
RECORD_BYTES: Final = 3
TRAILER_BYTES: Final = 48
MISSING: Final = 0xFF
MOTION_BITS: Final = 0x3F
PULSE_INVALID: Final = 0x40
SPO2_INVALID: Final = 0x80

_TRAILER: Final = struct.Struct("<IIIIBBB29x")
_CHANNELS: Final = 1
"""Channel type 1: SpO2, pulse and flags in three bytes."""
_RATE_1_HZ_S: Final = 1.0
"""The ring stores at 1 Hz; what a file without its trailer is read at."""
_MAX_INTERVAL_S: Final = 10
_PLAUSIBLE_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class OxyiiFile:
    """One stored recording, values as they stand in the file (missing still 0xFF).

    Attributes
    ----------
    model : int
        The device model of the header (4 is the O2Ring-S).
    start : datetime or None
        Naive local time by the ring's clock; None without a trailer, or where the clock was never set.
    interval_s : float
        Seconds between records; 1 s without a trailer.
    spo2, pulse : uint8 arrays, shape (n,)
        %, bpm; 0xFF missing.
    motion : uint8 array, shape (n,)
        0..63.
    spo2_invalid, pulse_invalid : bool arrays, shape (n,)
        The ring's own marks (bits 7 and 6), or a value of 0xFF.
    complete : bool
        The trailer is there.
    checksum_ok : bool
        The trailer's byte sum is right; False without a trailer.
    trailing_bytes : int
        Bytes of a broken last record (no trailer), left out.
    """

    model: int
    start: datetime | None
    interval_s: float
    spo2: NDArray[np.uint8]
    pulse: NDArray[np.uint8]
    motion: NDArray[np.uint8]
    spo2_invalid: NDArray[np.bool_]
    pulse_invalid: NDArray[np.bool_]
    complete: bool
    checksum_ok: bool
    trailing_bytes: int


def is_complete(data: bytes) -> bool:
    """Whether the trailer's magic stands where a finished file has it."""
    return len(data) >= HEADER_BYTES + TRAILER_BYTES and data[-44:-40] == MAGIC.to_bytes(4, "little")


def parse_oxyii(data: bytes) -> OxyiiFile:
    """Read a stored recording, with or without its trailer.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ProtocolError
        One line that names the byte: too short, another signature, no record, a trailer that contradicts the file, or
        bytes that are no SpO2.
    """
    if len(data) < HEADER_BYTES:
        raise ProtocolError(f"an O2Ring-S file has a {HEADER_BYTES}-byte header, this has {len(data)} bytes")
    if not data.startswith(SIGNATURE):
        raise ProtocolError(f"byte 0: {data[:2].hex()} is not the {SIGNATURE.hex()} of an O2Ring-S file")
    complete = is_complete(data)
    end = len(data) - TRAILER_BYTES if complete else len(data)
    count, trailing = divmod(end - HEADER_BYTES, RECORD_BYTES)
    start, interval_s, checksum_ok = None, _RATE_1_HZ_S, False
    if complete:
        start, interval_s, checksum_ok = _trailer(data, end, count, trailing)
    if count == 0:
        raise ProtocolError(f"byte {HEADER_BYTES}: the O2Ring-S file holds no record")
    records = np.frombuffer(data, np.uint8, count * RECORD_BYTES, HEADER_BYTES).reshape(count, RECORD_BYTES)
    spo2, pulse, flags = (np.ascontiguousarray(records[:, column]) for column in range(RECORD_BYTES))
    _check_plausible(spo2)
    return OxyiiFile(
        model=int.from_bytes(data[8:10], "little"),
        start=start,
        interval_s=interval_s,
        spo2=spo2,
        pulse=pulse,
        motion=flags & np.uint8(MOTION_BITS),
        spo2_invalid=(spo2 == MISSING) | ((flags & SPO2_INVALID) != 0),
        pulse_invalid=(pulse == MISSING) | ((flags & PULSE_INVALID) != 0),
        complete=complete,
        checksum_ok=checksum_ok,
        trailing_bytes=trailing,
    )


def encode_oxyii(
    spo2: NDArray[np.integer],
    pulse: NDArray[np.integer],
    *,
    start: datetime | None,
    interval_s: int = 1,
    motion: NDArray[np.integer] | None = None,
    spo2_invalid: NDArray[np.bool_] | None = None,
    pulse_invalid: NDArray[np.bool_] | None = None,
    model: int = 4,
    trailer: bool = True,
) -> bytes:
    """Write a stored recording as the ring would; the inverse of `parse_oxyii`.

    Parameters
    ----------
    spo2, pulse : integer arrays, shape (n,)
        0..255; 0xFF for missing.
    start : datetime or None
        Naive local time; None for a clock that was never set.
    interval_s : int
        1..10 s.
    motion : integer array, shape (n,), optional
        0..63.
    trailer : bool
        False for a recording that is still going on.

    Raises
    ------
    ValueError
        Arrays of different lengths, or a value beyond its field.
    """
    count = len(spo2)
    if not 1 <= interval_s <= _MAX_INTERVAL_S:
        raise ValueError(f"an interval of {interval_s} s is not 1..{_MAX_INTERVAL_S}")
    for name, column, top in (("spo2", spo2, 255), ("pulse", pulse, 255), ("motion", motion, MOTION_BITS)):
        if column is not None and (len(column) != count or (count and (column.min() < 0 or column.max() > top))):
            raise ValueError(f"{name} must have {count} samples of 0..{top}")
    flags = np.zeros(count, np.uint8) if motion is None else motion.astype(np.uint8)
    for mark, bit in ((spo2_invalid, SPO2_INVALID), (pulse_invalid, PULSE_INVALID)):
        if mark is not None:
            flags |= np.where(mark, np.uint8(bit), np.uint8(0))
    records = np.column_stack([spo2.astype(np.uint8), pulse.astype(np.uint8), flags])
    body = SIGNATURE + bytes(6) + model.to_bytes(2, "little") + records.tobytes()
    if not trailer:
        return body
    epoch_s = 0 if start is None else int(start.replace(tzinfo=UTC).timestamp())
    return body + _TRAILER.pack(_byte_sum(body), MAGIC, epoch_s, count, interval_s, _CHANNELS, RECORD_BYTES)


def _trailer(data: bytes, end: int, count: int, trailing: int) -> tuple[datetime | None, float, bool]:
    byte_sum, _, epoch_s, told_count, interval_s, _, width = _TRAILER.unpack_from(data, end)
    if width not in (0, RECORD_BYTES):
        raise ProtocolError(f"byte {end + 18}: records of {width} bytes are not the O2Ring-S's {RECORD_BYTES}")
    if trailing or told_count != count:
        raise ProtocolError(f"byte {end + 12}: the trailer counts {told_count} records, the file holds {count}")
    if interval_s > _MAX_INTERVAL_S:
        raise ProtocolError(f"byte {end + 16}: a sampling interval of {interval_s} s is not possible")
    # The ring writes its local wall clock as if it were UTC.
    start = datetime.fromtimestamp(epoch_s, UTC).replace(tzinfo=None) if epoch_s else None
    return start, float(interval_s or _RATE_1_HZ_S), byte_sum == _byte_sum(data[:end])


def _byte_sum(data: bytes) -> int:
    return int(np.frombuffer(data, np.uint8).sum(dtype=np.uint64)) & 0xFFFFFFFF


def _check_plausible(spo2: NDArray[np.uint8]) -> None:
    impossible = (spo2 > 100) & (spo2 != MISSING)
    if impossible.mean() > 1.0 - _PLAUSIBLE_SHARE:
        place = HEADER_BYTES + int(np.argmax(impossible)) * RECORD_BYTES
        raise ProtocolError(
            f"byte {place}: {spo2[np.argmax(impossible)]} is no SpO2, and {impossible.mean():.0%} are alike"
        )

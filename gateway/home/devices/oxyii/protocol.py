"""OxyII rings (O2Ring-S): frames, requests, and what is answered to them.

Stored files are pulled by `pull.FilePull` and read by `gateway.wire.files.oxyii`.

Layouts are facts of the public repository nglessner/o2ring-s-protocol, found on hardware by its authors; among them the
authentication, the live reading's header and the order in which a ring wants to be asked: authenticate, set up, set the
time, read the configuration, end any reading, list, then open and read each file. A ring asked for live readings hands
out no files until the link is closed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.crc import crc8
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.sig import decode_date_time, encode_date_time, uint
from gateway.home.devices.stream import StreamAssembler

SERVICE: Final = "e8fb0001-a14b-98f9-831b-4e2941d01248"
WRITE: Final = "e8fb0002-a14b-98f9-831b-4e2941d01248"
NOTIFY: Final = "e8fb0003-a14b-98f9-831b-4e2941d01248"

MTU: Final = 517
"""To be asked for before all else: with a small one the ring drops requests for files without a word."""

MAX_DATA: Final = 2048
"""The longest answer known has 922 bytes: the bound of every buffer."""

_SYNC: Final = 0xA5
_HEADER: Final = 7
_NAME_SIZE: Final = 16


class Op(IntEnum):
    """Operation codes; an answer repeats that of its request."""

    CONFIG = 0x00
    LIVE = 0x04
    SETUP = 0x10
    SET_TIME = 0xC0
    INFO = 0xE1
    FACTORY_RESET = 0xE3
    """Wipes the patient's recordings: known so that it can be refused, never sent."""
    BATTERY = 0xE4
    SWITCH_OFF = 0xEE
    """Leaves the ring dead until it is charged: known so that it can be refused, never sent."""
    FILE_LIST = 0xF1
    FILE_START = 0xF2
    FILE_DATA = 0xF3
    FILE_END = 0xF4
    AUTHENTICATE = 0xFF


NEVER_SENT: Final = frozenset((Op.FACTORY_RESET, Op.SWITCH_OFF))


@dataclass(frozen=True, slots=True)
class Frame:
    """A request (`answer` False) or the answer to it, which repeats its `seq`."""

    op: int
    data: bytes = b""
    seq: int = 0
    answer: bool = False


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame. Requests that harm the ring or its recordings are refused with `ProtocolError`."""
    if frame.op in NEVER_SENT and not frame.answer:
        raise ProtocolError(f"operation {frame.op:#04x} wipes or kills the ring and is never sent")
    if len(frame.data) > MAX_DATA:
        raise ProtocolError(f"a frame carries at most {MAX_DATA} bytes, not {len(frame.data)}")
    head = bytes((_SYNC, frame.op, frame.op ^ 0xFF, int(frame.answer), frame.seq & 0xFF))
    body = head + len(frame.data).to_bytes(2, "little") + frame.data
    return body + bytes((crc8(body),))


def decode_frame(data: bytes) -> Frame:
    """Exactly one frame."""
    if len(data) < _HEADER + 1 or data[0] != _SYNC:
        raise ProtocolError(f"no frame that begins with a5: {data[:8].hex() or 'empty'}")
    if data[1] ^ data[2] != 0xFF:
        raise ProtocolError(f"operation {data[1]:02x} and its complement {data[2]:02x} disagree")
    if uint(data, 5, 2) != len(data) - _HEADER - 1:
        raise ProtocolError(f"{uint(data, 5, 2)} bytes announced, {len(data) - _HEADER - 1} there")
    if crc8(data[:-1]) != data[-1]:
        raise ProtocolError(f"checksum {data[-1]:02x} should be {crc8(data[:-1]):02x}")
    return Frame(data[1], bytes(data[_HEADER:-1]), data[4], answer=data[3] != 0)


def _measure(buffer: bytearray, start: int) -> int | None:
    if buffer[start] != _SYNC:
        return 0
    if len(buffer) - start < _HEADER:
        return None
    length = uint(buffer, start + 5, 2)
    return 0 if buffer[start + 1] ^ buffer[start + 2] != 0xFF or length > MAX_DATA else _HEADER + length + 1


class FrameAssembler(StreamAssembler[Frame]):
    """Frames, of both directions, out of notifications or writes of any size; see `StreamAssembler`."""

    def __init__(self) -> None:
        super().__init__(_measure, decode_frame)


def authentication(epoch_s: int, serial_prefix: str = "0000") -> bytes:
    """Payload of `Op.AUTHENTICATE`, 16 bytes; nothing is answered to it.

    A fixed digest, and a key made of every second byte of it, four characters (rings take "0000") and the time shifted
    by 0 to 3 bits, combined by exclusive or.

    Parameters
    ----------
    epoch_s : int
        Seconds since 1970; rings take any.
    """
    prefix = serial_prefix.encode("ascii", "replace")[:4]
    if len(prefix) != 4:
        raise ProtocolError(f"authentication needs four characters, not {serial_prefix!r}")
    salt = hashlib.md5(b"lepucloud", usedforsecurity=False).digest()
    key = salt[::2] + prefix + bytes(epoch_s >> shift & 0xFF for shift in range(4))
    return bytes(a ^ b for a, b in zip(key, salt, strict=True))


def set_time(local: datetime) -> bytes:
    """Payload of `Op.SET_TIME`: the ring shows and stores `local` (naive) as it is."""
    return encode_date_time(local) + b"\0"


def file_start(name: str) -> bytes:
    """Payload of `Op.FILE_START` for the oximetry (type 0) of the recording `name`."""
    if not name.isascii() or not name.isprintable() or not 1 <= len(name) <= _NAME_SIZE:
        raise ProtocolError(f"no name of a stored file: {name[:40]!r}")
    return name.encode().ljust(_NAME_SIZE, b"\0") + bytes(4)


def file_data(offset: int) -> bytes:
    """Payload of `Op.FILE_DATA`: the byte to read from; at most 512 are answered."""
    if not 0 <= offset < 1 << 32:
        raise ProtocolError(f"no offset in a file: {offset}")
    return offset.to_bytes(4, "little")


def decode_file_list(data: bytes) -> tuple[str, ...]:
    """Names (YYYYMMDDhhmmss, local start) in the answer to `Op.FILE_LIST`: a count, then 16 bytes each."""
    if not data or len(data) < 1 + data[0] * _NAME_SIZE:
        raise ProtocolError(f"a file list is cut off: {len(data)} bytes")
    slots = (data[1 + i * _NAME_SIZE : 1 + (i + 1) * _NAME_SIZE].rstrip(b"\0") for i in range(data[0]))
    return tuple(
        slot.decode("ascii") for slot in slots if slot.isascii() and slot.decode("ascii").isprintable() and slot
    )


def encode_file_list(names: tuple[str, ...]) -> bytes:
    """The ring's answer to `Op.FILE_LIST`."""
    return bytes((len(names),)) + b"".join(name.encode().ljust(_NAME_SIZE, b"\0") for name in names)


def decode_file_size(data: bytes) -> int:
    """Size in bytes in the answer to `Op.FILE_START`; what follows it there is not known."""
    if len(data) < 4:
        raise ProtocolError(f"a file's size has 4 bytes, not {len(data)}")
    return uint(data, 0, 4)


def decode_battery(data: bytes) -> tuple[float, bool]:
    """Charge in % and whether it is being charged, from the answer to `Op.BATTERY`: state, %, two unknown."""
    if len(data) != 4 or data[1] > 100:
        raise ProtocolError(f"no battery state: {data[:8].hex() or 'empty'}")
    return float(data[1]), data[0] in (1, 2)


def encode_battery(level_pct: int, *, charging: bool = False) -> bytes:
    """The ring's answer to `Op.BATTERY`."""
    return bytes((int(charging), level_pct, 0, 0))


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Answer to `Op.INFO`: `serial` is the ring's identity, `clock` its own local time (None where unset)."""

    serial: str
    firmware: str
    clock: datetime | None


_INFO_SIZE: Final = 60


def decode_info(data: bytes) -> DeviceInfo:
    """Answer to `Op.INFO`, 60 bytes: firmware at 9, clock at 24, length of the serial number at 37, it at 38."""
    if len(data) < _INFO_SIZE or data[37] > _INFO_SIZE - 38:
        raise ProtocolError(f"no device information: {len(data)} bytes")
    try:
        clock = decode_date_time(data[24:31])
    except ProtocolError:
        clock = None
    return DeviceInfo(_text(data[38 : 38 + data[37]]), _text(data[9:17]), clock)


def encode_info(info: DeviceInfo) -> bytes:
    """The ring's answer to `Op.INFO`."""
    serial = info.serial.encode("ascii", "replace")[: _INFO_SIZE - 38]
    body = bytes(9) + info.firmware.encode("ascii", "replace")[:8].ljust(8, b"\0") + bytes(7)
    return (body + encode_date_time(info.clock) + bytes(6) + bytes((len(serial),)) + serial).ljust(_INFO_SIZE, b"\0")


def _text(field: bytes) -> str:
    return "".join(char for char in field.decode("ascii", "ignore") if char.isprintable())


@dataclass(frozen=True, slots=True)
class Live:
    """Answer to `Op.LIVE`: a reading, and the wave form since the last one (unsigned, unscaled, about 125 Hz)."""

    reading: OximeterReading
    wave: bytes
    file_open: bool


_LIVE_HEADER: Final = 26


def decode_live(data: bytes) -> Live:
    """Answer to `Op.LIVE`: counter u8 at 0, state at 5 (bit 0 worn, bit 1 a file is open), SpO2 6, motion 7, pulse 8,
    battery 13, number of wave samples u16 at 24, wave from 26.
    """
    if len(data) < _LIVE_HEADER or len(data) != _LIVE_HEADER + uint(data, 24, 2):
        raise ProtocolError(f"no live reading: {len(data)} bytes")
    worn = bool(data[5] & 1)
    spo2_pct = saturation(data[6])
    pulse_bpm = None if data[8] in (0, 0xFF) else float(data[8])
    reading = OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        motion=data[7] if data[7] != 0xFF else None,
        battery_pct=float(data[13]) if data[13] <= 100 else None,
        worn=worn,
        status=() if worn else ("no_finger",),
        counter=data[0],
        valid=worn and spo2_pct is not None and pulse_bpm is not None,
    )
    return Live(reading, bytes(data[_LIVE_HEADER:]), bool(data[5] & 2))


def encode_live(live: Live) -> bytes:
    """The ring's answer to `Op.LIVE`."""
    head = bytearray(_LIVE_HEADER)
    reading = live.reading
    head[0] = (reading.counter or 0) & 0xFF
    head[4] = 2
    head[5] = int(bool(reading.worn)) | int(live.file_open) << 1
    head[6] = 0 if reading.spo2_pct is None else round(reading.spo2_pct)
    head[7] = 0xFF if reading.motion is None else reading.motion
    head[8] = 0 if reading.pulse_bpm is None else round(reading.pulse_bpm)
    head[13] = 0xFF if reading.battery_pct is None else round(reading.battery_pct)
    head[24:26] = len(live.wave).to_bytes(2, "little")
    return bytes(head) + live.wave

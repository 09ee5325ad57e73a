"""Viatom "Oxy" rings (O2Ring, CheckO2, SleepO2, O2 Max): frames, requests, and what is answered to them.

Stored files are pulled by `pull.FilePull` and read by `gateway.wire.files.viatom`.

Layouts are facts of public descriptions: the farolone/wellue-o2ring-protocol and ecostech/viatom-ble repositories, and
the vendor's own viatomEcho/LepuBle (pulse as 16 bit, tenths of a percent of perfusion, the keys of the information).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.crc import crc8
from gateway.home.devices.reading import OximeterReading, saturation
from gateway.home.devices.sig import uint
from gateway.home.devices.stream import StreamAssembler

SERVICE: Final = "14839ac4-7d7e-415c-9a42-167340cf2339"
NOTIFY: Final = "0734594a-a8e7-4b1a-a6b1-cd5243059a57"
WRITE: Final = "8b00ace7-eb0b-49b0-bbe9-9aee0a26e1a3"

WRITE_CHUNK: Final = 20
"""The ring takes requests in pieces of at most this many bytes."""

REQUEST_SYNC: Final = 0xAA
RESPONSE_SYNC: Final = 0x55
MAX_DATA: Final = 4096
"""No answer known comes near it (blocks are 512 bytes, the information about 600): the bound of every buffer."""

_HEADER: Final = 7
_NO_BYTE: Final = 0xFF
_NO_WORD: Final = 0xFFFF


class Op(IntEnum):
    """Operation codes of requests."""

    OPEN = 0x03
    READ = 0x04
    CLOSE = 0x05
    INFO = 0x14
    PING = 0x15
    CONFIG = 0x16
    SENSORS = 0x17
    FACTORY_RESET = 0x18
    """Wipes the patient's recordings: known so that it can be refused, never sent."""
    REAL_TIME = 0x1B


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the ring sees it; `op` is a plain number, as a ring must refuse unknown ones too."""

    op: int
    block: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `status` 0 means done; `block` repeats that of the request."""

    status: int
    block: int = 0
    data: bytes = b""


def _frame(sync: int, code: int, block: int, data: bytes) -> bytes:
    if len(data) > MAX_DATA:
        raise ProtocolError(f"a frame carries at most {MAX_DATA} bytes, not {len(data)}")
    if not 0 <= block <= _NO_WORD:
        raise ProtocolError(f"no block number: {block}")
    head = bytes((sync, code, code ^ 0xFF)) + block.to_bytes(2, "little") + len(data).to_bytes(2, "little")
    return head + data + bytes((crc8(head + data),))


def _unframe(sync: int, frame: bytes) -> tuple[int, int, bytes]:
    """Code, block and data of exactly one frame."""
    if len(frame) < _HEADER + 1 or frame[0] != sync:
        raise ProtocolError(f"no frame that begins with {sync:02x}: {frame[:8].hex() or 'empty'}")
    if frame[1] ^ frame[2] != 0xFF:
        raise ProtocolError(f"code {frame[1]:02x} and its complement {frame[2]:02x} disagree")
    if uint(frame, 5, 2) != len(frame) - _HEADER - 1:
        raise ProtocolError(f"{uint(frame, 5, 2)} bytes announced, {len(frame) - _HEADER - 1} there")
    if crc8(frame[:-1]) != frame[-1]:
        raise ProtocolError(f"checksum {frame[-1]:02x} should be {crc8(frame[:-1]):02x}")
    return frame[1], uint(frame, 3, 2), bytes(frame[_HEADER:-1])


def encode_request(op: int, data: bytes = b"", *, block: int = 0) -> bytes:
    """The bytes of a request. A factory reset is refused with `ProtocolError`: it wipes the recordings."""
    if op == Op.FACTORY_RESET:
        raise ProtocolError("a factory reset wipes the ring's recordings and is never sent")
    return _frame(REQUEST_SYNC, op, block, data)


def decode_request(frame: bytes) -> Request:
    """One request, as a ring reads it."""
    return Request(*_unframe(REQUEST_SYNC, frame))


def encode_response(response: Response) -> bytes:
    """The bytes of an answer, as a ring sends it."""
    return _frame(RESPONSE_SYNC, response.status, response.block, response.data)


def decode_response(frame: bytes) -> Response:
    """One whole answer."""
    return Response(*_unframe(RESPONSE_SYNC, frame))


def _measure(sync: int, buffer: bytearray, start: int) -> int | None:
    if buffer[start] != sync:
        return 0
    if len(buffer) - start < _HEADER:
        return None
    length = uint(buffer, start + 5, 2)
    return 0 if buffer[start + 1] ^ buffer[start + 2] != 0xFF or length > MAX_DATA else _HEADER + length + 1


class FrameAssembler(StreamAssembler[Response]):
    """Answers out of notifications of any size; see `StreamAssembler`."""

    def __init__(self) -> None:
        super().__init__(lambda buffer, start: _measure(RESPONSE_SYNC, buffer, start), decode_response)


class RequestAssembler(StreamAssembler[Request]):
    """Requests out of writes of any size: the ring's side."""

    def __init__(self) -> None:
        super().__init__(lambda buffer, start: _measure(REQUEST_SYNC, buffer, start), decode_request)


def request_info() -> bytes:
    """Ask for model, serial number, battery and the names of the stored files."""
    return encode_request(Op.INFO)


def request_ping() -> bytes:
    """Ask for a sign of life."""
    return encode_request(Op.PING)


def request_sensors() -> bytes:
    """Ask for one reading without wave form (`decode_sensors`)."""
    return encode_request(Op.SENSORS)


def request_real_time(rate: int = 0) -> bytes:
    """Ask for one reading with wave form (`decode_real_time`); rate 0 is 125 Hz."""
    return encode_request(Op.REAL_TIME, bytes((rate,)))


def request_set_time(local: datetime) -> bytes:
    """Set the ring's clock to `local` (naive: the ring knows no zone)."""
    return request_config("SetTIME", local.strftime("%Y-%m-%d,%H:%M:%S"))


def request_config(key: str, value: str) -> bytes:
    """Set one setting."""
    return encode_request(Op.CONFIG, json.dumps({key: value}, separators=(",", ":")).encode())


def request_open(name: str) -> bytes:
    """Open a stored file by its name; the answer is its size (`decode_file_size`)."""
    if not name.isascii() or not name.isprintable() or not 1 <= len(name) <= 32:
        raise ProtocolError(f"no name of a stored file: {name[:40]!r}")
    return encode_request(Op.OPEN, name.encode() + b"\0")


def request_read(block: int) -> bytes:
    """Read block `block`, counted from 0, of the open file."""
    return encode_request(Op.READ, block=block)


def request_close() -> bytes:
    """Close the open file."""
    return encode_request(Op.CLOSE)


def decode_file_size(data: bytes) -> int:
    """Size in bytes that the answer to an open announces."""
    if len(data) != 4:
        raise ProtocolError(f"a file's size has 4 bytes, not {len(data)}")
    return uint(data, 0, 4)


def file_start(name: str) -> datetime:
    """The local start time that a stored file's name (YYYYMMDDhhmmss) is."""
    try:
        if len(name) != 14 or not name.isdecimal() or not name.isascii():
            raise ValueError
        return datetime.strptime(name, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the ring knows no zone
    except ValueError:
        raise ProtocolError(f"a file's name is its start YYYYMMDDhhmmss, not {name[:40]!r}") from None


def file_name(start: datetime) -> str:
    """The name that a ring gives a recording that began at `start` (naive local)."""
    return start.strftime("%Y%m%d%H%M%S")


@dataclass(frozen=True, slots=True)
class RealTime:
    """Answer to `Op.REAL_TIME`: a reading and the wave form since the last one (unsigned, unscaled)."""

    reading: OximeterReading
    wave: bytes


SENSORS_SIZE: Final = 13
_CHARGE_STATES: Final = {1: "charging", 2: "charged"}


def _reading(
    spo2: int, pulse: int, battery: int, charge: int, perfusion: int, *, worn: bool, motion: int | None
) -> OximeterReading:
    spo2_pct = saturation(spo2)
    pulse_bpm = None if pulse in (0, _NO_BYTE, _NO_WORD) else float(pulse)
    status: tuple[str, ...] = () if worn else ("no_finger",)
    if worn and spo2 == 0 and pulse == 0:
        status += ("calibrating",)
    if charge in _CHARGE_STATES:
        status += (_CHARGE_STATES[charge],)
    return OximeterReading(
        spo2_pct=spo2_pct,
        pulse_bpm=pulse_bpm,
        perfusion_pct=None if perfusion in (0, _NO_BYTE) else perfusion / 10,
        motion=None if motion == _NO_BYTE else motion,
        battery_pct=float(battery) if battery <= 100 else None,
        worn=worn,
        status=status,
        valid=worn and spo2_pct is not None and pulse_bpm is not None,
    )


def decode_sensors(data: bytes) -> OximeterReading:
    """Answer to `Op.SENSORS`, 13 bytes: SpO2, pulse u16, steps u32, battery, charge, motion, perfusion, worn, alarms.

    The lowest bit of "worn" is the state, its high nibble counts down the seconds since the ring came off.
    """
    if len(data) != SENSORS_SIZE:
        raise ProtocolError(f"a sensor reading has {SENSORS_SIZE} bytes, not {len(data)}")
    return _reading(data[0], uint(data, 1, 2), data[7], data[8], data[10], worn=bool(data[11] & 1), motion=data[9])


def encode_sensors(reading: OximeterReading, *, steps: int = 0) -> bytes:
    """The ring's answer to `Op.SENSORS`; perfusion is rounded to 0.1 %."""
    spo2, pulse, battery, charge, perfusion = _raw(reading)
    motion = 0 if reading.motion is None else reading.motion
    tail = bytes((battery, charge, motion, perfusion, int(bool(reading.worn)), 0))
    return bytes((spo2,)) + pulse.to_bytes(2, "little") + steps.to_bytes(4, "little") + tail


def decode_real_time(data: bytes) -> RealTime:
    """Answer to `Op.REAL_TIME`: SpO2, pulse u16, battery, charge, perfusion, lead, 3 unknown, wave length u16, wave."""
    if len(data) < 12 or len(data) != 12 + uint(data, 10, 2):
        raise ProtocolError(f"no real-time reading: {len(data)} bytes")
    reading = _reading(data[0], uint(data, 1, 2), data[3], data[4], data[5], worn=data[6] == 1, motion=None)
    return RealTime(reading, bytes(data[12:]))


def encode_real_time(reading: OximeterReading, wave: bytes = b"") -> bytes:
    """The ring's answer to `Op.REAL_TIME`."""
    spo2, pulse, battery, charge, perfusion = _raw(reading)
    head = bytes((spo2,)) + pulse.to_bytes(2, "little")
    head += bytes((battery, charge, perfusion, int(bool(reading.worn)), 0, 0, 0))
    return head + len(wave).to_bytes(2, "little") + wave


def _raw(reading: OximeterReading) -> tuple[int, int, int, int, int]:
    """SpO2, pulse, battery, charge state and perfusion as a ring writes them."""
    charge = next((code for code, name in _CHARGE_STATES.items() if name in reading.status), 0)
    calibrating = "calibrating" in reading.status
    return (
        round(reading.spo2_pct) if reading.spo2_pct is not None else 0 if calibrating else _NO_BYTE,
        round(reading.pulse_bpm) if reading.pulse_bpm is not None else 0 if calibrating else _NO_WORD,
        _NO_BYTE if reading.battery_pct is None else round(reading.battery_pct),
        charge,
        0 if reading.perfusion_pct is None else min(254, round(reading.perfusion_pct * 10)),
    )


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Answer to `Op.INFO`. A field that the firmware leaves out is empty or None.

    Attributes
    ----------
    serial : str
        Serial number: the ring's identity, as its address changes with a reset.
    files : tuple of str
        Names of the stored recordings, oldest first (the ring keeps four).
    clock : datetime or None
        The ring's own local time when it answered.
    """

    serial: str
    model: str = ""
    hardware: str = ""
    software: str = ""
    battery_pct: float | None = None
    charging: bool | None = None
    clock: datetime | None = None
    files: tuple[str, ...] = ()


def decode_info(data: bytes) -> DeviceInfo:
    """The ring's JSON, padded with NULs or blanks. Raises `ProtocolError` where it is no JSON object."""
    try:
        fields = json.loads(data.rstrip(b"\0 \t\r\n").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ProtocolError(f"no device information: {data[:24]!r}") from None
    if not isinstance(fields, dict):
        raise ProtocolError("device information is no JSON object")

    def text(key: str) -> str:
        value = fields.get(key, "")
        return str(value).strip() if isinstance(value, str | int | float) else ""

    battery = text("CurBAT").removesuffix("%").strip()
    return DeviceInfo(
        serial=text("SN"),
        model=text("Model"),
        hardware=text("HardwareVer"),
        software=text("SoftwareVer"),
        battery_pct=float(battery) if battery.isascii() and battery.isdecimal() and len(battery) <= 3 else None,
        charging=None if not text("CurBatState") else text("CurBatState") in ("1", "2"),
        clock=_clock(text("CurTIME")),
        files=tuple(name for name in (part.strip() for part in text("FileList").split(",")) if _is_file_name(name)),
    )


def encode_info(info: DeviceInfo) -> bytes:
    """The ring's answer to `Op.INFO`."""
    fields = {
        "Region": "CE",
        "Model": info.model,
        "HardwareVer": info.hardware,
        "SoftwareVer": info.software,
        "CurTIME": "" if info.clock is None else info.clock.strftime("%Y-%m-%d,%H:%M:%S"),
        "CurBAT": "" if info.battery_pct is None else f"{info.battery_pct:.0f}%",
        "CurBatState": "" if info.charging is None else str(int(info.charging)),
        "SN": info.serial,
        "FileList": ",".join(info.files),
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def _is_file_name(name: str) -> bool:
    return name.isascii() and name.isprintable() and 1 <= len(name) <= 32


def _clock(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d,%H:%M:%S")  # noqa: DTZ007 - the ring knows no zone
    except ValueError:
        return None

"""Control point, characteristics and data notifications of our own devices.

Source: docs/edge-protocol.md, section GATT. Modelled on the SIG's record access control point.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from gateway.errors import ProtocolError

UUID: Final = "e2a6{:04x}-5b1d-4f0c-9a57-3c8f6d2b7e10"
SERVICE, INFORMATION, STATUS, CLOCK, CONTROL, DATA = (UUID.format(number) for number in range(1, 7))

PROTOCOL: Final = 1
"""The version this module speaks."""

LEAST_MTU: Final = 64
"""A response to a proof has 35 bytes, a proof 49: with less they would be cut."""

LONGEST_BOOT_MS: Final = 1 << 40
"""A waveform frame's tick has 40 bits: 34 years."""

DATA_HEADER_BYTES: Final = 5
NONCE_BYTES: Final = 16
PROOF_BYTES: Final = 32
UNKNOWN_BATTERY: Final = 255


class Op(IntEnum):
    """Requests, and the code that opens a response."""

    REPORT = 0x01
    ACKNOWLEDGE = 0x02
    ABORT = 0x03
    COUNT = 0x04
    RESPONSE = 0x06
    CHALLENGE = 0x10
    PROVE = 0x11
    ANCHOR = 0x12
    TIME = 0x13


class Result(IntEnum):
    """How a request ended."""

    SUCCESS = 0x01
    NOT_SUPPORTED = 0x02
    INVALID_OPERAND = 0x05
    NO_RECORDS = 0x06
    ABORT_FAILED = 0x07
    NOT_COMPLETED = 0x08
    NOT_ALLOWED = 0x80
    WRONG_PROOF = 0x81
    NO_CHALLENGE = 0x82
    OTHER_LOG = 0x83


class Mode(IntEnum):
    """How long a report goes on."""

    UNTIL_END = 0
    FOLLOW = 1


class DeviceKind(IntEnum):
    """Which of our devices it is."""

    RECORDER = 1
    BED_SENSOR = 2


def request_report(log: int, first: int, mode: Mode) -> bytes:
    """Ask for the records of log id `log` from sequence `first` on."""
    return struct.pack("<BIIB", Op.REPORT, log, first, mode)


def request_acknowledge(log: int, last: int) -> bytes:
    """Let the device free every record up to and with sequence `last`."""
    return struct.pack("<BII", Op.ACKNOWLEDGE, log, last)


def request_abort() -> bytes:
    """End the report that is under way."""
    return bytes((Op.ABORT,))


def request_count(log: int, first: int) -> bytes:
    """Ask how many sequences there are from `first` on."""
    return struct.pack("<BII", Op.COUNT, log, first)


def request_challenge() -> bytes:
    """Ask for the device's nonce."""
    return bytes((Op.CHALLENGE,))


def request_prove(nonce: bytes, proof: bytes) -> bytes:
    """Show the gateway's nonce (16 bytes) and its proof (32 bytes)."""
    return bytes((Op.PROVE,)) + nonce + proof


def request_anchor(boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int) -> bytes:
    """Tell the device what UTC it was at one of its ticks."""
    return struct.pack("<BHQQI", Op.ANCHOR, boot, tick_ms, utc_ms, uncertainty_ms)


def request_time() -> bytes:
    """Ask what the device's clock reads."""
    return bytes((Op.TIME,))


@dataclass(frozen=True, slots=True)
class Response:
    """What the control point indicates. `op` and `result` are plain numbers; `Op` and `Result` name the known ones."""

    op: int
    result: int
    value: bytes = b""

    @property
    def done(self) -> bool:
        """Whether the request was carried out."""
        return self.result == Result.SUCCESS


@dataclass(frozen=True, slots=True)
class Moment:
    """The device's clock: boot counter (16 bits) and milliseconds since that boot."""

    boot: int
    tick_ms: int


@dataclass(frozen=True, slots=True)
class Report:
    """How a report stands: the sequence that is next, and how many records were sent."""

    next: int
    sent: int


@dataclass(frozen=True, slots=True)
class Count:
    """First sequence that there is, and how many sequences from there, void ones too."""

    first: int
    sequences: int


@dataclass(frozen=True, slots=True)
class Information:
    """The information characteristic.

    Attributes
    ----------
    device : int
        A `DeviceKind`, as a plain number.
    layout, record_bytes : int
        Of the records that the device writes now.
    log : int
        Id of its log: a sequence means nothing without it.
    firmware : str
        Three numbers with dots.
    """

    device: int
    layout: int
    record_bytes: int
    log: int
    firmware: str


@dataclass(frozen=True, slots=True)
class Status:
    """The status characteristic.

    Attributes
    ----------
    oldest, next : int
        First sequence that is not acknowledged; sequence of the next record.
    battery_pct : int or None
    faults : int
        Bits of a wear record's flags.
    refused : int
        Records that the device could not keep.
    """

    boot: int
    oldest: int
    next: int
    battery_pct: int | None
    faults: int
    refused: int


@dataclass(frozen=True, slots=True)
class Notification:
    """Records whose sequences follow each other from `first` on, still as bytes."""

    layout: int
    first: int
    data: bytes


def decode_response(data: bytes) -> Response:
    """An indication of the control point; `ProtocolError` if it is none."""
    if len(data) < 3 or data[0] != Op.RESPONSE:
        raise ProtocolError("no response of the control point")
    return Response(data[1], data[2], bytes(data[3:]))


def decode_moment(value: bytes) -> Moment:
    """The clock characteristic, or the value of a response to `TIME`."""
    moment = Moment(*_unpack("<HQ", value, "a clock"))
    if moment.tick_ms >= LONGEST_BOOT_MS:
        raise ProtocolError("a clock that runs for longer than a record can tell")
    return moment


def decode_report(value: bytes) -> Report:
    """The value of a response to `REPORT` or `ABORT`."""
    return Report(*_unpack("<II", value, "an account of a report"))


def decode_count(value: bytes) -> Count:
    """The value of a response to `COUNT`."""
    return Count(*_unpack("<II", value, "a count"))


def decode_information(data: bytes) -> Information:
    """The information characteristic; `ProtocolError` too where it speaks another version."""
    version, device, layout, size, log, *firmware = _unpack("<BBBBIBBB", data, "the information")
    if version != PROTOCOL:
        raise ProtocolError(f"the device speaks version {version} of the protocol, not {PROTOCOL}")
    if size == 0:
        raise ProtocolError("records of no bytes")
    return Information(device, layout, size, log, ".".join(map(str, firmware)))


def decode_status(data: bytes) -> Status:
    """The status characteristic."""
    boot, oldest, upcoming, battery, faults, refused = _unpack("<HIIBBI", data, "the status")
    if upcoming < oldest or (battery > 100 and battery != UNKNOWN_BATTERY):
        raise ProtocolError("a status that cannot be")
    return Status(boot, oldest, upcoming, None if battery == UNKNOWN_BATTERY else battery, faults, refused)


def decode_notification(data: bytes) -> Notification:
    """A data notification; which records it holds is its layout's matter."""
    if len(data) <= DATA_HEADER_BYTES:
        raise ProtocolError(f"{len(data)} bytes are no data notification")
    return Notification(data[0], int.from_bytes(data[1:5], "little"), bytes(data[5:]))


def _unpack(form: str, data: bytes, what: str) -> tuple[int, ...]:
    if len(data) != struct.calcsize(form):
        raise ProtocolError(f"{what} has {struct.calcsize(form)} bytes, not {len(data)}")
    return struct.unpack(form, data)

"""Record Access Control Point (0x2A52): asking for stored records, and what is answered.

Source: Record Access Control Point, as the Pulse Oximeter Service 1.0.1 and its siblings use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gateway.errors import ProtocolError


class Op(IntEnum):
    """Operation codes."""

    REPORT = 1
    DELETE = 2
    ABORT = 3
    COUNT = 4
    COUNT_RESPONSE = 5
    RESPONSE = 6


class Operator(IntEnum):
    """Which records are meant."""

    NULL = 0
    ALL = 1
    LESS_OR_EQUAL = 2
    GREATER_OR_EQUAL = 3
    RANGE = 4
    FIRST = 5
    LAST = 6


class Result(IntEnum):
    """Response codes."""

    SUCCESS = 1
    OP_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS = 6
    ABORT_FAILED = 7
    NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9


MAX_OPERAND = 17
"""An ATT value of the default MTU holds 20 bytes; no filter of the specification needs more."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the collector writes. `op` and `operator` are plain numbers: a server must answer unknown ones too.

    Attributes
    ----------
    operand : bytes
        Filter type and values for the operators that compare; empty for the others.
    """

    op: int
    operator: int = Operator.NULL
    operand: bytes = b""


@dataclass(frozen=True, slots=True)
class Count:
    """How many records matched a `Op.COUNT`."""

    records: int


@dataclass(frozen=True, slots=True)
class Response:
    """How the request with code `op` ended. `result` is a plain number; `Result` names the known ones."""

    op: int
    result: int

    @property
    def succeeded(self) -> bool:
        """True where everything asked for was done."""
        return self.result == Result.SUCCESS


Message = Request | Count | Response

REPORT_ALL = Request(Op.REPORT, Operator.ALL)
DELETE_ALL = Request(Op.DELETE, Operator.ALL)
COUNT_ALL = Request(Op.COUNT, Operator.ALL)
ABORT = Request(Op.ABORT)


def encode(message: Message) -> bytes:
    """The value of 0x2A52 that says `message`."""
    match message:
        case Request(op, operator, operand):
            if len(operand) > MAX_OPERAND:
                raise ProtocolError(f"a record access operand has at most {MAX_OPERAND} bytes, not {len(operand)}")
            return bytes((op, operator)) + operand
        case Count(records):
            return bytes((Op.COUNT_RESPONSE, Operator.NULL)) + records.to_bytes(2, "little")
        case Response(op, result):
            return bytes((Op.RESPONSE, Operator.NULL, op, result))


def decode(data: bytes) -> Message:
    """What a value of 0x2A52 says. Raises `ProtocolError` where it says nothing."""
    if not 2 <= len(data) <= 2 + MAX_OPERAND:
        raise ProtocolError(f"a record access message has 2 to {2 + MAX_OPERAND} bytes, not {len(data)}")
    op, operator, operand = data[0], data[1], bytes(data[2:])
    if op not in (Op.COUNT_RESPONSE, Op.RESPONSE):
        return Request(op, operator, operand)
    if operator != Operator.NULL or len(operand) != 2:
        raise ProtocolError(f"no record access response: {data.hex()}")
    if op == Op.COUNT_RESPONSE:
        return Count(int.from_bytes(operand, "little"))
    return Response(operand[0], operand[1])

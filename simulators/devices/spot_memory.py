"""Stored spot-checks of a pulse oximeter and the record access procedures on them. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.plx.protocol import SpotCheckMeasurement
from gateway.home.devices.plx.racp import Count, Message, Op, Operator, Request, Response, Result
from gateway.home.devices.sig import decode_date_time

ALL_OPERATORS: Final = frozenset(Operator) - {Operator.NULL}
ONLY_ALL: Final = frozenset({Operator.ALL})
"""What a sensor of the Pulse Oximeter Service 1.0.1 must have; the other operators come from the common procedure."""

FILTER_TIME: Final = 2
"""Filter type "user facing time": the records have a time stamp and no number."""
_TIME_BYTES: Final = 7
_BARE: Final = frozenset({Operator.ALL, Operator.FIRST, Operator.LAST})
_COMPARE: Final[dict[int, Callable[[datetime, Sequence[datetime]], bool]]] = {
    Operator.LESS_OR_EQUAL: lambda when, bounds: when <= bounds[0],
    Operator.GREATER_OR_EQUAL: lambda when, bounds: when >= bounds[0],
    Operator.RANGE: lambda when, bounds: bounds[0] <= when <= bounds[1],
}


@dataclass(frozen=True, slots=True)
class StoredSpotCheck:
    """A record: what was measured, at which time of the device's clock, and when truly."""

    measurement: SpotCheckMeasurement
    local: datetime
    utc_ms: int


@dataclass(frozen=True, slots=True)
class Report:
    """Send these records, then answer the request with success."""

    records: tuple[StoredSpotCheck, ...]


class _RefusedError(Exception):
    """A request gets this result code."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.name)
        self.result = result


class SpotMemory:
    """A ring of records.

    Parameters
    ----------
    capacity : int
        Records; the oldest gives way.
    operators : frozenset of Operator
        Those that it knows.
    """

    def __init__(self, capacity: int, operators: frozenset[Operator] = ALL_OPERATORS) -> None:
        self._records: deque[StoredSpotCheck] = deque(maxlen=capacity)
        self._operators = operators

    @property
    def records(self) -> tuple[StoredSpotCheck, ...]:
        """Oldest first."""
        return tuple(self._records)

    def add(self, record: StoredSpotCheck) -> None:
        """Keep a record."""
        self._records.append(record)

    def answer(self, request: Request) -> Message | Report:
        """What is to be done about a request other than an abort while a procedure runs.

        The order of the checks follows the record access control point of the Glucose Service, on which the others
        are modelled: op code, operator, operand.
        """
        try:
            match request.op:
                case Op.ABORT:
                    if request.operator != Operator.NULL:
                        raise _RefusedError(Result.INVALID_OPERATOR)
                    return Response(Op.ABORT, Result.SUCCESS)
                case Op.COUNT:
                    return Count(len(self._select(request)))
                case Op.REPORT:
                    return Report(self._found(request))
                case Op.DELETE:
                    gone = set(map(id, self._found(request)))
                    kept = [record for record in self._records if id(record) not in gone]
                    self._records.clear()
                    self._records.extend(kept)
                    return Response(Op.DELETE, Result.SUCCESS)
                case _:
                    return Response(request.op, Result.OP_NOT_SUPPORTED)
        except _RefusedError as refused:
            return Response(request.op, refused.result)

    def _found(self, request: Request) -> tuple[StoredSpotCheck, ...]:
        records = self._select(request)
        if not records:
            raise _RefusedError(Result.NO_RECORDS)
        return records

    def _select(self, request: Request) -> tuple[StoredSpotCheck, ...]:
        operator = request.operator
        if operator == Operator.NULL:
            raise _RefusedError(Result.INVALID_OPERATOR)
        if operator not in self._operators:
            raise _RefusedError(Result.OPERATOR_NOT_SUPPORTED)
        if operator in _BARE:
            if request.operand:
                raise _RefusedError(Result.INVALID_OPERAND)
            chosen = {Operator.FIRST: slice(0, 1), Operator.LAST: slice(-1, None)}.get(Operator(operator), slice(None))
            return self.records[chosen]
        bounds = _bounds(request.operand, 2 if operator == Operator.RANGE else 1)
        return tuple(record for record in self._records if _COMPARE[operator](record.local, bounds))


def _bounds(operand: bytes, count: int) -> list[datetime]:
    """The times of an operand."""
    if not operand:
        raise _RefusedError(Result.INVALID_OPERAND)
    if operand[0] != FILTER_TIME:
        raise _RefusedError(Result.OPERAND_NOT_SUPPORTED)
    if len(operand) != 1 + count * _TIME_BYTES:
        raise _RefusedError(Result.INVALID_OPERAND)
    bounds = []
    for at in range(1, len(operand), _TIME_BYTES):
        try:
            bound = decode_date_time(operand[at : at + _TIME_BYTES])
        except ProtocolError:
            bound = None
        if bound is None:
            raise _RefusedError(Result.INVALID_OPERAND)
        bounds.append(bound)
    if bounds != sorted(bounds):
        raise _RefusedError(Result.INVALID_OPERAND)
    return bounds

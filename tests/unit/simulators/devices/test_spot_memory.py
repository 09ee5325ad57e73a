"""Record access on stored spot-checks: every result code, both sides of every limit."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.home.devices.plx.protocol import SpotCheckMeasurement, Vitals
from gateway.home.devices.plx.racp import Count, Op, Operator, Request, Response, Result
from gateway.home.devices.sig import encode_date_time
from simulators.devices.spot_memory import ONLY_ALL, Report, SpotMemory, StoredSpotCheck

START = datetime(2026, 11, 22, 23, 10)  # noqa: DTZ001 - a device's clock has no zone


def record(k: int) -> StoredSpotCheck:
    local = START + timedelta(seconds=30 * k)
    return StoredSpotCheck(SpotCheckMeasurement(Vitals(90.0 + k, 60.0), timestamp=local), local, 1000 * k)


def at(k: int) -> bytes:
    return encode_date_time(START + timedelta(seconds=30 * k))


@pytest.fixture
def memory() -> SpotMemory:
    memory = SpotMemory(capacity=8)
    for k in range(5):
        memory.add(record(k))
    return memory


def times(answer: object) -> list[int]:
    assert isinstance(answer, Report)
    return [stored.utc_ms // 1000 for stored in answer.records]


@pytest.mark.parametrize(
    ("operator", "operand", "expected"),
    [
        (Operator.ALL, b"", [0, 1, 2, 3, 4]),
        (Operator.FIRST, b"", [0]),
        (Operator.LAST, b"", [4]),
        (Operator.GREATER_OR_EQUAL, b"\x02" + at(3), [3, 4]),
        (Operator.LESS_OR_EQUAL, b"\x02" + at(1), [0, 1]),
        (Operator.RANGE, b"\x02" + at(1) + at(3), [1, 2, 3]),
        (Operator.RANGE, b"\x02" + at(2) + at(2), [2]),
    ],
)
def test_report_and_count_select_alike(
    memory: SpotMemory, operator: Operator, operand: bytes, expected: list[int]
) -> None:
    assert times(memory.answer(Request(Op.REPORT, operator, operand))) == expected
    assert memory.answer(Request(Op.COUNT, operator, operand)) == Count(len(expected))


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        (Request(9, Operator.ALL), Result.OP_NOT_SUPPORTED),
        (Request(0, Operator.ALL), Result.OP_NOT_SUPPORTED),
        (Request(Op.COUNT_RESPONSE, Operator.NULL), Result.OP_NOT_SUPPORTED),
        (Request(Op.REPORT, Operator.NULL), Result.INVALID_OPERATOR),
        (Request(Op.COUNT, Operator.NULL), Result.INVALID_OPERATOR),
        (Request(Op.ABORT, Operator.ALL), Result.INVALID_OPERATOR),
        (Request(Op.REPORT, 7), Result.OPERATOR_NOT_SUPPORTED),
        (Request(Op.DELETE, 255), Result.OPERATOR_NOT_SUPPORTED),
        (Request(Op.REPORT, Operator.ALL, b"\x02"), Result.INVALID_OPERAND),
        (Request(Op.REPORT, Operator.GREATER_OR_EQUAL), Result.INVALID_OPERAND),
        (Request(Op.REPORT, Operator.GREATER_OR_EQUAL, b"\x02" + at(0)[:-1]), Result.INVALID_OPERAND),
        (Request(Op.REPORT, Operator.GREATER_OR_EQUAL, b"\x02" + bytes(7)), Result.INVALID_OPERAND),
        (Request(Op.REPORT, Operator.GREATER_OR_EQUAL, b"\x02\xea\x07\x0d\x01\0\0\0"), Result.INVALID_OPERAND),
        (Request(Op.COUNT, Operator.RANGE, b"\x02" + at(3) + at(1)), Result.INVALID_OPERAND),
        (Request(Op.REPORT, Operator.GREATER_OR_EQUAL, b"\x01\x00\x00"), Result.OPERAND_NOT_SUPPORTED),
        (Request(Op.REPORT, Operator.GREATER_OR_EQUAL, b"\x02" + at(9)), Result.NO_RECORDS),
        (Request(Op.DELETE, Operator.GREATER_OR_EQUAL, b"\x02" + at(9)), Result.NO_RECORDS),
        (Request(Op.ABORT, Operator.NULL), Result.SUCCESS),
    ],
)
def test_result_codes(memory: SpotMemory, request_: Request, result: Result) -> None:
    assert memory.answer(request_) == Response(request_.op, result)
    assert len(memory.records) == 5


def test_counting_none_is_a_count_and_no_error() -> None:
    assert SpotMemory(capacity=8).answer(Request(Op.COUNT, Operator.ALL)) == Count(0)


def test_delete_removes_what_it_names_and_nothing_else(memory: SpotMemory) -> None:
    answer = memory.answer(Request(Op.DELETE, Operator.LESS_OR_EQUAL, b"\x02" + at(2)))
    assert answer == Response(Op.DELETE, Result.SUCCESS)
    assert [stored.utc_ms // 1000 for stored in memory.records] == [3, 4]


def test_reporting_deletes_nothing(memory: SpotMemory) -> None:
    memory.answer(Request(Op.REPORT, Operator.ALL))
    assert len(memory.records) == 5


def test_a_sensor_that_knows_only_all_says_so() -> None:
    memory = SpotMemory(capacity=8, operators=ONLY_ALL)
    memory.add(record(0))
    assert times(memory.answer(Request(Op.REPORT, Operator.ALL))) == [0]
    assert memory.answer(Request(Op.REPORT, Operator.LAST)) == Response(Op.REPORT, Result.OPERATOR_NOT_SUPPORTED)


def test_the_oldest_gives_way(memory: SpotMemory) -> None:
    for k in range(5, 10):
        memory.add(record(k))
    assert [stored.utc_ms // 1000 for stored in memory.records] == [2, 3, 4, 5, 6, 7, 8, 9]

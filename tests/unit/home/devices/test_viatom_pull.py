"""Pulling a stored file from an Oxy ring: whole, resumed, disturbed."""

from collections.abc import Iterator

import pytest

from gateway.errors import TransferError
from gateway.home.devices.viatom import protocol as oxy
from gateway.home.devices.viatom.protocol import Op, Response
from gateway.home.devices.viatom.pull import FilePull

NAME = "20260116233312"
FILE = bytes(range(256)) * 8 + b"end"


def answer(request: bytes, file: bytes = FILE, block_bytes: int = 512) -> Response:
    """What a ring says to a request."""
    asked = oxy.decode_request(request)
    if asked.op == Op.OPEN:
        return Response(0, 0, len(file).to_bytes(4, "little"))
    if asked.op == Op.READ:
        return Response(0, asked.block, file[asked.block * block_bytes : (asked.block + 1) * block_bytes])
    return Response(0)


def requests(pull: FilePull, file: bytes = FILE, block_bytes: int = 512) -> Iterator[oxy.Request]:
    """Run a pull against a ring; yield what it asked for."""
    while (request := pull.next_request()) is not None:
        yield oxy.decode_request(request)
        pull.feed(answer(request, file, block_bytes))


def blocks(asked: list[oxy.Request]) -> list[int]:
    return [request.block for request in asked if request.op == Op.READ]


@pytest.mark.parametrize("length", [0, 1, 511, 512, 513, 1024, len(FILE)])
def test_a_whole_file(length: int) -> None:
    pull = FilePull(NAME)
    asked = list(requests(pull, FILE[:length]))
    assert pull.data == FILE[:length]
    assert pull.complete
    assert pull.closed
    assert (asked[0].op, asked[-1].op) == (Op.OPEN, Op.CLOSE)
    assert blocks(asked) == list(range(-(-length // 512)))


@pytest.mark.parametrize("have", [1, 511, 512, 1023, 1024, 1500, len(FILE) - 1, len(FILE)])
def test_a_broken_pull_goes_on_where_it_was(have: int) -> None:
    pull = FilePull(NAME, FILE[:have])
    asked = list(requests(pull))
    assert pull.data == FILE
    assert not pull.restarted
    behind = len(FILE) if have == len(FILE) else max(512, have // 512 * 512)
    assert blocks(asked) == [0, *range(behind // 512, -(-len(FILE) // 512))][: 1 if have == len(FILE) else None]


def test_what_an_earlier_pull_had_is_never_lost() -> None:
    pull = FilePull(NAME, FILE[:1500])
    for _ in range(3):  # opening, first block, one more: at every point the link may break
        assert pull.data[:1024] == FILE[:1024]
        request = pull.next_request()
        assert request is not None
        pull.feed(answer(request))
    assert pull.data == FILE[:1536]


def test_another_file_under_the_same_name_is_pulled_from_its_beginning() -> None:
    pull = FilePull(NAME, b"\xff" + FILE[1:1500])
    assert blocks(list(requests(pull))) == [0, 1, 2, 3, 4]
    assert pull.restarted
    assert pull.data == FILE


def test_a_file_that_shrank_is_pulled_from_its_beginning() -> None:
    pull = FilePull(NAME, FILE)
    list(requests(pull, FILE[:600]))
    assert pull.restarted
    assert pull.data == FILE[:600]


@pytest.mark.parametrize("block_bytes", [100, 256, 2000, 4096])
def test_the_ring_decides_the_size_of_a_block(block_bytes: int) -> None:
    pull = FilePull(NAME, FILE[:700])
    list(requests(pull, block_bytes=block_bytes))
    assert pull.data == FILE


def test_every_answer_twice_changes_nothing() -> None:
    pull = FilePull(NAME, FILE[:1024])
    while (request := pull.next_request()) is not None:
        pull.feed(answer(request))
        pull.feed(answer(request))
    assert pull.data == FILE
    assert pull.duplicates > 0


def test_a_request_is_repeated_until_it_is_answered() -> None:
    pull = FilePull(NAME)
    assert pull.next_request() == pull.next_request() == oxy.request_open(NAME)


def test_an_answer_to_something_else_does_not_open_the_file() -> None:
    pull = FilePull(NAME)
    pull.feed(Response(0, 0, b'{"SN":"1"}'))
    assert (pull.size, pull.duplicates) == (None, 1)


def test_a_file_is_complete_only_when_every_byte_announced_is_there() -> None:
    pull = FilePull(NAME)
    for request in (oxy.request_open(NAME), *(oxy.request_read(block) for block in range(4))):
        pull.feed(answer(request))
    assert len(pull.data) == 2048
    assert not pull.complete
    pull.feed(answer(oxy.request_read(4)))
    assert pull.complete


@pytest.mark.parametrize(
    ("step", "response", "word"),
    [
        (0, Response(1), "refuses"),
        (0, Response(0, 0, b"\xff\xff\xff\xff"), "cannot have"),
        (1, Response(0, 0, b""), "ended at 0"),
        (1, Response(0, 1, b"x"), "asked for"),
        (2, Response(2, 1), "refuses"),
        (2, Response(0, 2, bytes(512)), "asked for"),
        (2, Response(0, 1, bytes(511)), "amid blocks"),
        (2, Response(0, 1, b""), "ended at 512"),
    ],
)
def test_a_transfer_gone_astray_ends_with_one_clear_line(step: int, response: Response, word: str) -> None:
    pull = FilePull(NAME)
    for request in (oxy.request_open(NAME), oxy.request_read(0))[:step]:
        pull.feed(answer(request))
    before = pull.data
    with pytest.raises(TransferError, match=word):
        pull.feed(response)
    assert pull.data == before


def test_blocks_too_small_to_number() -> None:
    pull = FilePull(NAME)
    pull.feed(Response(0, 0, (1 << 20).to_bytes(4, "little")))
    with pytest.raises(TransferError, match="cannot carry"):
        pull.feed(Response(0, 0, b"x"))

"""The socket beneath paho: every byte once and in order, whatever the pieces, plain and under TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.buffered import PIECE, BufferedSocket
from tests.servers.certificates import write_certificates

WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def plain_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    theirs.settimeout(10)
    return ours, theirs


@pytest.fixture(params=["plain", "tls"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[BufferedSocket, socket.socket]]:
    """Our end, not blocking, and the other."""
    ours, theirs = plain_pair()
    if request.param == "tls":
        files = write_certificates(tmp_path)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(files.certificate, files.key)
        wrapped: list[ssl.SSLSocket] = []
        shaking = threading.Thread(target=lambda: wrapped.append(server.wrap_socket(theirs, server_side=True)))
        shaking.start()
        ours = ssl.create_default_context(cafile=files.authority).wrap_socket(ours, server_hostname="localhost")
        shaking.join(10)
        theirs = wrapped[0]
    buffered = BufferedSocket(ours)
    buffered.setblocking(False)
    yield buffered, theirs
    buffered.close()
    theirs.close()


def test_what_has_come_is_given_out_in_pieces_and_then_there_is_none_yet(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"abcdefgh")
    assert (ours.recv(1), ours.pending()) == (b"a", 7)
    assert (ours.recv(3), ours.pending()) == (b"bcd", 4)
    assert (ours.recv(100), ours.pending()) == (b"efgh", 0)
    with pytest.raises(WAIT):
        ours.recv(1)


def test_more_than_is_read_at_once_is_pending_or_readable(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair
    data = bytes(range(256)) * 1200  # 300 KiB, in records of 16 KiB under TLS
    sender = threading.Thread(target=theirs.sendall, args=(data,))
    sender.start()
    got = bytearray()
    while len(got) < len(data):
        if not ours.pending():
            with socket.socket(fileno=socket.dup(ours.fileno())) as line:
                line.settimeout(10)
                line.recv(1, socket.MSG_PEEK)
        try:
            got += ours.recv(777)
        except WAIT:
            continue
    sender.join(10)
    assert got == data


def test_the_end_is_an_empty_read(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.sendall(b"x")
    if isinstance(theirs, ssl.SSLSocket):
        ours.recv(1)  # what TLS says of itself first is read with it
        with pytest.raises(WAIT):
            ours.recv(1)
        theirs.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):  # it would wait for our goodbye
            theirs.unwrap()
        with socket.socket(fileno=socket.dup(ours.fileno())) as line:
            line.settimeout(10)
            line.recv(1, socket.MSG_PEEK)
    else:
        assert ours.recv(1) == b"x"
        theirs.close()
    assert ours.recv(1) == b""


def test_what_is_sent_goes_with_the_flush_as_one_piece(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair
    assert [ours.send(b"ab"), ours.send(b"cde")] == [2, 3]
    theirs.setblocking(False)
    with pytest.raises(WAIT):
        theirs.recv(10)
    assert ours.unsent == 5
    ours.flush()
    theirs.settimeout(10)
    assert (theirs.recv(10), ours.unsent) == (b"abcde", 0)


def test_a_peer_that_does_not_read_bounds_what_is_gathered_and_gets_all_in_order_later(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    sent = bytearray()
    piece = bytes(range(251)) * 4
    with suppress(BlockingIOError):
        while len(sent) < 100 * PIECE:
            sent += piece[: ours.send(piece)]
    with pytest.raises(BlockingIOError):
        ours.send(piece)
    assert PIECE <= ours.unsent < PIECE + len(piece)
    theirs.setblocking(False)
    got = bytearray()
    while len(got) < len(sent):
        ours.flush()  # again and again, as much as goes
        with suppress(*WAIT):
            got += theirs.recv(5000)
    assert got == sent
    assert ours.unsent == 0
    assert ours.send(piece) == len(piece)


def test_closing_sends_what_still_goes(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair
    ours.send(b"goodbye")
    ours.close()
    assert theirs.recv(100) == b"goodbye"


def test_closing_after_the_peer_has_gone_is_no_error() -> None:
    ours, theirs = plain_pair()
    buffered = BufferedSocket(ours)
    theirs.close()
    buffered.send(b"to nobody")
    buffered.close()
    assert buffered.fileno() == -1


def test_a_flush_to_a_peer_that_has_gone_is_one() -> None:
    ours, theirs = plain_pair()
    buffered = BufferedSocket(ours)
    theirs.close()
    buffered.send(b"to nobody")
    with pytest.raises(OSError, match="pipe"):
        buffered.flush()
    buffered.close()


@settings(deadline=None)
@given(
    sent=st.lists(st.binary(max_size=300), max_size=20),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=20),
)
def test_any_pieces_in_any_pieces_out(sent: list[bytes], sizes: list[int]) -> None:
    ours, theirs = plain_pair()
    buffered = BufferedSocket(ours)
    buffered.setblocking(False)
    whole = b"".join(sent)
    for piece in sent:
        theirs.sendall(piece)
        buffered.send(piece)
    buffered.flush()
    got = bytearray()
    for size in sizes * (1 + len(whole) // len(sizes)):
        if len(got) == len(whole):
            break
        part = buffered.recv(size)
        assert 0 < len(part) <= size
        got += part
    back = bytearray()
    while len(back) < len(whole):
        back += theirs.recv(1000)
    assert (got, back) == (whole, whole)
    buffered.close()
    theirs.close()

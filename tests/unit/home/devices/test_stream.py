"""Frames out of a stream: garbage is skipped and counted, nothing is held back for longer than it must."""

from gateway.errors import ProtocolError
from gateway.home.devices.crc import crc8, crc8_maxim
from gateway.home.devices.stream import StreamAssembler


def measure(buffer: bytearray, start: int) -> int | None:
    """Toy frames for the assembler alone: '<', one digit of length, that many bytes."""
    if buffer[start] != ord("<"):
        return 0
    if len(buffer) - start < 2:
        return None
    digit = buffer[start + 1] - ord("0")
    return 2 + digit if 0 <= digit <= 9 else 0


def parse(frame: bytes) -> bytes:
    if b"!" in frame:
        raise ProtocolError("bad")
    return frame[2:]


def test_frames_come_out_in_order_wherever_the_stream_is_cut() -> None:
    stream = b"junk<3abc<0<<2xy>"
    for size in range(1, len(stream) + 1):
        assembler = StreamAssembler(measure, parse)
        frames = [f for at in range(0, len(stream), size) for f in assembler.feed(stream[at : at + size])]
        assert frames == [b"abc", b"", b"xy"]
        assert assembler.discarded == len("junk") + 2  # and one stray '<', and '>'


def test_a_frame_inside_a_broken_one_is_found() -> None:
    assembler = StreamAssembler(measure, parse)
    assert assembler.feed(b"<4!<1z") == [b"z"]
    assert assembler.discarded == 3


def test_an_unfinished_frame_waits_and_can_be_dropped() -> None:
    assembler = StreamAssembler(measure, parse)
    assert assembler.feed(b"<5ab") == []
    assert assembler.pending == 4
    assembler.reset()
    assert (assembler.pending, assembler.discarded) == (0, 4)
    assert assembler.feed(b"<1c") == [b"c"]


def test_check_values_of_the_crc_catalogue() -> None:
    assert crc8(b"123456789") == 0xF4
    assert crc8_maxim(b"123456789") == 0xA1

"""OxyII rings: frames, live readings, files and pulling them."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pytest

from gateway.errors import ProtocolError, TransferError
from gateway.home.devices.oxyii import protocol as oxyii
from gateway.home.devices.oxyii.protocol import Frame, Op
from gateway.home.devices.oxyii.pull import FilePull
from gateway.home.devices.reading import OximeterReading
from gateway.wire.files.oxyii import encode_oxyii

WHEN = datetime.fromisoformat("2026-11-22T23:10:00")
REQUESTS = {
    "a5e11e00020000bf": Frame(Op.INFO, seq=2),
    "a510ef000001000007": Frame(Op.SETUP, b"\0"),
    "a5c03f00010800ea070b16170a00007b": Frame(Op.SET_TIME, oxyii.set_time(WHEN), 1),
    "a500ff00010000d3": Frame(Op.CONFIG, seq=1),
    "a5f40b0002000073": Frame(Op.FILE_END, seq=2),
    "a5f10e0003000078": Frame(Op.FILE_LIST, seq=3),
    "a5f20d00041400323032363034323731303539343900000000000066": Frame(
        Op.FILE_START, oxyii.file_start("20260427105949"), 4
    ),
    "a5f30c0005040000000000c8": Frame(Op.FILE_DATA, oxyii.file_data(0), 5),
    "a504fb0007000085": Frame(Op.LIVE, seq=7),
    "a5e41b0008000058": Frame(Op.BATTERY, seq=8),
}


@pytest.mark.parametrize(("text", "frame"), REQUESTS.items())
def test_requests_byte_for_byte(text: str, frame: Frame) -> None:
    assert oxyii.encode_frame(frame).hex() == text
    assert oxyii.decode_frame(bytes.fromhex(text)) == frame


@pytest.mark.parametrize("op", [0xE3, 0xEE])
def test_what_harms_is_never_sent(op: int) -> None:
    with pytest.raises(ProtocolError, match="never sent"):
        oxyii.encode_frame(Frame(op))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no frame"),
        ("a5e11e00020000", "no frame"),
        ("a6e11e00020000bf", "no frame"),
        ("a5e11f00020000bf", "complement"),
        ("a5e11e00020100bf", "announced"),
        ("a5e11e00020000be", "checksum"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(text: str, word: str) -> None:
    with pytest.raises(ProtocolError, match=word):
        oxyii.decode_frame(bytes.fromhex(text))


def test_authentication_is_a_digest_a_key_and_the_time() -> None:
    salt = hashlib.md5(b"lepucloud", usedforsecurity=False).digest()
    key = bytes(a ^ b for a, b in zip(oxyii.authentication(0b1101), salt, strict=True))
    assert key == salt[::2] + b"0000" + bytes((13, 6, 3, 1))


def test_authentication_needs_four_characters() -> None:
    assert oxyii.authentication(0, "25B2") != oxyii.authentication(0)
    with pytest.raises(ProtocolError):
        oxyii.authentication(0, "25B")


def test_a_live_reading_both_ways() -> None:
    reading = OximeterReading(97.0, 58.0, None, 12, 81.0, worn=True, counter=200, valid=True)
    live = oxyii.Live(reading, bytes(range(125)), file_open=False)
    data = oxyii.encode_live(live)
    assert (data[6], data[8], data[13], data[24], data[25]) == (97, 58, 81, 125, 0)
    assert oxyii.decode_live(data) == live


def test_a_live_reading_off_the_finger() -> None:
    live = oxyii.decode_live(oxyii.encode_live(oxyii.Live(OximeterReading(worn=False), b"", file_open=True)))
    assert (live.reading.valid, live.reading.status, live.file_open) == (False, ("no_finger",), True)


@pytest.mark.parametrize("data", [b"", bytes(25), bytes(27), bytes(24) + b"\x05\x00" + bytes(4)])
def test_no_live_reading(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        oxyii.decode_live(data)


def test_the_list_of_files_both_ways() -> None:
    names = ("20260427105949", "20260428225500")
    data = oxyii.encode_file_list(names)
    assert len(data) == 33
    assert oxyii.decode_file_list(data) == names
    assert oxyii.decode_file_list(b"\0") == ()
    assert oxyii.decode_file_list(b"\x02" + bytes(16) + b"\xff" * 16) == ()
    for cut in (b"", data[:-1]):
        with pytest.raises(ProtocolError):
            oxyii.decode_file_list(cut)


def test_information_and_battery_both_ways() -> None:
    info = oxyii.DeviceInfo("25B2303210", "2D010002", WHEN)
    data = oxyii.encode_info(info)
    assert (len(data), data[37], data[38:48]) == (60, 10, b"25B2303210")
    assert oxyii.decode_info(data) == info
    assert oxyii.decode_battery(oxyii.encode_battery(55, charging=True)) == (55.0, True)
    for wrong in (b"", bytes(59), bytes(37) + b"\x17" + bytes(22)):
        with pytest.raises(ProtocolError):
            oxyii.decode_info(wrong)
    for wrong in (b"", bytes(3), b"\0\x65\0\0"):
        with pytest.raises(ProtocolError):
            oxyii.decode_battery(wrong)


def test_a_ring_whose_clock_is_mad_still_tells_its_serial_number() -> None:
    data = bytearray(oxyii.encode_info(oxyii.DeviceInfo("1", "2", WHEN)))
    data[26] = 77
    assert oxyii.decode_info(bytes(data)) == oxyii.DeviceInfo("1", "2", None)


@pytest.mark.parametrize("name", ["", "x" * 17, "é", "a\0"])
def test_a_file_name_must_be_one(name: str) -> None:
    with pytest.raises(ProtocolError):
        oxyii.file_start(name)


NAME = "20260427105949"
FILE = encode_oxyii(np.arange(600) % 20 + 80, np.full(600, 60), start=WHEN)


def answer(request: bytes, file: bytes = FILE, chunk: int = 512) -> Frame:
    """What a ring says to a request."""
    asked = oxyii.decode_frame(request)
    data = b""
    if asked.op == Op.FILE_START:
        data = len(file).to_bytes(4, "little") + b"meta"
    elif asked.op == Op.FILE_DATA:
        offset = int.from_bytes(asked.data, "little")
        data = file[offset : offset + chunk]
    return Frame(asked.op, data, asked.seq, answer=True)


def offsets(pull: FilePull, file: bytes = FILE, chunk: int = 512) -> Iterator[int]:
    """Run a pull against a ring; yield where it read."""
    while (request := pull.next_request()) is not None:
        asked = oxyii.decode_frame(request)
        if asked.op == Op.FILE_DATA:
            yield int.from_bytes(asked.data, "little")
        pull.feed(answer(request, file, chunk))


@pytest.mark.parametrize("chunk", [100, 239, 512])
@pytest.mark.parametrize("have", [0, 1, 511, 512, 513, 1300, len(FILE) - 1, len(FILE)])
def test_a_pull_goes_on_where_it_was(have: int, chunk: int) -> None:
    pull = FilePull(NAME, FILE[:have])
    read = list(offsets(pull, chunk=chunk))
    assert read[0] == max(0, have - 512)
    assert pull.data == FILE
    assert pull.complete
    assert not pull.restarted


def test_another_file_is_pulled_from_its_beginning() -> None:
    for have in (b"x" * 300, b"x" * 1300, FILE + b"x"):
        pull = FilePull(NAME, have)
        list(offsets(pull))
        assert pull.data == FILE
        assert pull.restarted


def test_a_file_without_its_end_mark_is_not_complete() -> None:
    pull = FilePull(NAME)
    list(offsets(pull, FILE[:-48] + bytes(48)))
    assert pull.closed
    assert not pull.complete


def test_every_answer_twice_changes_nothing() -> None:
    pull = FilePull(NAME)
    while (request := pull.next_request()) is not None:
        pull.feed(answer(request))
        pull.feed(answer(request))
    assert pull.data == FILE
    assert pull.duplicates > 0


def test_what_an_earlier_pull_had_is_never_lost() -> None:
    pull = FilePull(NAME, FILE[:1300])
    for _ in range(2):
        assert pull.data[:1300] == FILE[:1300]
        request = pull.next_request()
        assert request is not None
        pull.feed(answer(request))
    assert len(pull.data) >= 1300


def test_a_transfer_gone_astray() -> None:
    pull = FilePull(NAME)
    with pytest.raises(TransferError, match="cannot have"):
        pull.feed(Frame(Op.FILE_START, b"\xff" * 4, 0, answer=True))
    pull.feed(Frame(Op.FILE_START, b"\x10\0\0\0", 0, answer=True))
    with pytest.raises(TransferError, match="ended at 0"):
        pull.feed(Frame(Op.FILE_DATA, b"", 1, answer=True))

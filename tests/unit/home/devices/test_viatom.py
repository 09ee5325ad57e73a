"""Oxy rings: requests, answers, readings, information."""

from datetime import datetime

import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.viatom import protocol as oxy
from gateway.wire.messages import OximetryFlag

REQUESTS = {
    "aa14eb00000000c6": oxy.request_info(),
    "aa15ea000000008d": oxy.request_ping(),
    "aa17e8000000001b": oxy.request_sensors(),
    "aa1be400000100005e": oxy.request_real_time(),
    "aa03fc00000f0032303236303131363233333331320004": oxy.request_open("20260116233312"),
    "aa04fb000000006a": oxy.request_read(0),
    "aa05fa0000000021": oxy.request_close(),
    "aa16e9000021007b2253657454494d45223a22323032362d31312d32322c32333a31303a3030227d8e": oxy.request_config(
        "SetTIME", "2026-11-22,23:10:00"
    ),
}
WORN = bytes.fromhex("624200000000006100920a0100")
OFF = bytes.fromhex("ffffff00000000600005000000")


@pytest.mark.parametrize(("text", "request_bytes"), REQUESTS.items())
def test_requests_byte_for_byte(text: str, request_bytes: bytes) -> None:
    assert request_bytes.hex() == text
    decoded = oxy.decode_request(bytes.fromhex(text))
    assert oxy.encode_request(decoded.op, decoded.data, block=decoded.block).hex() == text


def test_set_time_is_that_of_the_vector() -> None:
    assert oxy.request_set_time(datetime.fromisoformat("2026-11-22T23:10:00")).hex() == list(REQUESTS)[-1]


def test_a_factory_reset_is_never_built() -> None:
    with pytest.raises(ProtocolError, match="factory reset"):
        oxy.encode_request(oxy.Op.FACTORY_RESET)
    with pytest.raises(ProtocolError):
        oxy.encode_request(0x18)


@pytest.mark.parametrize("name", ["", "x" * 33, "nämé", "a\0b", "a\nb"])
def test_a_file_name_must_be_one(name: str) -> None:
    with pytest.raises(ProtocolError):
        oxy.request_open(name)


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        ("", "no frame"),
        ("5500ff00000000", "no frame"),
        ("aa00ff0000000000", "no frame"),
        ("5500fe0000000000", "complement"),
        ("5500ff0000010000", "announced"),
        ("5500ff00000000ff", "checksum"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(frame: str, word: str) -> None:
    with pytest.raises(ProtocolError, match=word):
        oxy.decode_response(bytes.fromhex(frame))


@pytest.mark.parametrize(
    "response", [oxy.Response(0), oxy.Response(1), oxy.Response(0, 65535, b"x" * 512), oxy.Response(0, 0, WORN)]
)
def test_answers_both_ways(response: oxy.Response) -> None:
    assert oxy.decode_response(oxy.encode_response(response)) == response


def test_limits_of_a_frame() -> None:
    assert len(oxy.encode_response(oxy.Response(0, 0, bytes(oxy.MAX_DATA)))) == oxy.MAX_DATA + 8
    for block, data in ((0, bytes(oxy.MAX_DATA + 1)), (-1, b""), (65536, b"")):
        with pytest.raises(ProtocolError):
            oxy.encode_response(oxy.Response(0, block, data))


def test_a_real_reading_from_the_finger() -> None:
    reading = oxy.decode_sensors(WORN)
    assert reading == OximeterReading(98.0, 66.0, 1.0, 146, 97.0, worn=True, valid=True)
    assert oxy.encode_sensors(reading) == WORN
    assert oxy.encode_response(oxy.Response(0, 0, WORN)).hex() == "5500ff00000d00624200000000006100920a01002f"


def test_a_real_reading_off_the_finger() -> None:
    reading = oxy.decode_sensors(OFF)
    assert reading == OximeterReading(motion=5, battery_pct=96.0, worn=False, status=("no_finger",))
    assert reading.flags == OximetryFlag.NO_FINGER
    assert oxy.encode_sensors(reading) == OFF


def test_a_ring_that_settles_or_charges_has_no_values_yet() -> None:
    settling = oxy.decode_sensors(bytes.fromhex("000000000000006100000a0100"))
    assert (settling.spo2_pct, settling.status, settling.valid) == (None, ("calibrating",), False)
    charging = oxy.decode_sensors(bytes.fromhex("ffffff00000000600105000000"))
    assert OximetryFlag.CHARGING in charging.flags


def test_real_time_both_ways() -> None:
    reading = OximeterReading(91.0, 77.0, 2.5, None, 55.0, worn=True, valid=True)
    data = oxy.encode_real_time(reading, b"\x10\x20\x30")
    assert oxy.decode_real_time(data) == oxy.RealTime(reading, b"\x10\x20\x30")


@pytest.mark.parametrize("data", [b"", bytes(11), bytes(13), bytes(10) + b"\x05\x00" + bytes(4)])
def test_no_real_time_reading(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        oxy.decode_real_time(data)


@pytest.mark.parametrize("size", [0, 12, 14])
def test_no_sensor_reading(size: int) -> None:
    with pytest.raises(ProtocolError):
        oxy.decode_sensors(bytes(size))


def test_an_answer_in_pieces_of_twenty_bytes_behind_garbage() -> None:
    stream = b"\x55\x00" + oxy.encode_response(oxy.Response(0, 3, bytes(range(200)))) + b"\x00"
    assembler = oxy.FrameAssembler()
    frames = [f for at in range(0, len(stream), 20) for f in assembler.feed(stream[at : at + 20])]
    assert frames == [oxy.Response(0, 3, bytes(range(200)))]
    assert assembler.discarded == 3


def test_the_buffer_of_an_assembler_is_bounded() -> None:
    assembler = oxy.FrameAssembler()
    for _ in range(50):
        assembler.feed(b"\x55\x00\xff\x00\x00\x00\x10" + bytes(500))
        assert assembler.pending <= oxy.MAX_DATA + 8
    assembler.feed(b"\x55\x00\xff\x00\x00\x01\x10")  # announces one byte too many: skipped at once
    assert assembler.pending <= oxy.MAX_DATA + 8


def test_the_ring_hears_requests_in_pieces() -> None:
    assembler = oxy.RequestAssembler()
    request = oxy.request_open("20260116233312")
    assert assembler.feed(request[:20]) == []
    assert assembler.feed(request[20:]) == [oxy.Request(oxy.Op.OPEN, 0, b"20260116233312\0")]


def test_information_both_ways() -> None:
    info = oxy.DeviceInfo(
        "2101234567",
        "1641",
        "AA",
        "1.5.0",
        96.0,
        True,
        datetime.fromisoformat("2026-11-22T23:10:00"),
        ("20260116233312",),
    )
    assert oxy.decode_info(oxy.encode_info(info) + b"\0\0") == info


def test_information_is_read_leniently() -> None:
    info = oxy.decode_info(
        b'{"SN":17,"CurBAT":"full","CurTIME":"?","FileList":"20260116233312,, 20260117,\\u0007","X":[1]}'
    )
    assert info == oxy.DeviceInfo("17", files=("20260116233312", "20260117"))


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"null", b"[" * 100_000])
def test_no_information(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        oxy.decode_info(data)


def test_a_file_is_named_after_its_start() -> None:
    start = datetime.fromisoformat("2026-01-16T23:33:12")
    assert oxy.file_name(start) == "20260116233312"
    assert oxy.file_start("20260116233312") == start


@pytest.mark.parametrize("name", ["", "2026011623331", "20261316233312", "2026011623331x", "202601162333120"])
def test_a_name_that_is_no_time(name: str) -> None:
    with pytest.raises(ProtocolError):
        oxy.file_start(name)


@pytest.mark.parametrize("data", [b"", bytes(3), bytes(5)])
def test_no_size_of_a_file(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        oxy.decode_file_size(data)

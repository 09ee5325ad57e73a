"""Nonin 3230 and 3150: measurements, commands, memory."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.nonin import memory
from gateway.home.devices.nonin import protocol as nonin
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import OximetryFlag

START = datetime.fromisoformat("2026-11-22T23:10:05")


def session(samples: int = 500, interval_s: int = 2, start: datetime = START) -> memory.Session:
    """A recording with all that a memory can hold: gaps, and pulses beyond 200."""
    spo2 = (np.arange(samples) % 21 + 80).astype("f4")
    pulse = (np.arange(samples) % 60 * 2 + 140).astype("f4")
    spo2[::17] = np.nan
    pulse[::13] = np.nan
    stop = start + timedelta(seconds=(samples - 1) * interval_s)
    return memory.Session(stop + timedelta(hours=1), start, stop, interval_s, spo2, pulse, samples)


def equal(a: memory.Session, b: memory.Session) -> bool:
    plain = ("played", "start", "stop", "interval_s", "expected")
    return all(getattr(a, name) == getattr(b, name) for name in plain) and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in ("spo2_pct", "pulse_bpm")
    )


def test_a_measurement_both_ways() -> None:
    data = bytes.fromhex("0a141d007b0201610048")
    reading = nonin.decode_measurement(data)
    assert reading == OximeterReading(
        97.0, 72.0, 1.23, None, None, 2.9, True, ("smartpoint", "sensor_present"), 513, None, valid=True
    )
    assert nonin.encode_measurement(reading) == data


def test_no_values() -> None:
    reading = nonin.decode_measurement(bytes.fromhex("0a181d000002017f01ff"))
    assert (reading.spo2_pct, reading.pulse_bpm, reading.worn, reading.valid) == (None, None, None, False)
    assert nonin.encode_measurement(reading).hex() == "0a181d000002017f01ff"


def test_without_a_sensor_nothing_is_worn() -> None:
    reading = nonin.decode_measurement(bytes.fromhex("0a001d000002017f01ff"))
    assert (reading.worn, reading.status) == (False, ("sensor_absent",))
    assert reading.flags == OximetryFlag.NO_FINGER


def test_an_encrypted_measurement_has_no_values() -> None:
    reading = nonin.decode_measurement(bytes.fromhex("0a541d007b0201610048"))
    assert (reading.spo2_pct, reading.pulse_bpm, reading.perfusion_pct, reading.valid) == (None, None, None, False)
    assert "encrypted" in reading.status


@pytest.mark.parametrize("text", ["", "0a", "0a141d007b02016100", "0b141d007b0201610048", "0a141d007b020161004800"])
def test_no_measurement(text: str) -> None:
    with pytest.raises(ProtocolError):
        nonin.decode_measurement(bytes.fromhex(text))


def test_commands_byte_for_byte() -> None:
    assert nonin.set_clock(START).hex() == "604e4d491244544d3d3236313132323233313030350d0a"
    assert nonin.decode_set_clock(nonin.set_clock(START)) == START
    assert nonin.PLAYBACK.hex() == "714e4d49"
    assert nonin.CANCEL_PLAYBACK.hex() == "724e4d49"
    assert nonin.CLEAR_MEMORY.hex() == "604e4d49064d434c210d0a"


def test_a_clock_of_another_century_cannot_be_set() -> None:
    with pytest.raises(ProtocolError):
        nonin.set_clock(datetime.fromisoformat("1999-12-31T23:59:59"))
    for data in (b"", nonin.PLAYBACK, nonin.set_clock(START).replace(b"26", b"xx"), nonin.set_clock(START)[:-1]):
        with pytest.raises(ProtocolError):
            nonin.decode_set_clock(data)


@pytest.mark.parametrize("size", [1, 2, 3, 20, 10_000])
def test_a_playback_in_pieces_of_any_size(size: int) -> None:
    played = (session(), session(40, 4, START - timedelta(days=1)))
    data = memory.encode_memory(played)
    playback = memory.MemoryPlayback()
    for at in range(0, len(data), size):
        playback.feed(data[at : at + size])
    assert playback.discarded == 0
    assert all(equal(a, b) for a, b in zip(playback.sessions(), played, strict=True))


def test_the_header_byte_for_byte() -> None:
    data = memory.encode_memory((session(1, 1),))
    assert data[:6].hex() == "fefdfb010001"
    assert data[24:33].hex() == "0b16211a0a2405171c"
    assert len(data) == 36


def test_a_playback_broken_off_says_so() -> None:
    (half,) = memory.parse_memory(memory.encode_memory((session(),))[:-300])
    assert not half.complete
    assert half.spo2_pct.size == 400


def test_garbage_between_sessions_is_skipped_and_counted() -> None:
    first, second = memory.encode_memory((session(50),)), memory.encode_memory((session(60),))
    playback = memory.MemoryPlayback()
    playback.feed(b"\x01" + first + b"\x01\x01" + second)
    assert playback.discarded == 3
    assert [played.spo2_pct.size for played in playback.sessions()] == [50, 60]


def test_a_lost_notification_makes_a_session_incomplete() -> None:
    data = memory.encode_memory((session(),))
    playback = memory.MemoryPlayback()
    playback.feed(data[:100])
    playback.feed(data[120:])
    assert [played.complete for played in playback.sessions()] == [False]


def test_a_mark_without_a_header_is_no_session() -> None:
    with pytest.raises(ProtocolError):
        memory.parse_memory(bytes.fromhex("fefdfb" + "6363c6" * 20))
    assert memory.MemoryPlayback().sessions() == ()


def test_a_memory_has_an_end() -> None:
    with pytest.raises(ProtocolError, match="more than"):
        memory.MemoryPlayback().feed(bytes(memory.MAX_BYTES + 1))


def test_the_clock_is_asked_for_and_told() -> None:
    assert bytes.fromhex("604e4d49064454 4d3f0d0a".replace(" ", "")) == nonin.GET_CLOCK
    answer = nonin.decode_answer(bytes.fromhex("e0000c") + b"261122231005")
    assert (answer.op, answer.result) == (0x60, 0)
    assert nonin.decode_clock(answer.payload) == START
    assert nonin.encode_answer(nonin.Answer(0x60, 0, nonin.encode_clock(START)))[3:] == b"261122231005"


def test_a_command_is_accepted_or_refused() -> None:
    assert nonin.decode_answer(bytes.fromhex("e0000106")) == nonin.Answer(0x60, 0, nonin.ACCEPTED)
    assert nonin.decode_answer(bytes.fromhex("e00200")).result == 2


@pytest.mark.parametrize("data", ["", "e0", "e000", "e00001", "e0000106ff", "e40000"])
def test_what_is_no_answer(data: str) -> None:
    with pytest.raises(ProtocolError, match="no answer"):
        nonin.decode_answer(bytes.fromhex(data))


@pytest.mark.parametrize(
    "payload", [b"", b"26112223100", b"2611222310055", b"269922231005", b"\xff" * 12, b"26-1-2 23100"]
)
def test_what_is_no_time(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="no time"):
        nonin.decode_clock(payload)


@pytest.mark.parametrize("size", [1, 7, 240, 5000])
def test_a_playback_has_ended_when_its_mark_has_come_and_not_before(size: int) -> None:
    data = memory.encode_memory((session(),)) + memory.END
    playback = memory.MemoryPlayback()
    for at in range(0, len(data), size):
        assert not playback.ended
        playback.feed(data[at : at + size])
    assert playback.ended
    [played] = playback.sessions()
    assert equal(played, session())

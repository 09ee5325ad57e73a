"""The stored file of Viatom rings: byte for byte, cut anywhere, and what is refused."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ProtocolError
from gateway.wire.files.viatom import HEADER_BYTES, ViatomSummary, encode_vld, parse_vld

START = datetime(2026, 1, 16, 23, 33, 12)  # noqa: DTZ001 - rings keep local time without a zone
SPO2 = np.array([96, 95, 0xFF, 88])
PULSE = np.array([61, 300, 0xFFFF, 70])

BY_HAND = bytes.fromhex(
    "03 00 ea07 01 10 17 21 0c 3c000000 1000 0c00"  # version, mode, 2026-01-16 23:33:12, 60 bytes, 16 s, 12 s asleep
    "5d 58 02 01 07 0300 01 5f 0a000000"  # mean 93, min 88, 2 and 1 drops, 7 %, 3 s, 1 dip, score 9.5, 10 steps
    "00000000000000000000"
    "60 3d00 05 00  5f 2c01 00 00  ff ffff 00 00  58 4600 09 01"
)


def test_a_file_written_by_hand() -> None:
    file = parse_vld(BY_HAND)
    assert (file.version, file.start, file.size, file.duration_s, file.interval_s) == (3, START, 60, 16, 4.0)
    assert file.spo2.tolist() == SPO2.tolist()
    assert file.pulse.tolist() == PULSE.tolist()
    assert file.motion.tolist() == [5, 0, 0, 9]
    assert file.flags.tolist() == [0, 0, 0, 1]
    assert file.summary == ViatomSummary(12, 93, 88, 2, 1, 7, 3, 1, 95, 10)
    assert file.complete


def test_the_encoder_writes_the_same_bytes() -> None:
    written = encode_vld(
        SPO2,
        PULSE,
        start=START,
        interval_s=4,
        motion=np.array([5, 0, 0, 9]),
        flags=np.array([0, 0, 0, 1]),
        summary=ViatomSummary(12, 93, 88, 2, 1, 7, 3, 1, 95, 10),
    )
    assert written == BY_HAND


@pytest.mark.parametrize("version", [3, 5])
@pytest.mark.parametrize("interval_s", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("count", [1, 2, 7, 5000])
def test_what_is_written_is_read(version: int, interval_s: float, count: int) -> None:
    spo2, pulse = np.full(count, 95), np.full(count, 60)
    file = parse_vld(encode_vld(spo2, pulse, start=START, interval_s=interval_s, version=version))
    assert (file.version, file.interval_s, file.spo2.size, file.complete) == (version, interval_s, count, True)


@pytest.mark.parametrize(
    ("duration_s", "interval_s"), [(4000, 4.0), (3920, 4.0), (4160, 4.0), (2040, 2.0), (3000, 3.0)]
)
def test_the_interval_is_duration_by_records_snapped_to_what_rings_do(duration_s: int, interval_s: float) -> None:
    data = bytearray(encode_vld(np.full(1000, 95), np.full(1000, 60), start=START, interval_s=4))
    data[13:15] = duration_s.to_bytes(2, "little")
    assert parse_vld(bytes(data)).interval_s == interval_s


@pytest.mark.parametrize("kept", range(1, 21))
def test_a_file_cut_short_keeps_its_interval_and_says_so(kept: int) -> None:
    whole = encode_vld(np.full(4, 95), np.full(4, 60), start=START, interval_s=4)
    cut = whole[: HEADER_BYTES + kept]
    if kept < 5:
        with pytest.raises(ProtocolError, match=r"byte 40: .* before its first record"):
            parse_vld(cut)
        return
    file = parse_vld(cut)
    assert (file.spo2.size, file.trailing_bytes, file.interval_s) == (*divmod(kept, 5), 4.0)
    assert file.complete == (kept == 20)


@pytest.mark.parametrize("date", [bytes(7), b"\xff" * 7])
def test_a_clock_that_was_never_set_gives_no_start(date: bytes) -> None:
    data = BY_HAND[:2] + date + BY_HAND[9:]
    assert parse_vld(data).start is None


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "40-byte header, this has 0 bytes"),
        (BY_HAND[:39], "this has 39 bytes"),
        (b"\x04" + BY_HAND[1:], "byte 0: Viatom version 4"),
        (BY_HAND[:4] + b"\x0d" + BY_HAND[5:], "byte 2: .* is no date"),
        (BY_HAND[:13] + b"\0\0" + BY_HAND[15:], "byte 13: 0 s over 4 records"),
        (BY_HAND[:40] + b"\x80\0\0\0\0" * 4, "byte 40: 128 is no SpO2, and 100% are alike"),
    ],
)
def test_what_is_refused_names_the_byte(data: bytes, what: str) -> None:
    with pytest.raises(ProtocolError, match=what):
        parse_vld(data)


def test_the_encoder_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="65536 s does not fit"):
        encode_vld(np.full(16_384, 95), np.full(16_384, 60), start=START, interval_s=4)
    with pytest.raises(ValueError, match="pulse has 1 samples"):
        encode_vld(SPO2, PULSE[:1], start=START, interval_s=4)
    with pytest.raises(ValueError, match="spo2 has a value beyond"):
        encode_vld(SPO2 + 100, PULSE, start=START, interval_s=4)
    with pytest.raises(ValueError, match="version 4"):
        encode_vld(SPO2, PULSE, start=START, interval_s=4, version=4)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=80).map(lambda tail: BY_HAND[:40] + tail)))
def test_any_bytes_give_a_file_or_one_clear_line(data: bytes) -> None:
    try:
        file = parse_vld(data)
    except ProtocolError as refused:
        error = str(refused)
    else:
        error = ""
        assert file.spo2.size == file.pulse.size == (len(data) - HEADER_BYTES) // 5
        assert 0.25 <= file.interval_s <= 10
    assert "\n" not in error

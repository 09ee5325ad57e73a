"""The stored file of the O2Ring-S: byte for byte, with and without its trailer."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ProtocolError
from gateway.wire.files.oxyii import HEADER_BYTES, TRAILER_BYTES, encode_oxyii, is_complete, parse_oxyii

START = datetime(2026, 4, 27, 10, 59, 49)  # noqa: DTZ001 - rings keep local time without a zone

BODY = bytes.fromhex("01 03 000000000000 0400  61 3c 05  60 ff 40  ff 3d 80  59 46 3f")
TRAILER = bytes.fromhex("e3040000 48125ada a541ef69 04000000 01 01 03") + bytes(29)
"""Sum of the body 1251; the start as if its local time were UTC; four records, 1 s, three bytes each."""


def test_a_file_written_by_hand() -> None:
    assert sum(BODY) == 1251
    file = parse_oxyii(BODY + TRAILER)
    assert (file.model, file.start, file.interval_s) == (4, START, 1.0)
    assert file.spo2.tolist() == [97, 96, 255, 89]
    assert file.pulse.tolist() == [60, 255, 61, 70]
    assert file.motion.tolist() == [5, 0, 0, 63]
    assert file.spo2_invalid.tolist() == [False, False, True, False]
    assert file.pulse_invalid.tolist() == [False, True, False, False]
    assert file.complete
    assert file.checksum_ok


def test_the_encoder_writes_the_same_bytes() -> None:
    written = encode_oxyii(
        np.array([97, 96, 255, 89]),
        np.array([60, 255, 61, 70]),
        start=START,
        motion=np.array([5, 0, 0, 63]),
        spo2_invalid=np.array([False, False, True, False]),
        pulse_invalid=np.array([False, True, False, False]),
    )
    assert written == BODY + TRAILER


def test_a_recording_still_going_on_has_samples_but_no_start() -> None:
    file = parse_oxyii(BODY)
    assert (file.complete, file.checksum_ok, file.start, file.interval_s) == (False, False, None, 1.0)
    assert file.spo2.size == 4


@pytest.mark.parametrize("cut", range(1, TRAILER_BYTES))
def test_the_trailer_counts_only_when_it_is_whole(cut: int) -> None:
    data = encode_oxyii(np.full(500, 95), np.full(500, 60), start=START)[:-cut]
    assert not is_complete(data)
    assert parse_oxyii(data).start is None


@pytest.mark.parametrize("interval_s", [1, 2, 4])
def test_the_trailer_tells_the_interval(interval_s: int) -> None:
    data = encode_oxyii(np.full(9, 95), np.full(9, 60), start=START, interval_s=interval_s)
    assert parse_oxyii(data).interval_s == interval_s


def test_a_changed_byte_shows_in_the_checksum() -> None:
    changed = bytearray(BODY + TRAILER)
    changed[HEADER_BYTES] -= 1
    file = parse_oxyii(bytes(changed))
    assert (file.complete, file.checksum_ok) == (True, False)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x01\x03", "10-byte header, this has 2 bytes"),
        (b"\x01\x04" + BODY[2:], "byte 0: 0104 is not the 0103"),
        (BODY[:10], "byte 10: the O2Ring-S file holds no record"),
        (BODY[:-3] + TRAILER, "byte 31: the trailer counts 4 records, the file holds 3"),
        (BODY[:-1] + TRAILER, "the trailer counts 4 records"),
        (BODY + TRAILER[:16] + b"\x0b" + TRAILER[17:], "byte 38: a sampling interval of 11 s"),
        (BODY + TRAILER[:18] + b"\x05" + TRAILER[19:], "byte 40: records of 5 bytes"),
        (BODY[:10] + b"\x80\0\0" * 9, "byte 10: 128 is no SpO2, and 100% are alike"),
    ],
)
def test_what_is_refused_names_the_byte(data: bytes, what: str) -> None:
    with pytest.raises(ProtocolError, match=what):
        parse_oxyii(data)


def test_the_encoder_refuses_what_does_not_fit() -> None:
    ok = np.full(2, 95)
    with pytest.raises(ValueError, match="interval of 0 s"):
        encode_oxyii(ok, ok, start=START, interval_s=0)
    with pytest.raises(ValueError, match=r"motion must have 2 samples of 0\.\.63"):
        encode_oxyii(ok, ok, start=START, motion=np.array([0, 64]))
    with pytest.raises(ValueError, match="pulse must have 2 samples"):
        encode_oxyii(ok, ok[:1], start=START)


@given(
    st.one_of(
        st.binary(max_size=200).map(lambda tail: BODY[:10] + tail),
        st.binary(min_size=19, max_size=19).map(lambda head: BODY + head[:4] + TRAILER[4:8] + head[8:] + bytes(29)),
    )
)
def test_any_bytes_give_a_file_or_one_clear_line(data: bytes) -> None:
    try:
        file = parse_oxyii(data)
    except ProtocolError as refused:
        error = str(refused)
    else:
        error = ""
        assert file.spo2.size == file.pulse.size == file.motion.size == file.spo2_invalid.size
    assert "\n" not in error

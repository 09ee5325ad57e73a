"""`somnolink decode`: every vector, as values; and what is said of bytes that are no frame."""

import json
from pathlib import Path

import numpy as np
import pytest

from gateway.cli.frames import FAMILIES, decode, parse_hex
from gateway.errors import ProtocolError
from gateway.home.devices.nonin.memory import Session, encode_memory
from gateway.home.devices.viatom import protocol as oxy
from gateway.wire.files.oxyii import encode_oxyii
from gateway.wire.files.viatom import encode_vld

VECTORS = json.loads((Path(__file__).parent.parent / "home" / "devices" / "vectors.json").read_text())
CASES = [
    pytest.param(family, vector["hex"], vector["expect"], id=f"{family}: {vector['name']}")
    for family, vectors in VECTORS.items()
    for vector in vectors
]
WITHOUT_CHECK = {"sfloat", "plx", "plx-spot", "racp", "jumper", "nonin", "berrymed", "blood-pressure"} | {
    "mad-recorder",
    "bed-sensor",
}
"""Families whose frames have no checksum: a flipped bit may well be another frame."""


@pytest.mark.parametrize(("family", "text", "expect"), CASES)
def test_vectors(family: str, text: str, expect: dict[str, object]) -> None:
    values = decode(family, parse_hex(text))
    assert {key: values.get(key, "absent") for key in expect} == expect
    assert json.loads(json.dumps(values, allow_nan=False)) == values


@pytest.mark.parametrize(("family", "text", "expect"), CASES)
def test_a_vector_cut_off_is_no_frame(family: str, text: str, expect: dict[str, object]) -> None:
    for length in range(len(text) // 2):
        if family == "racp" and length >= 2:
            continue  # a request may leave its operand out
        with pytest.raises(ProtocolError):
            decode(family, bytes.fromhex(text)[:length])


@pytest.mark.parametrize(("family", "text", "expect"), [c for c in CASES if c.values[0] not in WITHOUT_CHECK])
def test_a_vector_with_a_flipped_bit_is_no_frame(family: str, text: str, expect: dict[str, object]) -> None:
    data = bytes.fromhex(text)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        if family == "contec" and bit % 8 == 7:
            continue  # its checksum covers seven bits
        with pytest.raises(ProtocolError):
            decode(family, bytes(flipped))


def test_every_family_has_vectors_but_the_file() -> None:
    assert set(VECTORS) == set(FAMILIES) - {"vld"}


def test_a_stored_file() -> None:
    spo2, pulse, motion = np.array([97, 255, 88]), np.array([60, 0xFFFF, 70]), np.array([1, 2, 3])
    start = oxy.file_start("20260116233312")
    data = encode_vld(spo2, pulse, motion=motion, start=start, interval_s=4)
    values = decode("vld", data)
    assert (values["timestamp"], values["interval_s"], values["records"]) == ("2026-01-16T23:33:12", 4, 3)
    assert (values["spo2"], values["pulse"], values["motion"]) == ([97, None, 88], [60, None, 70], [1, 2, 3])
    assert values["valid"] is True
    assert decode("vld", data[:-1])["valid"] is False
    unset = encode_vld(spo2, pulse, start=None, interval_s=4)
    assert decode("vld", unset)["timestamp"] is None


def test_a_stored_file_of_an_oxyii_ring() -> None:
    spo2, pulse, start = np.array([97, 255]), np.array([60, 255]), oxy.file_start("20260116233312")
    values = decode("oxyii", encode_oxyii(spo2, pulse, start=start))
    assert (values["timestamp"], values["spo2"], values["pulse"]) == ("2026-01-16T23:33:12", [97, None], [60, None])
    assert values["valid"] is True
    unfinished = decode("oxyii", encode_oxyii(spo2, pulse, start=start, trailer=False))
    assert (unfinished["timestamp"], unfinished["valid"], unfinished["records"]) == (None, False, 2)


def test_a_playback_of_a_memory() -> None:
    start = oxy.file_start("20260116233312")
    spo2, pulse = np.array([97, np.nan, 95], "f4"), np.array([60, 61, 240], "f4")
    stop = oxy.file_start("20260116233320")
    values = decode("nonin", encode_memory((Session(stop, start, stop, 4, spo2, pulse, 3),)))
    assert values["sessions"] == [
        {
            "start": "2026-01-16T23:33:12",
            "stop": "2026-01-16T23:33:20",
            "interval_s": 4,
            "complete": True,
            "spo2": [97, None, 95],
            "pulse": [60, 61, 240],
        }
    ]


def test_answers_of_a_ring_are_told_apart_by_their_form() -> None:
    def shown(data: bytes) -> dict[str, object]:
        return decode("viatom", oxy.encode_response(oxy.Response(0, 3, data)))

    assert shown(b"")["length"] == 0
    assert shown(b"\x10\x27\x00\x00")["size"] == 10_000
    assert shown(oxy.encode_info(oxy.DeviceInfo("123", files=("20260116233312",))))["files"] == ["20260116233312"]
    real_time = shown(
        oxy.encode_real_time(oxy.decode_sensors(bytes.fromhex("624200000000006100920a0100")), b"\x01\x02")
    )
    assert (real_time["spo2"], real_time["wave"]) == (98, [1, 2])
    block = shown(bytes(512))
    assert (block["block"], block["length"], "spo2" in block) == (3, 512, False)


@pytest.mark.parametrize("setting", [b"{", b"NaN", b'{"a":1e999}', b"\xff", b"", b"[" * 4000])
def test_a_setting_that_is_no_json_is_no_request(setting: bytes) -> None:
    with pytest.raises(ProtocolError, match="JSON"):
        decode("viatom-request", oxy.encode_request(oxy.Op.CONFIG, setting))


def test_a_bare_sensor_payload_is_taken_where_it_can_be_nothing_else() -> None:
    assert decode("viatom", bytes.fromhex("624200000000006100920a0100"))["spo2"] == 98
    for text in ("5500ff00000d00624200000000", "aa1be400000100005e00000000", "ff" * 13, "624200000000006500920a0100"):
        with pytest.raises(ProtocolError):
            decode("viatom", bytes.fromhex(text))


@pytest.mark.parametrize(
    "text",
    ["0062004800", "00 62 00 48 00", "00:62:00:48:00", "0x0062004800", "0x00 0x62,0x00-0x48\n0X00 ", "0062 004800"],
)
def test_hexadecimal_text_in_many_habits(text: str) -> None:
    assert parse_hex(text) == bytes.fromhex("0062004800")


@pytest.mark.parametrize(
    ("text", "word"), [("", "no bytes"), (" 0x ", "no bytes"), ("123", "half"), ("0g", "'g'"), ("٣٣", "not")]
)
def test_text_that_is_not_hexadecimal(text: str, word: str) -> None:
    with pytest.raises(ProtocolError, match=word) as caught:
        parse_hex(text)
    assert "\n" not in str(caught.value)


def test_an_unknown_family_is_named_with_the_known_ones() -> None:
    with pytest.raises(ProtocolError, match=r"'ring'.*viatom"):
        decode("ring", b"\0")

"""Bytes that are batches, bytes that are none, and the JSON beside them."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import numpy as np
import pytest

from gateway.errors import WireError
from gateway.wire.codec import (
    MAX_BATCHES,
    MAX_MESSAGE_BYTES,
    GatewayStatus,
    ServiceStatus,
    decode_acks,
    decode_batch,
    decode_gateway_status,
    decode_message,
    decode_service_status,
    encode_acks,
    encode_batch,
    encode_status,
)
from gateway.wire.messages import MAX_COUNT, MAX_SAMPLES, Ack
from gateway.wire.presence import DeviceStatus
from tests.unit.wire.samples import DEVICE, T0, batch

HUGE = 10**5000
"""More digits than Python prints: CBOR has such numbers, and a stranger may send them."""


def fields_of(**changes: Any) -> dict[str, Any]:
    """The plain fields of a good batch, with changes; None takes a field away."""
    fields = cbor2.loads(encode_batch(batch())) | changes
    return {name: value for name, value in fields.items() if value is not None}


def typed(tag: int, data: bytes) -> cbor2.CBORTag:
    return cbor2.CBORTag(tag, data)


def test_a_batch_on_the_wire_is_a_map_with_the_fields_of_the_contract() -> None:
    fields = cbor2.loads(encode_batch(batch("wear", dt_ms=None, t_ms=np.array([0, 10, 20], "<i4"))))
    assert fields.keys() == {
        *("v", "device", "kind", "origin", "session", "revision", "seq", "last", "t0_ms", "t_ms", "columns", "clock")
    }
    assert fields["clock"].keys() == {"source", "uncertainty_ms", "boot", "tick0"}
    assert "dt_ms" in fields_of()
    # RFC 8746, section 2.1: uint8 64, uint16 LE 69, sint16 LE 77, sint32 LE 78, float32 LE 85
    tags = {name: column.tag for name, column in fields["columns"].items()}
    assert tags == {"temperature": 85, "accel_x": 77, "accel_y": 77, "accel_z": 77, "motion": 69, "flags": 69}
    assert (fields["t_ms"].tag, fields["t_ms"].value) == (78, np.array([0, 10, 20], "<i4").tobytes())


def test_columns_are_read_without_a_copy() -> None:
    column = decode_batch(encode_batch(batch())).columns["spo2"]
    assert not column.flags.writeable
    assert column.base is not None


def test_the_largest_batch_fits_the_longest_message() -> None:
    largest = batch("wear", MAX_SAMPLES, dt_ms=None, t_ms=np.arange(MAX_SAMPLES, dtype="<i4"))
    assert len(encode_batch(largest)) <= MAX_MESSAGE_BYTES
    assert decode_batch(encode_batch(largest)) == largest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"v": 2}, "version 2 is not 1"),
        ({"v": True}, r"Expected `int`.*\$\.v"),
        ({"v": "1"}, r"Expected `int`.*\$\.v"),
        ({"v": HUGE}, "version a number of"),
        ({"v": typed(64, b"ab")}, r"Expected `int`.*\$\.v"),
        ({"device": 7}, r"Expected `str`.*\.device"),
        ({"device": ""}, r"length.*\.device"),
        ({"device": "d" * 65}, r"length.*\.device"),
        ({"session": "s" * 65}, r"length.*\.session"),
        ({"kind": "k" * 100_000}, "unknown kind"),
        ({"origin": 1}, r"Expected `str`.*\.origin"),
        ({"revision": 0.0}, r"Expected `int`.*\.revision"),
        ({"seq": True}, r"Expected `int`.*\.seq"),
        ({"seq": HUGE}, "seq and revision"),
        ({"last": 1}, r"Expected `bool`.*\.last"),
        ({"t0_ms": HUGE}, "t0_ms out of range"),
        ({"dt_ms": HUGE}, "dt_ms out of range"),
        ({"dt_ms": "1000"}, r"Expected `int.*\.dt_ms"),
        ({"t_ms": [0, 1, 2]}, r"Expected `numpy.ndarray.*\.t_ms"),
        ({"columns": []}, r"Expected `object`.*\.columns"),
        ({"columns": {"spo2": [97.0]}}, r"Expected `.*columns"),
        ({"columns": {1: typed(85, bytes(4))}}, r"Expected `.*columns"),
        ({"columns": {"spo2": typed(85, bytes(5))}}, "tag 85 is no typed array"),
        ({"columns": {"spo2": typed(84, bytes(4))}}, "tag 84 is no typed array"),
        ({"columns": {"spo2": typed(85, "text")}}, "tag 85 is no typed array"),
        ({"columns": {"spo2": typed(85, b"")}}, "samples"),
        ({"clock": None}, r"clock"),
        ({"clock": {"source": "arrival"}}, "uncertainty_ms"),
        ({"clock": {"source": "arrival", "uncertainty_ms": HUGE}}, "clock.uncertainty_ms out of range"),
        ({"clock": {"source": "", "uncertainty_ms": 1}}, r"length.*\.source"),
    ],
)
def test_a_map_that_is_no_batch_is_refused_in_one_short_line(changes: dict[str, Any], words: str) -> None:
    payload = cbor2.dumps(fields_of(**changes))
    with pytest.raises(WireError, match=words) as caught:
        decode_batch(payload)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    batches, refused = decode_message(payload)
    assert (batches, len(refused)) == ([], 1)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "not CBOR"),
        (b"\xff", "not CBOR"),
        (b"\xa1", "not CBOR"),
        (b"\x81" * 5000, "not CBOR"),
        (cbor2.dumps([1]), "one CBOR map"),
        (cbor2.dumps("text"), "one CBOR map"),
        (b"\x00" * (MAX_MESSAGE_BYTES + 1), "over the limit"),
    ],
)
def test_bytes_that_are_no_map_are_refused(payload: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_batch(payload)


class TestSequence:
    """RFC 8742: a message is one batch or several, one behind the other."""

    def test_all_are_read_in_order(self) -> None:
        sent = [batch(seq=seq) for seq in range(MAX_BATCHES)]
        assert decode_message(b"".join(map(encode_batch, sent))) == (sent, [])

    def test_a_bad_one_in_the_middle_costs_itself_alone(self) -> None:
        bad = cbor2.dumps(fields_of(seq=1, last=7))
        batches, [refused] = decode_message(encode_batch(batch()) + bad + encode_batch(batch(seq=2)))
        assert [good.seq for good in batches] == [0, 2]
        assert refused.name == (DEVICE, "0011223344556677", 0, 1)
        assert "$.last" in refused.reason
        assert refused.payload == bad

    @pytest.mark.parametrize("junk", [b"\x00" * 1000, b"\xff\x00", cbor2.dumps([1]) + encode_batch(batch(seq=1))])
    def test_where_maps_end_the_rest_is_one_refusal(self, junk: bytes) -> None:
        batches, [refused] = decode_message(encode_batch(batch()) + junk)
        assert [good.seq for good in batches] == [0]
        assert (refused.name, refused.payload) == (None, junk)

    def test_one_cut_off_is_refused_and_those_before_it_stand(self) -> None:
        whole = encode_batch(batch(seq=1))
        batches, [refused] = decode_message(encode_batch(batch()) + whole[:-1])
        assert [good.seq for good in batches] == [0]
        assert (refused.name, refused.payload) == (None, whole[:-1])

    def test_more_than_a_message_may_hold_are_one_refusal(self) -> None:
        small = encode_batch(batch(size=1, columns=["spo2"]))
        batches, [refused] = decode_message(small * (MAX_BATCHES + 2))
        assert len(batches) == MAX_BATCHES
        assert refused.payload == small * 2
        bad = cbor2.dumps({"v": 1})
        assert len(decode_message(bad * (MAX_BATCHES * 50))[1]) == MAX_BATCHES + 1

    def test_an_empty_and_an_overlong_message_are_refused_whole(self) -> None:
        assert [part.reason for part in decode_message(b"")[1]] == ["an empty message"]
        long = b"\x00" * (MAX_MESSAGE_BYTES + 1)
        assert [(part.name, part.payload) for part in decode_message(long)[1]] == [(None, long)]

    @pytest.mark.parametrize("number", [-1, MAX_COUNT, HUGE, 1.0, True], ids=["-1", "2^31", "huge", "1.0", "true"])
    def test_a_name_that_no_acknowledgement_can_say_is_no_name(self, number: Any) -> None:
        for field in ("seq", "revision"):
            [refused] = decode_message(cbor2.dumps(fields_of(**{field: number})))[1]
            assert refused.name is None
        good = cbor2.dumps(fields_of(seq=MAX_COUNT - 1, last=7))
        assert decode_message(good)[1][0].name == (DEVICE, "0011223344556677", 0, MAX_COUNT - 1)


class TestAcknowledgements:
    def test_round_trip(self) -> None:
        acks = [
            Ack("d", "s", "stored", seqs=(0, 5, MAX_COUNT - 1)),
            Ack("d", "s", "set_aside", up_to=3, revision=2),
            Ack("d", "s", "stored", up_to=0, seqs=(7,)),
        ]
        assert decode_acks(encode_acks(acks)) == acks
        assert decode_acks(b"[]") == []

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{}",
            b"null",
            b"[1]",
            b"\xff\xfe",
            b'[{"device":"d","session":"s"}]',
            b'[{"device":"d","session":"s","result":"lost"}]',
            b'[{"device":"d","session":"s","result":"stored","seqs":[-1]}]',
            b'[{"device":"d","session":"s","result":"stored","seqs":[2147483648]}]',
            b'[{"device":"d","session":"s","result":"stored","up_to":99999999999999999999}]',
            b'[{"device":"d","session":"s","result":"stored","seqs":[1.5]}]',
        ],
    )
    def test_what_is_none_is_refused(self, text: bytes) -> None:
        with pytest.raises(WireError, match="not an acknowledgement"):
            decode_acks(text)

    def test_fields_of_a_later_version_are_passed_over(self) -> None:
        text = b'[{"device":"d","session":"s","result":"stored","seqs":[1],"why":"new"}]'
        assert decode_acks(text) == [Ack("d", "s", "stored", seqs=(1,))]


def test_presence_is_json_that_people_can_read() -> None:
    ring = DeviceStatus("o2ring-0a1b2c3d4e", T0, firmware="1.2", battery_pct=81.0, clock="ok", drift_ppm=3.5)
    gateway = GatewayStatus(
        True, T0, "0.1.0", 12, ["outbox_full"], {"resent": 3}, T0 - 60_000, 1 << 33, "silent", False, None, [ring]
    )
    assert json.loads(encode_status(gateway)) == {
        "online": True,
        "since_ms": T0,
        "version": "0.1.0",
        "pending": 12,
        "notices": ["outbox_full"],
        "counters": {"resent": 3},
        "oldest_ms": T0 - 60_000,
        "disk_free_bytes": 1 << 33,
        "radio": "silent",
        "clock_set": False,
        "clock_error_ms": None,
        "devices": [
            {
                "device": "o2ring-0a1b2c3d4e",
                "contact_ms": T0,
                "reachable": True,
                "model": "",
                "firmware": "1.2",
                "battery_pct": 81.0,
                "voltage": None,
                "boots": None,
                "clock": "ok",
                "drift_ppm": 3.5,
            }
        ],
    }
    assert decode_gateway_status(encode_status(gateway)) == gateway
    assert decode_gateway_status(b'{"online":true,"pending":3}') == GatewayStatus(True, pending=3)  # of an older home
    service = ServiceStatus(True, "00ff", T0)
    assert decode_service_status(encode_status(service)) == service
    assert decode_service_status(b'{"online":false}') == ServiceStatus(False)
    for decode in (decode_gateway_status, decode_service_status):
        for text in (b"", b"[]", b"{}", b'{"online":"yes"}', b"\xff"):
            with pytest.raises(WireError, match="status"):
                decode(text)

"""Our own devices' bytes on the gateway's side: the document's vectors, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.edge import control
from gateway.home.devices.edge.control import Count, Information, Mode, Moment, Notification, Report, Response, Status
from gateway.home.devices.edge.proof import gateway_proof, is_device_proof
from gateway.home.devices.edge.records import WAVE_BYTES, decode_wave, decode_wear
from gateway.wire.messages import WaveformFlag, WearFlag
from tests.conftest import ROOT

DOCUMENT = (ROOT / Path("docs/edge-protocol.md")).read_text("utf-8")
VECTORS = re.findall(r"^\| (wear|waveform) \| .* \| `([0-9a-f]+)` \|$", DOCUMENT, re.MULTILINE)
WEAR = [bytes.fromhex(text) for layout, text in VECTORS if layout == "wear"]
WAVES = [bytes.fromhex(text).ljust(WAVE_BYTES, b"\0") for layout, text in VECTORS if layout == "waveform"]


def test_the_document_has_the_vectors_that_are_read_here() -> None:
    assert (len(WEAR), len(WAVES)) == (3, 2)


def test_wear_records_of_the_document() -> None:
    decoded = decode_wear(b"".join(WEAR))
    assert decoded.refused == ()
    readings = decoded.readings
    assert readings.boot.tolist() == [1, 258, 65535]
    assert readings.tick_ms.tolist() == [0, 86_400_000, 268_435_455_875]  # the last rounded down to a sixteenth
    np.testing.assert_array_equal(readings.columns["temperature"], np.array([36.25, 21.5, np.nan], "f4"))
    assert [readings.columns[f"accel_{axis}"].tolist() for axis in "xyz"] == [[0, -1000, 0], [0, 4, 0], [1000, -8, 0]]
    assert readings.columns["motion"].tolist() == [3, 0, 0]
    every = WearFlag.IN_CASE | WearFlag.SENSOR_FAULT | WearFlag.CLOCK_LOST | WearFlag.LOW_BATTERY
    assert readings.columns["flags"].tolist() == [0, WearFlag.IN_CASE | WearFlag.LOW_BATTERY, every]


def test_waveform_frames_of_the_document() -> None:
    decoded = decode_wave(b"".join(WAVES))
    assert decoded.refused == ()
    readings = decoded.readings
    assert readings.dt_ms == 20
    assert readings.boot.tolist() == [1, 7]
    assert readings.tick_ms.tolist() == [20, 1_099_511_627_775]
    assert readings.sizes is not None
    assert readings.sizes.tolist() == [7, 2]
    assert readings.columns["pressure"].tolist() == [0, 1, -1, 2046, -2047, 2047, -2048, -32768, 12345]
    assert readings.columns["gain"].tolist() == [0] * 7 + [2] * 2
    clipped, gap = WaveformFlag.CLIPPED, WaveformFlag.GAP
    assert readings.columns["flags"].tolist() == [0, 0, 0, 0, 0, clipped, clipped, clipped | gap, 0]


@pytest.mark.parametrize("size", [0, 13, 15, 27])
def test_what_is_no_whole_number_of_records_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError):
        decode_wear(bytes(size))
    with pytest.raises(ProtocolError):
        decode_wave(bytes(size))


def test_a_record_that_cannot_be_is_refused_alone() -> None:
    wrong = b"\x80" + WEAR[1][1:]
    decoded = decode_wear(WEAR[0] + wrong + WEAR[2])
    assert decoded.readings.boot.tolist() == [1, 65535]
    assert decoded.refused == (wrong,)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param(0, 0x28, id="a bit without a meaning"),
        pytest.param(0, 0x05, id="17 bits"),
        pytest.param(11, 0, id="no sample"),
        pytest.param(11, 151, id="more than fit"),
        pytest.param(0, 0x18, id="a gap of nothing"),
        pytest.param(9, 1, id="samples missing without a gap"),
    ],
)
def test_a_frame_that_cannot_be_is_refused_alone(at: int, value: int) -> None:
    wrong = bytearray(WAVES[0])
    wrong[at] = value
    decoded = decode_wave(bytes(wrong) + WAVES[1])
    assert decoded.readings.boot.tolist() == [7]
    assert decoded.refused == (bytes(wrong),)


def test_150_samples_of_12_bits_fit() -> None:
    frame = bytearray(WAVES[0])
    frame[11] = 150
    assert decode_wave(bytes(frame)).refused == ()


def test_requests() -> None:
    assert control.request_report(0x12345678, 9, Mode.FOLLOW).hex() == "01785634120900000001"
    assert control.request_acknowledge(1, 2).hex() == "020100000002000000"
    assert control.request_abort().hex() == "03"
    assert control.request_count(1, 2).hex() == "040100000002000000"
    assert control.request_challenge().hex() == "10"
    assert len(control.request_prove(bytes(16), bytes(32))) == 49
    assert control.request_anchor(1, 2, 3, 4).hex() == "120100" + "0200000000000000" + "0300000000000000" + "04000000"
    assert control.request_time().hex() == "13"


def test_responses() -> None:
    assert control.decode_response(bytes.fromhex("061301" + "0300" + "e803000000000000")) == Response(
        0x13, 1, bytes.fromhex("0300e803000000000000")
    )
    assert control.decode_moment(bytes.fromhex("0300e803000000000000")) == Moment(3, 1000)
    assert control.decode_report(bytes.fromhex("0500000004000000")) == Report(5, 4)
    assert control.decode_count(bytes.fromhex("0500000004000000")) == Count(5, 4)
    for wrong in (b"", b"\x06\x01", b"\x05\x01\x01"):
        with pytest.raises(ProtocolError):
            control.decode_response(wrong)


def test_information_and_status() -> None:
    information = bytes.fromhex("0101010e78563412010203")
    assert control.decode_information(information) == Information(1, 1, 14, 0x12345678, "1.2.3")
    status = bytes.fromhex("030005000000090000004d1002000000")
    assert control.decode_status(status) == Status(3, 5, 9, 77, 0x10, 2)
    assert control.decode_status(status[:10] + b"\xff" + status[11:]).battery_pct is None


@pytest.mark.parametrize(
    "data", ["", "0101010e785634120102", "0201010e78563412010203", "010101007856341201020300", "0101010078563412010203"]
)
def test_other_versions_and_lengths_are_refused(data: str) -> None:
    with pytest.raises(ProtocolError):
        control.decode_information(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["", "03000900000005000000641002000000", "03000500000009000000651002000000"])
def test_a_status_that_cannot_be_is_refused(data: str) -> None:
    with pytest.raises(ProtocolError):
        control.decode_status(bytes.fromhex(data))


def test_notifications() -> None:
    assert control.decode_notification(bytes.fromhex("0109000000aa")) == Notification(1, 9, b"\xaa")
    with pytest.raises(ProtocolError):
        control.decode_notification(bytes.fromhex("0109000000"))


def test_only_who_knows_the_secret_proves_it_and_no_proof_serves_the_other_side() -> None:
    secret, theirs, ours = bytes(range(16)), b"d" * 16, b"g" * 16
    proof = gateway_proof(secret, theirs, ours)
    assert not is_device_proof(proof, secret, theirs, ours)
    assert gateway_proof(secret[::-1], theirs, ours) != proof

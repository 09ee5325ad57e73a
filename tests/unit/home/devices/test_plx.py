"""Pulse Oximeter Service: measurements, features and record access, both ways."""

import math
from datetime import datetime

import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.plx import protocol as plx
from gateway.home.devices.plx import racp
from gateway.home.devices.plx.protocol import Feature, MeasurementStatus, SensorStatus, Vitals
from gateway.wire.messages import OximetryFlag


def test_continuous_of_spo2_98_and_pulse_72() -> None:
    measurement = plx.ContinuousMeasurement(Vitals(98, 72))
    assert plx.encode_continuous(measurement).hex() == "0062004800"
    assert plx.decode_continuous(bytes.fromhex("0062004800")) == measurement
    assert measurement.reading().valid


def test_a_sensor_off_the_finger_has_no_values() -> None:
    measurement = plx.ContinuousMeasurement(
        Vitals(math.nan, math.nan),
        measurement_status=MeasurementStatus.UNAVAILABLE,
        sensor_status=SensorStatus.UNCONNECTED_TO_USER,
    )
    data = bytes.fromhex("0cff07ff070020000800")
    assert plx.encode_continuous(measurement) == data
    reading = plx.decode_continuous(data).reading()
    assert (reading.spo2_pct, reading.pulse_bpm, reading.worn, reading.valid) == (None, None, False, False)
    assert reading.flags == OximetryFlag.NO_FINGER


def test_every_optional_field_fits_in_twenty_bytes() -> None:
    measurement = plx.ContinuousMeasurement(
        Vitals(97, 61), Vitals(96, 63), Vitals(97, 60), MeasurementStatus.ONGOING, SensorStatus.LOW_PERFUSION, 0.4
    )
    data = plx.encode_continuous(measurement)
    assert len(data) == 20
    assert plx.decode_continuous(data) == measurement
    reading = measurement.reading()
    assert (reading.perfusion_pct, reading.flags, reading.worn) == (0.4, OximetryFlag.LOW_PERFUSION, True)


@pytest.mark.parametrize("status", ["INVALID", "UNAVAILABLE", "DEMO", "TEST", "CALIBRATION"])
def test_a_value_that_is_no_measurement_is_not_valid(status: str) -> None:
    measurement = plx.ContinuousMeasurement(Vitals(97, 60), measurement_status=MeasurementStatus[status])
    assert not measurement.reading().valid


@pytest.mark.parametrize("spo2", [math.inf, 0.0, 100.1, -3.0])
def test_a_saturation_beyond_its_range_is_missing(spo2: float) -> None:
    assert plx.ContinuousMeasurement(Vitals(spo2, 60)).reading().spo2_pct is None


@pytest.mark.parametrize("text", ["", "00", "00620048", "006200480000", "0162004800", "1062004800ff"])
def test_flags_and_length_must_agree(text: str) -> None:
    with pytest.raises(ProtocolError):
        plx.decode_continuous(bytes.fromhex(text))


def test_a_stored_spot_check() -> None:
    measurement = plx.SpotCheckMeasurement(
        Vitals(95, 60),
        datetime.fromisoformat("2026-11-22T23:10:05"),
        MeasurementStatus.FULLY_QUALIFIED | MeasurementStatus.FROM_STORAGE,
    )
    assert plx.encode_spot_check(measurement).hex() == "035f003c00ea070b16170a050003"
    assert plx.decode_spot_check(plx.encode_spot_check(measurement)) == measurement
    assert measurement.reading().timestamp == datetime.fromisoformat("2026-11-22T23:10:05")


def test_a_spot_check_outlives_a_clock_gone_mad() -> None:
    measurement = plx.decode_spot_check(bytes.fromhex("015f003c00ea074416170a05"))
    assert measurement.clock_invalid
    assert measurement.timestamp is None
    reading = measurement.reading()
    assert (reading.spo2_pct, reading.status) == (95, ("clock_invalid",))


def test_a_clock_never_set_is_said() -> None:
    assert plx.decode_spot_check(bytes.fromhex("105f003c00")).reading().status == ("clock_not_set",)


@pytest.mark.parametrize("text", ["015f003c00ea070b16170a", "015f003c00ea074416170a", "005f003c0000"])
def test_a_spot_check_cut_off_or_too_long(text: str) -> None:
    with pytest.raises(ProtocolError):
        plx.decode_spot_check(bytes.fromhex(text))


@pytest.mark.parametrize(
    "features",
    [
        plx.Features(Feature(0)),
        plx.Features(Feature.MEASUREMENT_STATUS | Feature.TIMESTAMP, MeasurementStatus.ONGOING),
        plx.Features(Feature.SENSOR_STATUS | Feature.FAST, None, SensorStatus.LOW_PERFUSION),
        plx.Features(
            Feature(0xFF), MeasurementStatus.ONGOING | MeasurementStatus.INVALID, SensorStatus.UNCONNECTED_TO_USER
        ),
    ],
)
def test_features_both_ways(features: plx.Features) -> None:
    assert plx.decode_features(plx.encode_features(features)) == features


@pytest.mark.parametrize("text", ["", "01", "0100", "0200ffff", "000000"])
def test_features_cut_off_or_too_long(text: str) -> None:
    with pytest.raises(ProtocolError):
        plx.decode_features(bytes.fromhex(text))


RECORD_ACCESS = {
    "0101": racp.REPORT_ALL,
    "0201": racp.DELETE_ALL,
    "0300": racp.ABORT,
    "0401": racp.COUNT_ALL,
    "05000300": racp.Count(3),
    "06000101": racp.Response(racp.Op.REPORT, racp.Result.SUCCESS),
    "06000106": racp.Response(racp.Op.REPORT, racp.Result.NO_RECORDS),
    "06004202": racp.Response(0x42, racp.Result.OP_NOT_SUPPORTED),
    "010301ff00": racp.Request(racp.Op.REPORT, racp.Operator.GREATER_OR_EQUAL, b"\x01\xff\x00"),
}


@pytest.mark.parametrize(("text", "message"), RECORD_ACCESS.items())
def test_record_access_both_ways(text: str, message: racp.Message) -> None:
    assert racp.encode(message).hex() == text
    assert racp.decode(bytes.fromhex(text)) == message


def test_only_success_succeeds() -> None:
    assert racp.Response(racp.Op.REPORT, racp.Result.SUCCESS).succeeded
    assert not racp.Response(racp.Op.REPORT, racp.Result.NO_RECORDS).succeeded


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x05\x00\x03", b"\x06\x01\x01\x01", b"\x06\x00\x01", bytes(20)])
def test_no_record_access_message(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        racp.decode(data)


def test_an_operand_must_fit() -> None:
    assert len(racp.encode(racp.Request(racp.Op.REPORT, racp.Operator.RANGE, bytes(17)))) == 19
    with pytest.raises(ProtocolError):
        racp.encode(racp.Request(racp.Op.REPORT, racp.Operator.RANGE, bytes(18)))

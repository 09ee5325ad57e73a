"""What is written is read back, for every codec that goes both ways."""

import math
from datetime import datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gateway.home.devices import sig
from gateway.home.devices.berrymed import protocol as berrymed
from gateway.home.devices.blood_pressure import protocol as blood_pressure
from gateway.home.devices.contec import protocol as contec
from gateway.home.devices.jumper import protocol as jumper
from gateway.home.devices.nonin import memory
from gateway.home.devices.nonin import protocol as nonin
from gateway.home.devices.oxyii import protocol as oxyii
from gateway.home.devices.pc60fw import protocol as pc60fw
from gateway.home.devices.plx import protocol as plx
from gateway.home.devices.plx import racp
from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.viatom import protocol as oxy

moments = st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-30")).map(
    lambda moment: moment.replace(microsecond=0)
)
spo2s = st.none() | st.integers(1, 100).map(float)
pulses = st.none() | st.integers(1, 250).map(float)
perfusions = st.none() | st.integers(1, 200).map(lambda tenths: tenths / 10)
sfloats = st.integers(0, 0xFFFF).map(sig.decode_sfloat).filter(math.isfinite)
columns = hnp.arrays("f4", st.integers(0, 200), elements=st.sampled_from([np.nan, 60.0, 85.0, 97.0, 100.0]))


def reading(spo2: float | None, pulse: float | None, *, worn: bool | None = None, **fields: object) -> OximeterReading:
    """A reading as a decoder would make it: valid where both values are there and a finger is."""
    valid = worn is not False and spo2 is not None and pulse is not None
    return OximeterReading(spo2, pulse, worn=worn, valid=valid, **fields)  # type: ignore[arg-type]  # checked by equality


def test_every_sfloat_there_is() -> None:
    for raw in range(0x10000):
        value = sig.decode_sfloat(raw)
        again = sig.decode_sfloat(sig.encode_sfloat(value))
        if math.isnan(value):
            assert math.isnan(again)
        elif abs(value) <= 2045e7:
            assert math.isclose(again, value, rel_tol=3e-3, abs_tol=1e-9) or abs(raw & 0xFFF) in (0x7FF, 0x7FE, 0x800)


@given(st.floats(-2e10, 2e10, allow_subnormal=False))
def test_an_sfloat_is_the_nearest_there_is(value: float) -> None:
    step = max(1e-8, 10.0 ** math.ceil(math.log10(abs(value) / 2045.0)) if value else 0)
    assert abs(sig.decode_sfloat(sig.encode_sfloat(value)) - value) <= step / 2 * (1 + 1e-9)


@given(moments)
def test_date_time(moment: datetime) -> None:
    assert sig.decode_date_time(sig.encode_date_time(moment)) == moment


vitals = st.builds(plx.Vitals, sfloats, sfloats)
measurement_statuses = st.none() | st.integers(0, 0xFFFF).map(plx.MeasurementStatus)
sensor_statuses = st.none() | st.integers(0, 0xFFFFFF).map(plx.SensorStatus)


@given(
    st.builds(
        plx.ContinuousMeasurement,
        vitals,
        st.none() | vitals,
        st.none() | vitals,
        measurement_statuses,
        sensor_statuses,
        st.none() | sfloats,
    )
)
def test_continuous_measurements(measurement: plx.ContinuousMeasurement) -> None:
    again = plx.decode_continuous(plx.encode_continuous(measurement))
    assert plx.encode_continuous(again) == plx.encode_continuous(measurement)
    assert (again.measurement_status, again.sensor_status) == (
        measurement.measurement_status,
        measurement.sensor_status,
    )


@given(
    st.builds(
        plx.SpotCheckMeasurement,
        vitals,
        st.none() | moments,
        measurement_statuses,
        sensor_statuses,
        st.none() | sfloats,
        st.booleans(),
    )
)
def test_spot_checks(measurement: plx.SpotCheckMeasurement) -> None:
    again = plx.decode_spot_check(plx.encode_spot_check(measurement))
    assert plx.encode_spot_check(again) == plx.encode_spot_check(measurement)
    assert (again.timestamp, again.clock_not_set) == (measurement.timestamp, measurement.clock_not_set)


@given(
    st.one_of(
        st.builds(
            racp.Request,
            st.integers(0, 255).filter(lambda op: op not in (racp.Op.COUNT_RESPONSE, racp.Op.RESPONSE)),
            st.integers(0, 255),
            st.binary(max_size=17),
        ),
        st.builds(racp.Count, st.integers(0, 0xFFFF)),
        st.builds(racp.Response, st.integers(0, 255), st.integers(0, 255)),
    )
)
def test_record_access(message: racp.Message) -> None:
    assert racp.decode(racp.encode(message)) == message


@given(st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=600))
def test_frames_of_oxy_rings(code: int, block: int, data: bytes) -> None:
    response = oxy.Response(code, block, data)
    assert oxy.decode_response(oxy.encode_response(response)) == response
    if code != oxy.Op.FACTORY_RESET:
        assert oxy.decode_request(oxy.encode_request(code, data, block=block)) == oxy.Request(code, block, data)


@given(spo2s, pulses, perfusions, st.integers(0, 254), st.none() | st.integers(0, 100).map(float), st.booleans())
def test_readings_of_oxy_rings(
    spo2: float | None, pulse: float | None, perfusion: float | None, motion: int, battery: float | None, worn: bool
) -> None:
    status = () if worn else ("no_finger",)
    shown = reading(spo2, pulse, worn=worn, perfusion_pct=perfusion, motion=motion, battery_pct=battery, status=status)
    assert oxy.decode_sensors(oxy.encode_sensors(shown)) == shown
    still = reading(spo2, pulse, worn=worn, perfusion_pct=perfusion, battery_pct=battery, status=status)
    assert oxy.decode_real_time(oxy.encode_real_time(still, b"abc")) == oxy.RealTime(still, b"abc")


@given(st.integers(0, 255), st.binary(max_size=600), st.integers(0, 255), st.booleans())
def test_frames_of_oxyii_rings(op: int, data: bytes, seq: int, answer: bool) -> None:
    frame = oxyii.Frame(op, data, seq, answer=answer or op in oxyii.NEVER_SENT)
    assert oxyii.decode_frame(oxyii.encode_frame(frame)) == frame


@given(spo2s, pulses, st.integers(0, 254), st.integers(0, 255), st.booleans(), st.booleans(), st.binary(max_size=200))
def test_live_readings_of_oxyii_rings(
    spo2: float | None, pulse: float | None, motion: int, counter: int, worn: bool, file_open: bool, wave: bytes
) -> None:
    status = () if worn else ("no_finger",)
    live = oxyii.Live(reading(spo2, pulse, worn=worn, motion=motion, counter=counter, status=status), wave, file_open)
    assert oxyii.decode_live(oxyii.encode_live(live)) == live


@given(spo2s, st.none() | st.integers(1, 510).map(float), st.integers(0, 0xFFFF), st.integers(0, 50), st.booleans())
def test_measurements_of_nonin(spo2: float | None, pulse: float | None, counter: int, tenths: int, weak: bool) -> None:
    worn = True if spo2 is not None and pulse is not None else None
    status = ("weak_signal", "sensor_present") if weak else ("sensor_present",)
    shown = reading(spo2, pulse, worn=worn, counter=counter, battery_v=tenths / 10, perfusion_pct=1.5, status=status)
    assert nonin.decode_measurement(nonin.encode_measurement(shown)) == shown


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(moments, columns.filter(lambda c: c.size > 0), st.sampled_from([1, 2, 4])), max_size=3))
def test_memories_of_nonin(recordings: list[tuple[datetime, np.ndarray, int]]) -> None:
    sessions = tuple(
        memory.Session(start, start, start + timedelta(seconds=(spo2.size - 1) * dt), dt, spo2, spo2, spo2.size)
        for start, spo2, dt in recordings
    )
    playback = memory.MemoryPlayback()
    playback.feed(memory.encode_memory(sessions))
    assert playback.discarded == 0
    for played, recorded in zip(playback.sessions(), sessions, strict=True):
        assert (played.start, played.stop, played.interval_s) == (recorded.start, recorded.stop, recorded.interval_s)
        assert played.complete
        np.testing.assert_array_equal(played.spo2_pct, recorded.spo2_pct)
        np.testing.assert_array_equal(played.pulse_bpm, recorded.pulse_bpm)


@given(spo2s, pulses, st.integers(0, 15), st.integers(0, 127), st.integers(0, 15), st.booleans())
def test_packets_of_berrymed(
    spo2: float | None, pulse: float | None, strength: int, pleth: int, bar: int, worn: bool
) -> None:
    packet = berrymed.Packet(
        reading(spo2, pulse, worn=worn, status=() if worn else ("no_finger", "searching")), strength, pleth, bar
    )
    assert berrymed.decode_packet(berrymed.encode_packet(packet)) == packet


@given(spo2s, pulses, perfusions)
def test_readings_of_the_small_families(spo2: float | None, pulse: float | None, perfusion: float | None) -> None:
    shown = reading(spo2, pulse, perfusion_pct=perfusion)
    assert jumper.decode_notification(jumper.encode_reading(shown)) == shown
    bare = reading(spo2, pulse)
    assert contec.decode_message(contec.encode_reading(bare)) == bare
    worn = reading(spo2, pulse, worn=True, perfusion_pct=perfusion)
    assert pc60fw.decode_message(pc60fw.decode_frame(pc60fw.encode_reading(worn))) == worn


pressures = st.none() | st.integers(1, 300).map(float)


@given(
    st.builds(
        blood_pressure.BloodPressure,
        pressures,
        pressures,
        pressures,
        st.none() | st.integers(1, 250).map(float),
        st.none() | moments,
        st.none() | st.integers(0, 254),
        st.none() | st.integers(0, 0xFFFF).map(blood_pressure.Status),
    )
)
def test_blood_pressures(measurement: blood_pressure.BloodPressure) -> None:
    assert blood_pressure.decode_measurement(blood_pressure.encode_measurement(measurement)) == measurement

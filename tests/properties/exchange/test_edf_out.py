"""A night written as EDF+ is the night: read back by another's reader and by ours, every stored sample is there."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.service.exchange.files.edf import read
from gateway.service.exchange.report.edf import to_edf
from gateway.service.exchange.report.values import NightTrace
from gateway.service.records import Desaturation, NightResult, Patient, State, Stretch
from gateway.service.store.base import Samples
from gateway.wire.messages import SCHEMA

ZONE = "Europe/Berlin"
START_MS = int(datetime(2026, 3, 28, 21, 30, 12, tzinfo=UTC).timestamp() * 1000)
PATIENT = Patient("p-0123456789ab", "clinic", "Jörg Öztürk", ZONE, 0, sex="male", birth_year=1970)
MISSING = np.float32(np.nan)

spo2 = st.one_of(st.just(MISSING), st.integers(0, 10_000).map(lambda n: np.float32(n / 100)))
pulse = st.one_of(st.just(MISSING), st.integers(0, 32_000).map(lambda n: np.float32(n / 100)))
motion = st.integers(0, 255)


def night(t_ms: np.ndarray, columns: dict[str, np.ndarray], events: tuple[Desaturation, ...] = ()) -> NightTrace:
    size = t_ms.size
    whole = {
        name: columns.get(
            name, np.full(size, np.nan if dtype.kind == "f" else 255 if name == "motion" else 0, dtype)
        ).astype(dtype)
        for name, dtype in SCHEMA["oximetry"].items()
    }
    samples = Samples("o2ring-1", "oximetry", t_ms, whole, np.ones(size, np.uint8))
    end_ms = int(t_ms[-1]) + 1000
    result = NightResult(
        "o2ring-1", date(2026, 3, 28), "peak", "1", ZONE, State.CLOSED, int(t_ms[0]), end_ms, 0.0, {}, 0
    )
    wear = Stretch("wear", int(t_ms[0]) - 60_000, end_ms, {"suspect": []})
    return NightTrace(result, samples, events, (wear,))


@given(
    st.lists(st.tuples(spo2, pulse, motion), min_size=2, max_size=400),
    st.sampled_from([250, 500, 1000, 2000, 4000]),
    st.integers(0, 300),
    st.integers(0, 999),
)
@settings(max_examples=80, deadline=None)
def test_every_stored_sample_is_read_back(
    rows: list[tuple[float, float, int]], dt_ms: int, gap: int, phase_ms: int
) -> None:
    kept = np.array([row[0] for row in rows], np.float32)
    beats = np.array([row[1] for row in rows], np.float32)
    moved = np.array([row[2] for row in rows], np.uint8)
    if np.isnan(kept).all() and np.isnan(beats).all() and (moved == 255).all():
        return
    places = np.arange(len(rows))
    places[len(rows) // 2 + 1 :] += gap  # out of reach for a while, after at least one even step
    t_ms = START_MS + phase_ms + places.astype(np.int64) * dt_ms
    written = edfio.read_edf(io.BytesIO(to_edf(night(t_ms, {"spo2": kept, "pulse": beats, "motion": moved}), PATIENT)))
    begun = datetime.combine(written.startdate, written.starttime)
    assert begun.isoformat(timespec="milliseconds") == local(START_MS + phase_ms)
    for label, values in (("SpO2", kept), ("Pulse", beats), ("Motion", np.where(moved == 255, np.nan, moved))):
        if np.isnan(values).all():
            assert label not in written.labels
            continue
        signal = written.get_signal(label)
        assert signal.sampling_frequency == 1000 / dt_ms
        # Held in 0.01: what stands in the file is the stored number itself once it is a float32 again.
        found = np.round(signal.data, 2).astype(np.float32)
        found[found == -1] = np.nan
        np.testing.assert_array_equal(found[places], values.astype(np.float32))
        others = np.delete(found, places)
        assert np.isnan(others).all()


def local(utc_ms: int) -> str:
    """As Berlin's clocks show it before the night's change."""
    return datetime.fromtimestamp(utc_ms / 1000 + 3600, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


@given(st.lists(st.one_of(st.just(None), st.integers(60, 100)), min_size=30, max_size=300).filter(any))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_our_own_reader_gives_the_same_night(tmp_path: Path, values: list[int | None]) -> None:
    kept = np.array([np.nan if value is None else value for value in values], np.float32)
    t_ms = START_MS + 1000 * np.arange(kept.size, dtype=np.int64)
    path = tmp_path / "night.edf"
    path.write_bytes(to_edf(night(t_ms, {"spo2": kept}), PATIENT))
    back = read(path, None)
    np.testing.assert_array_equal(back.spo2[: kept.size], kept)
    assert np.isnan(back.spo2[kept.size :]).all()
    assert back.interval_s == 1.0


def test_events_wear_and_the_header() -> None:
    t_ms = START_MS + 1000 * np.arange(600, dtype=np.int64)
    event = Desaturation(
        START_MS + 60_000, START_MS + 80_000, START_MS + 95_500, 96.0, 88.0, 8.0, 100.0, confidence=0.9
    )
    trace = night(t_ms, {"spo2": np.full(600, 95.0)}, (event,))
    pseudonymous = edfio.read_edf(io.BytesIO(to_edf(trace, PATIENT)))
    assert [(one.onset, one.duration, one.text) for one in pseudonymous.annotations] == [
        (0.0, 600.0, "MAD in the mouth"),
        (60.0, 35.5, "Desaturation 8.0 % to 88.0 %"),
    ]
    assert (pseudonymous.patient.code, pseudonymous.patient.name, pseudonymous.patient.sex) == (PATIENT.id, "X", "X")
    assert pseudonymous.recording.equipment_code == "o2ring-1"
    named = edfio.read_edf(io.BytesIO(to_edf(trace, PATIENT, identified=True)))
    assert (named.patient.name, named.patient.sex) == ("J?rg_?zt?rk", "M")


def test_what_is_moved_left_out_or_beyond_the_scale_is_told() -> None:
    t_ms = START_MS + 1000 * np.arange(20, dtype=np.int64)
    t_ms[10:] += 300  # live and stored data out of phase
    t_ms[15] = t_ms[14] + 100
    values = np.full(20, 95.0)
    values[3] = 101.0
    written = edfio.read_edf(io.BytesIO(to_edf(night(t_ms, {"spo2": values}), PATIENT)))
    told = [one.text for one in written.annotations]
    assert "Samples were moved by up to 300 ms onto an even grid" in told
    assert "1 samples found their place taken and were left out" in told
    assert "1 values of SpO2 beyond 0 to 100 were left out" in told


def test_a_night_without_a_value_is_none() -> None:
    t_ms = START_MS + 1000 * np.arange(5, dtype=np.int64)
    with pytest.raises(ConfigurationError, match="no value to write"):
        to_edf(night(t_ms, {}), PATIENT)
    with pytest.raises(ConfigurationError, match="no sample"):
        to_edf(night(t_ms, {}).__class__(night(t_ms, {}).result, night(t_ms, {}).samples[:0], (), ()), PATIENT)

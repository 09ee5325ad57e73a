"""Files as batches: what the wire can hold, cut where it must be, and nothing else changed."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InputFileError
from gateway.service.exchange.files import WearLog
from gateway.service.exchange.files.bed_waveform import BedWaveform
from gateway.service.exchange.imports.batches import to_batches
from gateway.service.exchange.imports.opened import start_of
from gateway.service.exchange.imports.waveform import to_counts
from gateway.service.exchange.recording import Recording
from gateway.wire.messages import MAX_SAMPLES, Batch, WaveformFlag

START_MS = 1_790_114_400_000
NO_U1, NO_U2 = np.empty(0, np.uint8), np.empty(0, np.uint16)


def recording(size: int, interval_s: float = 1.0, start: datetime | None = None) -> Recording:
    values = (90 + np.arange(size) % 10).astype(np.float32)
    return Recording(
        "night.csv", "csv", start, interval_s, values, values - 30, np.full(size, 255, np.uint8), np.zeros(size, "u2")
    )


def wear_log(seconds: np.ndarray) -> WearLog:
    temperature = (30 + np.arange(seconds.size) % 6).astype(np.float32)
    return WearLog("log.csv", None, seconds, temperature, np.empty((0, 3), np.int16), NO_U2, NO_U2, ())


def waveform(pressure: np.ndarray, rate_hz: float = 50.0, count: float = 1.0, gain: np.ndarray = NO_U1) -> BedWaveform:
    return BedWaveform("bed.csv", None, rate_hz, pressure.astype(np.float64), gain, NO_U1, count, ())


def times(batches: list[Batch]) -> np.ndarray:
    return np.concatenate([batch.times_ms() for batch in batches])


@pytest.mark.parametrize(
    ("size", "parts"), [(1, 1), (MAX_SAMPLES, 1), (MAX_SAMPLES + 1, 2), (2 * MAX_SAMPLES, 2), (2 * MAX_SAMPLES + 1, 3)]
)
def test_oximetry_is_cut_at_what_a_batch_holds(size: int, parts: int) -> None:
    file = recording(size, 0.25)
    batches = to_batches(file, "ring-1", "s", START_MS)
    assert [batch.seq for batch in batches] == list(range(parts))
    assert [batch.last for batch in batches] == [False] * (parts - 1) + [True]
    np.testing.assert_array_equal(times(batches), START_MS + 250 * np.arange(size))
    np.testing.assert_array_equal(np.concatenate([batch.columns["spo2"] for batch in batches]), file.spo2)


def test_an_interval_that_is_no_whole_millisecond_would_drift() -> None:
    with pytest.raises(InputFileError, match=r"a sample every 0.3333 s is no whole number of milliseconds"):
        to_batches(recording(28_800, 0.3333), "ring-1", "s", START_MS)


def test_times_before_1970_are_refused() -> None:
    with pytest.raises(InputFileError, match=r"night\.csv: t0_ms out of range"):
        to_batches(recording(3), "ring-1", "s", -1000)


@given(
    st.lists(st.floats(0, 20 * 86_400), min_size=1, max_size=60).map(
        lambda gaps: np.cumsum([0.0, *(round(gap, 3) for gap in gaps)])
    )
)
@settings(max_examples=60, deadline=None)
def test_wear_however_uneven_keeps_its_times(seconds: np.ndarray) -> None:
    log = wear_log(seconds)
    batches = to_batches(log, "mad-1", "s", START_MS)
    np.testing.assert_array_equal(times(batches), START_MS + np.rint(seconds * 1000).astype(np.int64))
    np.testing.assert_array_equal(np.concatenate([b.columns["temperature"] for b in batches]), log.temperature)
    assert set(batches[0].columns) == {"temperature"}


def test_a_waveform_of_counts_at_fifty_a_second_is_unchanged() -> None:
    values = np.arange(-2000, 2000)
    gain = (np.arange(4000) % 4).astype(np.uint8)
    (batch,) = to_batches(waveform(values, gain=gain), "bed-1", "s", START_MS)
    np.testing.assert_array_equal(batch.columns["pressure"], values)
    np.testing.assert_array_equal(batch.columns["gain"], gain)
    assert (batch.dt_ms, to_counts(waveform(values)).notes) == (20, ())


def test_what_is_missing_is_not_sent_and_told_after() -> None:
    values = np.arange(100.0)
    values[:5] = values[40:60] = values[99] = np.nan
    first, second = to_batches(waveform(values), "bed-1", "s", START_MS)
    assert (first.t0_ms - START_MS, first.size, second.t0_ms - START_MS, second.size) == (100, 35, 1200, 39)
    assert first.columns["flags"][0] == 0
    assert second.columns["flags"].tolist() == [WaveformFlag.GAP] + [0] * 38


@pytest.mark.parametrize("rate_hz", [49.0, 64.0, 100.0, 250.0, 1000.0])
def test_another_rate_becomes_means_of_twenty_milliseconds(rate_hz: float) -> None:
    t = np.arange(int(20 * rate_hz)) / rate_hz
    counts = to_counts(waveform(np.rint(1000 * np.sin(2 * np.pi * t)), rate_hz))
    assert abs(counts.pressure.size - 1000) <= 1
    expected = 1000 * np.sin(2 * np.pi * (np.arange(counts.pressure.size) / 50 + 0.01 - 0.5 / rate_hz))
    np.testing.assert_allclose(counts.pressure, expected, atol=25)  # half a step of the coarsest rate
    assert counts.notes == (f"{rate_hz:g} samples a second: kept as means of 20 ms",)


def test_a_window_counts_if_half_of_it_is_known() -> None:
    values = np.tile([10.0, 20.0], 10)
    values[0] = np.nan  # half of the first
    values[2] = values[3] = np.nan  # all of the second
    counts = to_counts(waveform(values, 100.0))
    assert counts.known.tolist() == [True, False] + [True] * 8
    assert counts.pressure[[0, 2]].tolist() == [20, 15]


@pytest.mark.parametrize(("most", "kept"), [(32_767, True), (32_768, False)])
def test_what_is_beyond_sixteen_bits_is_scaled_and_told(most: int, kept: bool) -> None:
    counts = to_counts(waveform(np.array([0.0, 100.0, most])))
    assert bool(counts.pressure[2] == most) is kept
    assert (counts.notes == ()) is kept
    assert kept or (counts.pressure.max(), counts.pressure.min()) == (16_000, -16_000)


def test_volts_become_counts_in_proportion() -> None:
    counts = to_counts(waveform(np.array([-1.0, 0.0, 0.5, 1.0]) * 1e-4, count=0.0))
    assert counts.pressure.tolist() == [-16_000, 0, 8_000, 16_000]


def test_a_start_is_needed_and_a_zone() -> None:
    given_start = datetime(2026, 3, 13, 22, tzinfo=UTC)
    assert start_of(recording(3), given_start) == given_start
    assert start_of(recording(3, start=given_start), None) == given_start
    with pytest.raises(InputFileError, match="holds no start"):
        start_of(recording(3), None)
    with pytest.raises(InputFileError, match="its times are local"):
        start_of(recording(3, start=given_start.replace(tzinfo=None)), None)

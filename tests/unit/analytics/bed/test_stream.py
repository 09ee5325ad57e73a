"""A bed's waveform analysed: heart, breath, presence, movement, disturbances, and what is not said."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.bed import stream
from analytics.bed.signal import CLIPPED, WaveformChunk
from analytics.bed.ticks import HEART_TAPS, TICKS_DTYPE, bandpass, noise_floor, put, select, tick_features
from tests.unit.analytics.bed.scenes import Scene, make_bed, measure, scene_of, short_scene


def beating(bpm: float, seconds: int, noise: float = 2.0, weak_every: int = 0) -> np.ndarray:
    """Damped 6 Hz complexes at an even rate, with noise; every `weak_every`th at a third of its height."""
    rng = np.random.default_rng(7)
    t = np.arange(seconds * 50) / 50.0
    made = noise * rng.standard_normal(t.size)
    for number, at in enumerate(np.arange(0.3, seconds, 60.0 / bpm)):
        since = t - at
        height = 33.0 if weak_every and number % weak_every == 0 else 100.0
        made += height * np.where(since >= 0, np.exp(-since / 0.09) * np.sin(2 * np.pi * 6.0 * since), 0.0)
    return made


def told(pressure: np.ndarray, **given: object) -> np.ndarray:
    return stream.analyze(WaveformChunk(0.0, 20.0, pressure, **given)).epochs  # type: ignore[arg-type] - of a test


@pytest.mark.parametrize("bpm", [38, 50, 61, 85, 110, 140])
def test_an_even_heart_is_read_to_half_a_beat(bpm: int) -> None:
    rates = told(beating(bpm, 60))["heart_rate"][:5]
    assert np.abs(rates - bpm).max() < 0.5


def test_beats_of_alternating_height_do_not_read_half() -> None:
    rates = told(beating(70, 60, weak_every=2))["heart_rate"][:5]
    assert np.abs(rates - 70).max() < 1.0


def test_an_empty_bed_has_no_heart_no_breath_and_nobody_in_it() -> None:
    epochs = told(np.rint(4.0 * np.random.default_rng(3).standard_normal(50 * 300)))
    assert not epochs["presence"].any()
    assert np.isnan(epochs["heart_rate"]).all()
    assert np.isnan(epochs["respiration_rate"]).all()
    assert not epochs["movement"].any()


def test_a_dead_sensor_is_an_empty_bed() -> None:
    epochs = told(np.full(50 * 60, 17.0))
    assert not epochs["presence"].any()
    assert np.isnan(epochs["heart_rate"]).all()


@pytest.mark.parametrize("scale", [0.05, 1.0, 30.0])
def test_no_threshold_depends_on_the_sensor_s_scale(scale: float) -> None:
    scene = short_scene()
    pressure = scene.counts[: 50 * 900].astype(np.float64)
    whole, scaled = (told(pressure * by, count=0.0) for by in (1.0, scale))
    assert np.array_equal(whole["presence"], scaled["presence"])
    assert np.allclose(whole["heart_rate"], scaled["heart_rate"], rtol=1e-3, equal_nan=True)


def test_the_noise_floor_is_the_noise_s_own_with_somebody_in_bed_and_without() -> None:
    scene = short_scene()
    for from_s in (0, 1200):
        state = np.zeros(1, TICKS_DTYPE)
        state["last_bad"] = -(2**62)
        state["following"] = -1
        counts = scene.counts[50 * from_s : 50 * (from_s + 280)]
        for slot, value in enumerate(counts.tolist()):
            put(state[0], slot, float(value), 0, 1.0)
            if slot % 10 == 9:
                tick_features(state[0], slot // 10)
        assert noise_floor(state[0]) == pytest.approx(4.0, rel=0.35)


def test_a_bandpass_passes_its_band_and_nothing_of_a_constant() -> None:
    assert abs(HEART_TAPS.sum()) < 1e-12
    taps = bandpass(61, 2.0, 10.0, 50.0)
    t = np.arange(61) / 50.0
    gains = [abs(np.sum(taps * np.exp(-2j * np.pi * hz * t))) for hz in (0.3, 6.0, 20.0)]
    assert gains[0] < 0.02
    assert gains[1] == pytest.approx(1.0, abs=0.02)
    assert gains[2] < 0.02


def test_select_is_the_value_of_a_rank() -> None:
    values = np.random.default_rng(1).integers(0, 20, 50).astype(np.float64)
    for rank in (0, 1, 24, 49):
        assert select(values.copy(), 50, rank) == np.sort(values)[rank]


def test_who_gets_in_and_out_is_seen_within_a_window() -> None:
    scene = short_scene()
    epochs = stream.analyze(scene.chunk()).epochs
    wrong = (epochs["presence"] == 1) != (scene.truth.present > 0.5)
    assert np.count_nonzero(wrong) <= 2 * len(scene.stay.present_ms)


def test_movements_are_told_where_they_are() -> None:
    scene = short_scene()
    epochs = stream.analyze(scene.chunk()).epochs
    still = scene.truth.moving == 0
    assert epochs["movement"][still].mean() < 0.01
    large = (scene.truth.moving >= 0.4) & (scene.truth.present == 1)
    assert (epochs["movement"][large] > 0.1).mean() > 0.9


def test_a_held_breath_has_no_rate() -> None:
    scene = short_scene()
    epochs = stream.analyze(scene.chunk()).epochs
    start_s = (scene.stay.night_start_ms - scene.start_ms) / 1000.0
    held = [
        int((start_s + event.start_s + 9.99) // 10)
        for event in scene.stay.events
        if event.flow == 0 and event.duration_s > 22
    ]
    assert len(held) >= 5
    assert np.isnan(epochs["respiration_rate"][held]).mean() > 0.7


def test_disturbances_are_the_events_of_the_night() -> None:
    scene = short_scene()
    found = stream.analyze(scene.chunk()).disturbances
    true = scene.stay.night_start_ms + 1000 * np.array([[e.start_s, e.end_s] for e in scene.stay.events])
    hit = [((found["start_ms"] < end) & (found["end_ms"] > start)).any() for start, end in true]
    right = [((true[:, 0] < row["end_ms"]) & (true[:, 1] > row["start_ms"])).any() for row in found]
    assert np.mean(hit) > 0.8
    assert np.mean(right) > 0.8


def accurate(scene: Scene) -> None:
    got = measure(scene)
    assert got.heart_mae <= 1.5
    assert got.heart_coverage >= 0.8
    assert got.half_rate == 0
    assert got.breath_mae <= 0.5
    assert got.breath_coverage >= 0.8
    assert abs(got.index - got.true_index) <= 5.0


@pytest.mark.parametrize(("seed", "profile"), [(91, "moderate"), (92, "severe"), (93, "healthy")])
def test_simulated_hearts_and_breaths_are_within_the_bar(seed: int, profile: str) -> None:
    accurate(scene_of(make_bed(seed, profile, 3.0)))


def test_clipped_samples_are_not_read_and_the_rest_is() -> None:
    scene = short_scene()
    low = np.clip(scene.counts, -600, 600).astype(np.float64)
    flags = np.where(np.abs(low) >= 600, CLIPPED, 0).astype(np.uint8)
    epochs = told(low, flags=flags)
    assert (epochs["valid"] < 0.7).any()
    assert np.isnan(epochs["heart_rate"][epochs["valid"] < 0.3]).all()
    true = scene.truth.heart_rate_bpm[epochs["start_ms"] // 10_000]
    known = ~np.isnan(epochs["heart_rate"]) & ~np.isnan(true)
    assert known.any()
    assert np.abs(epochs["heart_rate"] - true)[known].mean() < 2.0


def test_a_second_sleeper_is_said() -> None:
    for seed, profile in ((32, "severe"), (95, "mild")):
        assert measure(scene_of(make_bed(seed, profile, 2.0, two=True))).night.ambiguous
        assert not measure(scene_of(make_bed(seed, profile, 2.0))).night.ambiguous


def test_a_closed_recording_takes_no_more() -> None:
    state, _ = stream.step(stream.start(), WaveformChunk(0.0, 20.0, np.zeros(100)))
    closed, _ = stream.close(state)
    with pytest.raises(ValueError, match="closed"):
        stream.step(closed, WaveformChunk(2000.0, 20.0, np.zeros(100)))
    with pytest.raises(ValueError, match="closed"):
        stream.close(closed)


def test_a_damaged_or_foreign_snapshot_is_refused() -> None:
    data = stream.start().to_bytes()
    with pytest.raises(ValueError, match="damaged"):
        stream.BedState.from_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="not a state"):
        stream.BedState.from_bytes(b"somnolink peak 1.1.0" + data)


def test_an_epoch_comes_twenty_seconds_after_its_end() -> None:
    scene = short_scene()
    state = stream.start()
    for second in range(200):
        at = 50 * second
        chunk = WaveformChunk(scene.start_ms + 1000.0 * second, 20.0, scene.counts[at : at + 50].astype(np.float64))
        state, output = stream.step(state, chunk)
        for row in output.epochs:
            assert scene.start_ms + 1000 * (second + 1) - (row["start_ms"] + 10_000) == 20_000

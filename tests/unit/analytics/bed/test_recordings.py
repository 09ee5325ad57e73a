"""The bar of the bed sensor: on nights driven by real hearts, and on real ballistocardiograms.

Where the recordings are absent, nights of the same file format that the tests write themselves stand in for the hearts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.bed.signal import WaveformChunk
from analytics.bed.stream import analyze
from gateway.service.exchange.files.bed_waveform import read_bed_waveform
from simulators.physiology.rr import read_rr_csv
from tests.unit.analytics.bed.scenes import make_bed, measure, scene_of


def write_rr_night(path: Path, mean_s: float, arrhythmia: float, hours: float) -> Path:
    """A night of intervals as the published files have them: arrhythmia of breath, slow trends, some losses."""
    rng = np.random.default_rng(round(1000 * mean_s))
    count = int(hours * 3600 / mean_s)
    beat = np.arange(count)
    rr = mean_s * (1.0 + arrhythmia * np.sin(2 * np.pi * beat / 4.3) + 0.08 * np.sin(2 * np.pi * beat / 2500.0))
    rr += 0.03 * mean_s * rng.standard_normal(count)
    rr[rng.integers(0, count, 5)] = 12.5
    rr[rng.integers(0, count, 5)] *= 0.4
    lines = [f"2023/11/2 23:13:17,{60 / value:.0f},{value:.3f}" for value in rr]
    path.write_text("\n".join(["Timestamp,Heart Rate,RR Interval in seconds", *lines]) + "\n")
    return path


def within_the_bar(rr_ms: np.ndarray, seed: int, profile: str, hours: float) -> None:
    got = measure(scene_of(make_bed(seed, profile, hours, rr_ms=rr_ms)))
    assert got.heart_mae <= 1.5
    assert got.heart_coverage >= 0.8
    assert got.half_rate == 0
    assert got.breath_mae <= 0.5
    assert got.breath_coverage >= 0.8
    assert abs(got.index - got.true_index) <= 5.0


@pytest.mark.parametrize(("mean_s", "arrhythmia", "seed"), [(1.22, 0.15, 101), (0.89, 0.07, 102)])
def test_nights_driven_by_a_synthetic_file_of_intervals(
    tmp_path: Path, mean_s: float, arrhythmia: float, seed: int
) -> None:
    rr = read_rr_csv(write_rr_night(tmp_path / "rr_night.csv", mean_s, arrhythmia, 4.0))
    within_the_bar(rr, seed, "moderate", 3.5)


@pytest.mark.parametrize(
    ("name", "seed", "profile"),
    [("rr_night_1.csv", 103, "moderate"), ("rr_night_2.csv", 104, "severe")],
)
def test_nights_driven_by_real_hearts(recordings: Path, name: str, seed: int, profile: str) -> None:
    within_the_bar(read_rr_csv(recordings / "bed" / name), seed, profile, 8.0)


@pytest.mark.parametrize("begin_s", range(10))
def test_the_real_recording_of_85_reads_85_in_every_window(recordings: Path, begin_s: int) -> None:
    waveform = read_bed_waveform(recordings / "bed" / "bcg_ecg.mat")
    shifted_ms = (10.0 - begin_s) % 10.0 * 1000.0
    chunk = WaveformChunk(shifted_ms, 1000.0 / waveform.rate_hz, waveform.pressure, count=waveform.count)
    epochs = analyze(chunk).epochs
    # Only windows of which all, or all but the last 0.2 s, was recorded.
    whole = epochs[(epochs["start_ms"] >= shifted_ms) & (epochs["start_ms"] + 9_700 <= shifted_ms + 19_798)]
    assert whole.size == (2 if begin_s == 0 else 1)
    assert np.abs(whole["heart_rate"] - 85.0).max() <= 3.0


def test_the_other_real_recording_reads_what_is_known_of_it(recordings: Path) -> None:
    waveform = read_bed_waveform(recordings / "bed" / "bcg_1000hz.txt")
    assert waveform.rate_hz == 1000.0
    rate = analyze(WaveformChunk(0.0, 1.0, waveform.pressure)).epochs["heart_rate"][0]
    assert 71.0 <= rate <= 77.0

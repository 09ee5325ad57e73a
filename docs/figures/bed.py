"""Figure and figures for docs/bed.md: simulated nights driven by real hearts, analysed and held against their truth.

    SOMNOLINK_DATA=... python docs/figures/bed.py

Prints a row a night; draws one of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from analytics.bed.night import night_stays, summarise
from analytics.bed.signal import CLIPPED, WaveformChunk
from analytics.bed.stream import BedOutput, analyze
from simulators.physiology import Sleeper
from simulators.physiology.bed import Bed
from simulators.physiology.bed_truth import BedEpochs
from simulators.physiology.rr import read_rr_csv

START_MS = 1_790_000_000_000
NIGHTS = (
    (401, 1, "moderate"),
    (402, 1, "severe"),
    (403, 1, "healthy"),
    (404, 1, "rem"),
    (405, 2, "moderate"),
    (406, 2, "severe"),
    (407, 2, "mild"),
    (408, 2, "shallow"),
)
"""Seed, which real heart, kind of sleeper: none of them was looked at while the analysis was made."""


def measure(seed: int, heart: int, profile: str) -> tuple[int, np.ndarray, BedEpochs, BedOutput]:
    """Simulate and analyse a night, and print how far the one is from the other."""
    data = Path(os.environ.get("SOMNOLINK_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    rr_ms = read_rr_csv(data / "bed" / f"rr_night_{heart}.csv")
    bed = Bed.of_nights([Sleeper(seed, profile).night(START_MS)], seed, rr_ms=rr_ms)
    stay = bed.stays[0]
    start_ms = stay.bedtime_ms // 10_000 * 10_000 - 300_000
    size = (stay.rise_ms - start_ms) // 10_000 + 30
    counts = bed.counts(start_ms, size * 500, width=16)
    flags = np.where(np.abs(counts) >= 32_767, CLIPPED, 0).astype(np.uint8)
    found = analyze(WaveformChunk(float(start_ms), 20.0, counts.astype(np.float64), flags=flags))
    truth, rows = bed.epochs(start_ms, size), found.epochs
    heart_error = rows["heart_rate"] - truth.heart_rate_bpm
    breath_error = rows["respiration_rate"] - truth.respiration_rate_per_min
    night = summarise(rows, found.disturbances)
    in_bed, breathing = ~np.isnan(truth.heart_rate_bpm), ~np.isnan(truth.respiration_rate_per_min)
    asleep = np.zeros(size, np.bool_)
    for part in night_stays(rows, found.disturbances):
        asleep[part.first : part.after] = part.asleep
    awake = ~truth.asleep & (truth.present > 0.5)
    sys.stdout.write(
        f"| {seed} | {heart}, {profile} | {np.nanmean(np.abs(heart_error)):.2f} "
        f"| {100 * np.mean(~np.isnan(heart_error[in_bed])):.1f} "
        f"| {np.count_nonzero(rows['heart_rate'] < 0.65 * truth.heart_rate_bpm)} "
        f"| {np.nanmean(np.abs(breath_error)):.2f} | {100 * np.mean(~np.isnan(breath_error[breathing])):.1f} "
        f"| {night.disturbance_index:.1f} / {stay.ahi:.1f} | {night.sleep_min:.0f} / {60 * stay.sleep_h:.0f} "
        f"| {100 * np.mean(asleep[truth.asleep]):.0f} / {100 * np.mean(~asleep[awake]):.0f} |\n"
    )
    return start_ms, counts, truth, found


def draw(start_ms: int, counts: np.ndarray, truth: BedEpochs, found: BedOutput) -> None:
    """Three minutes of the waveform with what was found in them, then the rates of the night."""
    hours = (found.epochs["start_ms"] - start_ms) / 3.6e6
    figure, (wave, heart, breath) = plt.subplots(3, 1, figsize=(8, 7.2), layout="constrained")
    middle = found.disturbances[found.disturbances.size // 2]
    first = (int(middle["start_ms"]) - start_ms) // 20 - 50 * 75
    part = counts[first : first + 50 * 180]
    wave.plot(np.arange(part.size) / 50.0, part, color="#1f3a5f", linewidth=0.5)
    for row in found.disturbances:
        begin, end = ((int(row[name]) - start_ms) / 1000.0 - first / 50.0 for name in ("start_ms", "end_ms"))
        if end > 0 and begin < 180:
            wave.axvspan(max(begin, 0), min(end, 180), color="#c8553d", alpha=0.2)
    wave.set(xlabel="s", ylabel="counts", xlim=(0, 180), ylim=tuple(np.quantile(part, [0.002, 0.998]) * 1.3))
    wave.set_title("Three minutes of a simulated strip; disturbances found are shaded", fontsize=10)
    pairs = (
        (heart, truth.heart_rate_bpm, found.epochs["heart_rate"], "beats a minute"),
        (breath, truth.respiration_rate_per_min, found.epochs["respiration_rate"], "breaths a minute"),
    )
    for axes, true, told, label in pairs:
        axes.plot(hours, true, color="#9db4c0", linewidth=2.0, label="truth")
        axes.plot(hours, told, color="#c8553d", linewidth=0.7, label="found")
        axes.set(xlabel="h", ylabel=label, xlim=(0, hours[-1]))
        axes.legend(loc="upper right", fontsize=8)
    for axes in (wave, heart, breath):
        axes.grid(alpha=0.3)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=100)


def main() -> None:
    """Measure every night, draw the first."""
    for number, (seed, heart, profile) in enumerate(NIGHTS):
        made = measure(seed, heart, profile)
        if number == 0:
            draw(*made)


if __name__ == "__main__":
    main()

"""Waveforms of simulated beds, and how far an analysis of them is from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from analytics.bed.night import BedNight, summarise
from analytics.bed.signal import CLIPPED, WaveformChunk
from analytics.bed.stream import BedOutput, analyze
from simulators.physiology import Sleeper
from simulators.physiology.bed import Bed
from simulators.physiology.bed_truth import BedEpochs, StayTruth

START_MS = 1_790_000_000_000
BEFORE_MS = 300_000
RAIL = 32_767


@dataclass(frozen=True)
class Scene:
    """A bed from five minutes before it is got into until five after it is left."""

    bed: Bed
    stay: StayTruth
    start_ms: int
    counts: NDArray[np.int32]
    truth: BedEpochs

    def chunk(self) -> WaveformChunk:
        """As the sensor gives it: 16 bits, saturated samples flagged."""
        clipped = np.where(np.abs(self.counts) >= RAIL, CLIPPED, 0).astype(np.uint8)
        return WaveformChunk(float(self.start_ms), 20.0, self.counts.astype(np.float64), flags=clipped)


def scene_of(bed: Bed) -> Scene:
    stay = bed.stays[0]
    start_ms = stay.bedtime_ms // 10_000 * 10_000 - BEFORE_MS
    epochs = (stay.rise_ms + BEFORE_MS - start_ms) // 10_000
    return Scene(bed, stay, start_ms, bed.counts(start_ms, epochs * 500, width=16), bed.epochs(start_ms, epochs))


def make_bed(
    seed: int,
    profile: str = "moderate",
    hours: float = 1.0,
    rr_ms: NDArray[np.float64] | None = None,
    two: bool = False,
) -> Bed:
    night = Sleeper(seed, profile).night(START_MS, int(hours * 3600))
    return Bed.of_nights([night], seed, rr_ms=rr_ms, second_person=two)


@cache
def short_scene() -> Scene:
    """Half an hour of sleep, alone."""
    return scene_of(make_bed(90, "severe", 0.5))


@dataclass(frozen=True)
class Accuracy:
    """Of a scene's analysis."""

    heart_mae: float
    heart_coverage: float
    half_rate: int
    breath_mae: float
    breath_coverage: float
    index: float
    true_index: float
    night: BedNight
    output: BedOutput


def measure(scene: Scene) -> Accuracy:
    output = analyze(scene.chunk())
    night = summarise(output.epochs, output.disturbances)
    place = (output.epochs["start_ms"] - scene.start_ms) // 10_000
    heart, breath = np.full(scene.truth.present.size, np.nan), np.full(scene.truth.present.size, np.nan)
    heart[place], breath[place] = output.epochs["heart_rate"], output.epochs["respiration_rate"]
    true_heart, true_breath = scene.truth.heart_rate_bpm, scene.truth.respiration_rate_per_min
    in_bed = ~np.isnan(true_heart)
    off = (heart - true_heart)[in_bed & ~np.isnan(heart)]
    breathing = ~np.isnan(true_breath)
    return Accuracy(
        heart_mae=float(np.abs(off).mean()),
        heart_coverage=off.size / np.count_nonzero(in_bed),
        half_rate=int(np.count_nonzero(heart[in_bed] < 0.65 * true_heart[in_bed])),
        breath_mae=float(np.nanmean(np.abs(breath - true_breath))),
        breath_coverage=np.count_nonzero(breathing & ~np.isnan(breath)) / np.count_nonzero(breathing),
        index=float("nan") if night.disturbance_index is None else night.disturbance_index,
        true_index=scene.stay.ahi,
        night=night,
        output=output,
    )

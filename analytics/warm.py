"""``python -m analytics.warm``: compile the kernels now, so that nobody waits for them at their first use."""

from __future__ import annotations

import numpy as np

from analytics.adherence.life import postures_of
from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import find_wear
from analytics.bed.signal import WaveformChunk
from analytics.bed.stream import analyze as analyze_bed
from analytics.oximetry import stream
from analytics.oximetry.analysis import NightInput, analyze_night
from analytics.oximetry.signal import OximetryChunk


def main() -> None:
    """Run a short night through every kernel."""
    seconds = np.arange(900)
    spo2 = (96 - 5 * np.maximum(0, np.sin(seconds / 20))).round().astype(np.float32)
    pulse = np.full(seconds.size, 60, np.float32)
    nothing = np.zeros(seconds.size, np.uint8)
    state, _ = stream.step(stream.start(), OximetryChunk(0, 1000, spo2))
    state, _ = stream.step(state, OximetryChunk(900_000, 1000, spo2, pulse, nothing, np.zeros(seconds.size, np.uint16)))
    stream.close(state)
    analyze_night(NightInput(1.0, spo2, pulse))
    t_ms = np.arange(40, dtype=np.int64) * 300_000
    accel = np.zeros((40, 3), np.int16)
    column = np.zeros(40, np.uint16)
    postures_of(accel)
    find_wear(WearChunk(t_ms, np.full(40, 35, np.float32), accel, column, column))
    waves = np.random.default_rng(1).normal(0, 20, 3_000)
    analyze_bed(WaveformChunk(0.0, 20.0, waves, np.zeros(3_000, np.uint8), np.zeros(3_000, np.uint8)))


if __name__ == "__main__":
    main()

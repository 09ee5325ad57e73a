"""A night of a bed's waveform through the analysis: 8 h at 50 Hz on one core, warm, against its limit of 3 s.

    python benchmarks/bed.py [--json]

`--json` prints one flat JSON object. Keys: `night_s` (whole, processor time), `limit_s`, `limit_ratio` (limit over
taken), `stream_s` (the same in batches of 2 s, as they come live), `step_ms` (one such batch), `state_bytes`; and how
far the analysis is from the truth of that simulated night: `heart_mae_bpm`, `heart_coverage_pct`,
`respiration_mae_per_min`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Final

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # after the number of threads is set

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from analytics.bed import stream
from analytics.bed.signal import WaveformChunk
from simulators.physiology import Sleeper
from simulators.physiology.bed import Bed

HOURS: Final = 8
BATCH: Final = 100
LIMIT_S: Final = 3.0
START_MS: Final = 1_790_000_000_000


def measure() -> dict[str, float]:
    """Times by processor time, which what runs beside it hardly moves, and the accuracy of that night."""
    bed = Bed.of_nights([Sleeper(40).night(START_MS, HOURS * 3600)], 40)
    samples = bed.counts(START_MS, HOURS * 3600 * 50, width=16).astype(np.float64)
    whole = WaveformChunk(float(START_MS), 20.0, samples)
    stream.analyze(WaveformChunk(float(START_MS), 20.0, samples[: 50 * 600]))
    best = np.inf
    for _ in range(3):
        begin = time.process_time()
        output = stream.analyze(whole)
        best = min(best, time.process_time() - begin)

    state = stream.start()
    pieces = [
        WaveformChunk(START_MS + 20.0 * first, 20.0, samples[first : first + BATCH])
        for first in range(0, samples.size, BATCH)
    ]
    begin = time.process_time()
    for piece in pieces:
        state, _ = stream.step(state, piece)
    streamed = time.process_time() - begin

    truth = bed.epochs(START_MS, output.epochs.size)
    heart = output.epochs["heart_rate"] - truth.heart_rate_bpm
    breath = output.epochs["respiration_rate"] - truth.respiration_rate_per_min
    return {
        "night_s": best,
        "limit_s": LIMIT_S,
        "limit_ratio": LIMIT_S / best,
        "stream_s": streamed,
        "step_ms": 1000.0 * streamed / len(pieces),
        "state_bytes": float(len(state.to_bytes())),
        "heart_mae_bpm": float(np.nanmean(np.abs(heart))),
        "heart_coverage_pct": 100.0 * float(np.mean(~np.isnan(heart[~np.isnan(truth.heart_rate_bpm)]))),
        "respiration_mae_per_min": float(np.nanmean(np.abs(breath))),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="A night of a bed's waveform through the analysis.")
    parser.add_argument("--json", action="store_true", help="one flat JSON object on stdout")
    table = measure()
    if parser.parse_args().json:
        print(json.dumps(table))
        return
    for key, value in table.items():
        print(f"{key:24} {value:.6g}")


if __name__ == "__main__":
    main()

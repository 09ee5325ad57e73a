"""Draw docs/figures/oximetry_peak.png: twelve minutes of a simulated sleeper, what `peak` finds and how sure it is.

Run from the project's root: ``python docs/figures/oximetry_peak.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from analytics.oximetry.stream import detect
from simulators.physiology.sleeper import Sleeper

OUT: Final = Path(__file__).with_suffix(".png")
SEED: Final = 101
LENGTH_S: Final = 720


def main() -> None:
    """Choose the busiest stretch of the night and draw it."""
    night = Sleeper(SEED, "moderate").night(0)
    spo2 = np.rint(night.spo2_pct)
    found = detect(spo2, motion=night.motion, flags=night.poor_signal * 4 + night.finger_off).events
    counts = [
        np.count_nonzero((found["nadir_s"] >= t) & (found["nadir_s"] < t + LENGTH_S)) for t in range(0, 28_000, 60)
    ]
    begin = 60 * int(np.argmax(counts))
    seconds = np.arange(begin, begin + LENGTH_S)

    figure, axes = plt.subplots(figsize=(10, 3.4), layout="constrained")
    for event in night.events:
        if begin <= event.start_s < begin + LENGTH_S:
            axes.axvspan(event.start_s / 60, event.end_s / 60, color="tab:red", alpha=0.15, lw=0)
    axes.step(seconds / 60, spo2[seconds], color="0.25", lw=1, where="post")
    for row in found:
        if begin <= row["start_s"] and row["end_s"] < begin + LENGTH_S:
            times = np.array([row["start_s"], row["nadir_s"], row["end_s"]])
            axes.plot(
                times / 60,
                [row["baseline_pct"], row["nadir_pct"], spo2[row["end_s"]]],
                "o-",
                color="tab:blue",
                ms=3,
                lw=1.2,
            )
            axes.annotate(
                f"{row['confidence']:.2f}", (row["nadir_s"] / 60, row["nadir_pct"] - 0.9), ha="center", fontsize=7
            )
    axes.set(xlabel="minutes of the night", ylabel="SpO2, %", xlim=(begin / 60, (begin + LENGTH_S) / 60))
    axes.set_title(
        "Simulated respiratory events (red), SpO2, and desaturations of `peak` with their confidence", fontsize=9
    )
    axes.margins(y=0.25)
    figure.savefig(OUT, dpi=110)


if __name__ == "__main__":
    main()

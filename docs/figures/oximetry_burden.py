"""Figure for docs/oximetry.md: how the hypoxic burden finds its search window, on a synthetic night.

python docs/figures/oximetry_burden.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import matplotlib.pyplot as plt
import numpy as np

from analytics.oximetry.burden import HALF_S, hypoxic_burden

EVENTS = 60
SPACING_S = 150


def main() -> None:
    """Draw the curves about all events, their average, and the window."""
    rng = np.random.default_rng(8)
    n = EVENTS * SPACING_S + 600
    spo2 = 96.0 + rng.normal(0.0, 0.15, n)
    duration = rng.uniform(14, 34, EVENTS)
    start = 300.0 + SPACING_S * np.arange(EVENTS) + rng.uniform(0, 25, EVENTS)
    for begin, length in zip(start, duration, strict=True):
        fall, depth = int(length), rng.uniform(2.5, 8.0)
        dip = np.concatenate([np.linspace(0, depth, fall), np.linspace(depth, 0, 18)])
        at = int(begin) + 16  # circulation, and the sensor's averaging
        spo2[at : at + dip.size] -= dip
    spo2 = np.rint(spo2)
    found = hypoxic_burden(spo2, start, duration, events="scored")

    figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
    t = np.arange(-HALF_S, HALF_S + 1)
    ends = np.floor(start + duration + 1).astype(int) - 1
    curves = np.array([spo2[end - HALF_S : end + HALF_S + 1] for end in ends])
    axes.plot(t, curves.T, color="#9db4c0", linewidth=0.4, alpha=0.5)
    axes.plot(t, curves.mean(axis=0), color="#1f3a5f", linewidth=2, label="average of all events")
    axes.axvspan(found.window_start_s, found.window_end_s, color="#c8553d", alpha=0.2, label="search window")
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--", label="end of the breathing event")
    axes.set(xlabel="seconds from the event's end", ylabel="SpO2, %", xlim=(-HALF_S, HALF_S), ylim=(87, 97.5))
    axes.set_title(
        f"Hypoxic burden {found.value:.1f} % min/h: window {found.window_start_s}..+{found.window_end_s} s", fontsize=10
    )
    axes.legend(loc="lower left", fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()

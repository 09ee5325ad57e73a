"""Figure for docs/oximetry.md: what five rules that all count "3 % desaturations" find in the same 25 minutes.

    python docs/figures/oximetry_profiles.py

The signal is synthetic: clustered falls, a slow recovery, a shallow run and a dropout. Nothing in it is from a person.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from analytics.oximetry.profiles import PROFILES
from analytics.oximetry.profiles.profile import bridged
from analytics.oximetry.stream import analyze_core

MINUTES = 25
LEAD_S = 3600
"""An hour of rest before what is shown, so that every baseline is settled."""

DIPS = (  # second, fall s, hold s, rise s, depth %
    (60, 30, 4, 10, 6.0),
    (150, 26, 3, 10, 5.0),
    (215, 24, 3, 9, 7.0),
    (275, 25, 3, 9, 6.0),
    (420, 8, 2, 8, 4.0),
    (520, 40, 10, 60, 5.0),
    (760, 25, 60, 25, 3.4),
    (960, 30, 3, 10, 3.0),
    (1040, 30, 3, 10, 3.2),
    (1120, 28, 3, 10, 3.4),
    (1290, 45, 5, 12, 9.0),
)
DROPOUT_S = (690, 720)


def signal() -> NDArray[np.float64]:
    """SpO2 at 1 Hz, whole percents, the lead first."""
    rng = np.random.default_rng(3)
    n = LEAD_S + 60 * MINUTES
    spo2 = 96.0 + 0.3 * np.sin(np.arange(n) / 400.0) + rng.normal(0.0, 0.12, n)
    for at, fall, hold, rise, depth in DIPS:
        dip = np.concatenate([np.linspace(0, depth, fall), np.full(hold, depth), np.linspace(depth, 0, rise)])
        spo2[LEAD_S + at : LEAD_S + at + dip.size] -= dip
    spo2 = np.rint(spo2)
    spo2[LEAD_S + DROPOUT_S[0] : LEAD_S + DROPOUT_S[1]] = np.nan
    return spo2


def main() -> None:
    """Draw the signal above, the events of each profile below."""
    spo2 = signal()
    t = (np.arange(spo2.size) - LEAD_S) / 60
    figure, (top, rows) = plt.subplots(2, 1, figsize=(9, 4.8), sharex=True, height_ratios=(3, 2), layout="constrained")
    top.plot(t, spo2, color="#1f3a5f", linewidth=1, drawstyle="steps-post")
    top.set_ylabel("SpO2, %")
    top.set_ylim(85, 98)
    top.grid(alpha=0.3)
    names = []
    for row, profile in enumerate(PROFILES.values()):
        if profile.detect is None:
            events = analyze_core(spo2.astype(np.float32)).events
            events = events[events["depth_pct"] >= 3.0]
        else:
            events = profile.detect(bridged(spo2, profile.bridge), 3.0)
        events = events[events["nadir_s"] >= LEAD_S]
        begin = (events["start_s"] - LEAD_S) / 60
        rows.barh(
            np.full(events.size, row),
            (events["end_s"] - events["start_s"]) / 60,
            left=begin,
            height=0.6,
            color="#c8553d",
        )
        rows.plot((events["nadir_s"] - LEAD_S) / 60, np.full(events.size, row), "|", color="black", markersize=9)
        names.append(f"{profile.name}: {events.size}")
    rows.set_yticks(range(len(names)), names)
    rows.invert_yaxis()
    rows.set_xlim(0, MINUTES)
    rows.set_xlabel("minutes")
    rows.grid(axis="x", alpha=0.3)
    top.set_title("One signal, five rules for a 3 % desaturation (bar: event, tick: nadir)", fontsize=10)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()

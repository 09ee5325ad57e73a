"""Figures for docs/adherence.md: a night of wear as it is found, and how an insertion is dated back.

python docs/figures/adherence_wear.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import find_wear
from simulators.physiology.mouth import Mouth
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.wear_log import WearLog, even_log
from simulators.physiology.wearing import Habits, Place, Stay

T0 = 1_772_575_200_000
HOUR_MS = 3_600_000
INK, WORN, SUSPECT = "#1f3a5f", "#2e7d5b", "#c0392b"


def found(log: WearLog) -> WearChunk:
    """The log as a chunk."""
    return WearChunk(log.t_ms, log.temperature, log.accel, log.motion, log.flags)


def hours(t_ms: int | np.ndarray) -> float | np.ndarray:
    """Hours from the first instant drawn."""
    return (t_ms - T0) / HOUR_MS


def night(axes: Axes, mouth: Mouth, title: str) -> None:
    """Temperature every 5 minutes, with what was found."""
    log = even_log(mouth, T0 - HOUR_MS, T0 + 11 * HOUR_MS)
    axes.plot(hours(log.t_ms), log.temperature, ".-", color=INK, linewidth=0.8, markersize=3)
    for wear in find_wear(found(log)).intervals:
        color = SUSPECT if wear.suspect else WORN
        label = f"suspect: {', '.join(wear.suspect)}" if wear.suspect else f"worn {wear.minutes:.0f} min"
        axes.axvspan(hours(wear.start_ms), hours(wear.end_ms), color=color, alpha=0.18, linewidth=0, label=label)
    axes.set(ylabel="degC", ylim=(18, 40))
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(loc="lower center", fontsize=8)
    axes.grid(alpha=0.3)


def insertion(axes: Axes, every_s: float) -> None:
    """Readings of a warm-up, the true curve, and the insertion as dated."""
    mouth = Mouth([Stay(Place.MOUTH, T0, T0 + 8 * HOUR_MS)], 12, habits=Habits(drinks=0.0, mouth_breathing=0.0))
    log = even_log(mouth, T0 - HOUR_MS - 100_000, T0 + 11 * HOUR_MS, every_s)
    (wear,) = find_wear(found(log)).intervals
    fine = np.arange(T0 - 8 * 60_000, T0 + 30 * 60_000, 5000)
    axes.plot((fine - T0) / 60_000, [mouth.reading(int(at)).temperature_c for at in fine], color="0.7", linewidth=1)
    axes.plot((log.t_ms - T0) / 60_000, log.temperature, "o", color=INK, markersize=4, label="readings")
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--", label="inserted")
    at_min, sd_min = (wear.start_ms - T0) / 60_000, wear.start_sd_s / 60
    axes.axvspan(at_min - sd_min, at_min + sd_min, color=WORN, alpha=0.3, linewidth=0)
    axes.axvline(at_min, color=WORN, label=f"dated {at_min * 60:+.0f} s (sd {wear.start_sd_s:.0f} s)")
    axes.set(xlim=(-8, 30), xlabel="minutes from the insertion", ylabel="degC")
    axes.set_title(f"a reading every {every_s:.0f} s", loc="left", fontsize=10)
    axes.legend(loc="lower right", fontsize=8)
    axes.grid(alpha=0.3)


def main() -> None:
    """Draw both figures."""
    sleep = Sleeper(21).night(T0)
    worn = Mouth.of_nights([sleep], 21, habits=Habits(drinks=2.0, mouth_breathing=2.0, removal=0.0, early_removal=0.0))
    figure, panels = plt.subplots(3, 1, figsize=(9, 7), sharex=True, layout="constrained")
    night(panels[0], worn, "a night: drinks and mouth breathing do not end it")
    night(panels[1], Mouth([Stay(Place.WARM_WATER, T0, T0 + 8 * HOUR_MS)], 3), "left in a bath of 36 degC")
    night(panels[2], Mouth([Stay(Place.MUG, T0, T0 + 8 * HOUR_MS)], 3), "left in a flask of warm water")
    panels[2].set_xlabel("hours")
    figure.savefig(Path(__file__).with_name("adherence_wear.png"), dpi=100)
    figure, sides = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    insertion(sides[0], 300.0)
    insertion(sides[1], 120.0)
    figure.savefig(Path(__file__).with_name("adherence_dating.png"), dpi=100)


if __name__ == "__main__":
    main()

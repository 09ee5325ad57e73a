"""A wear log as a PNG picture: the temperature with its wears, and the motion."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analytics.adherence.rules import WINDOW_C
from analytics.adherence.stream import WearOutput
from gateway.service.exchange.files.wear_log import WearLog
from gateway.service.exchange.plots.axis import axis_title, time_ticks, write_file

_INK: Final = "#1f3a5f"
_WORN: Final = "#2e7d5b"
_SUSPECT: Final = "#c0392b"
_MISSING: Final = "0.6"


def plot_wear(path: Path, log: WearLog, output: WearOutput, origin_ms: int) -> None:
    """Draw the temperature with wears, suspect wears and missing data shaded; the motion below where there is any.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    figure = Figure(figsize=(14, 6 if log.motion.size else 4), dpi=110, layout="constrained")
    panels = figure.subplots(2 if log.motion.size else 1, 1, sharex=True, squeeze=False)[:, 0]
    draw_temperature(panels[0], log, output, origin_ms)
    panels[0].set_title(log.source, loc="left", parse_math=False)
    if log.motion.size:
        panels[1].plot(log.seconds, log.motion, color=_INK, linewidth=0.6)
        panels[1].set_ylabel("motion (mg)")
        panels[1].grid(alpha=0.25)
    ticks = time_ticks(log.start, log.duration_s)
    panels[-1].set_xticks([tick.at_s for tick in ticks], [tick.text for tick in ticks])
    panels[-1].set_xlabel(axis_title(log.start))
    panels[-1].set_xlim(0, max(log.duration_s, 1.0))
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_file(path, picture.getvalue())


def draw_temperature(panel: Axes, log: WearLog, output: WearOutput, origin_ms: int) -> None:
    """Draw one panel: temperature over seconds from the first reading, with what was found shaded."""
    shown: set[str] = set()

    def shade(start_ms: int, end_ms: int, color: str, what: str) -> None:
        label = None if what in shown else what
        shown.add(what)
        span = ((start_ms - origin_ms) / 1000.0, (end_ms - origin_ms) / 1000.0)
        panel.axvspan(*span, color=color, alpha=0.18, linewidth=0, label=label)

    for wear in output.intervals:
        shade(wear.start_ms, wear.end_ms, *((_SUSPECT, "suspect") if wear.suspect else (_WORN, "worn")))
    for gap in output.missing:
        shade(gap.start_ms, gap.end_ms, _MISSING, "no data")
    broken = np.flatnonzero(np.diff(log.seconds) > 1200.0) + 1
    panel.plot(
        np.insert(log.seconds, broken, np.nan),
        np.insert(log.temperature, broken, np.nan),
        color=_INK,
        linewidth=0.8,
        marker=".",
        markersize=3,
    )
    panel.axhspan(*WINDOW_C, color="0.5", alpha=0.08, linewidth=0)
    panel.set_ylabel("temperature (degC)")
    panel.grid(alpha=0.25)
    if shown:
        panel.legend(loc="lower right", fontsize="small")

"""The night as a PNG picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analytics.oximetry.analysis import Analysis
from gateway.service.exchange.plots.axis import axis_title, spo2_limits, time_ticks, write_file
from gateway.service.exchange.recording import Recording
from gateway.service.exchange.wording import number_text

_INK = "#1f3a5f"
_EVENT = "#c0392b"
_PULSE = "#2e7d5b"


def plot_png(path: Path, recording: Recording, analysis: Analysis) -> None:
    """Draw SpO2 with its desaturations, and the pulse where there is one, over local time.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    with_pulse = bool(np.isfinite(recording.pulse).any())
    figure = Figure(figsize=(14, 6 if with_pulse else 4), dpi=110, layout="constrained")
    panels = figure.subplots(2 if with_pulse else 1, 1, sharex=True, squeeze=False)[:, 0]
    seconds = np.arange(recording.spo2.size) * recording.interval_s
    _spo2_panel(panels[0], seconds, recording, analysis)
    if with_pulse:
        panels[1].plot(seconds, recording.pulse, color=_PULSE, linewidth=0.6)
        panels[1].set_ylabel("pulse (bpm)")
        panels[1].grid(alpha=0.25)
    ticks = time_ticks(recording.start, recording.duration_s)
    panels[-1].set_xticks([tick.at_s for tick in ticks], [tick.text for tick in ticks])
    panels[-1].set_xlabel(axis_title(recording.start))
    panels[-1].set_xlim(0, recording.duration_s)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_file(path, picture.getvalue())


def _spo2_panel(panel: Axes, seconds: NDArray[np.floating], recording: Recording, analysis: Analysis) -> None:
    panel.plot(seconds, recording.spo2, color=_INK, linewidth=0.6)
    for event in analysis.desaturations:
        panel.axvspan(event.start_s, event.end_s, color=_EVENT, alpha=0.18, linewidth=0)
    panel.plot(
        [event.nadir_s for event in analysis.desaturations],
        [event.nadir for event in analysis.desaturations],
        linestyle="none",
        marker="v",
        markersize=3,
        color=_EVENT,
        label=f"{len(analysis.desaturations)} desaturations >= 2 % ({analysis.profile} {analysis.profile_version})",
    )
    panel.axhline(90, color="0.5", linewidth=0.7, linestyle="--")
    panel.set_ylim(*spo2_limits(analysis))
    panel.set_ylabel("SpO2 (%)")
    odi3, t90 = number_text(analysis.odi3, 1), number_text(analysis.spo2.t90_pct, 1)
    panel.set_title(f"{recording.source}   ODI3 {odi3}/h   T90 {t90} %", loc="left", parse_math=False)
    panel.legend(loc="lower right", fontsize="small")
    panel.grid(alpha=0.25)

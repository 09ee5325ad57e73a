"""A bed's waveform as a PNG picture: heart, breath and movement each 10 s, with disturbances and the time in bed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gateway.service.exchange.files.bed_waveform import BedWaveform
from gateway.service.exchange.plots.axis import axis_title, time_ticks, write_file

_INK: Final = "#1f3a5f"
_EVENT: Final = "#c0392b"
_IN_BED: Final = "#2e7d5b"
_LANES: Final = (("heart_rate", "heart (/min)"), ("respiration_rate", "breath (/min)"), ("movement", "moving (share)"))


def plot_bed(path: Path, waveform: BedWaveform, windows: NDArray[np.void], disturbances: NDArray[np.void]) -> None:
    """Draw the rates, broken where the signal does not support them; presence and disturbances are shaded.

    Parameters
    ----------
    windows, disturbances
        Rows of `EPOCH_DTYPE` and `EVENT_DTYPE`, ms from the waveform's first sample.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    figure = Figure(figsize=(14, 7), dpi=110, layout="constrained")
    lanes = figure.subplots(len(_LANES), 1, sharex=True)
    begins = windows["start_ms"] / 1000.0
    edges = np.append(begins, begins[-1] + 10.0) if begins.size else np.zeros(1)
    for lane, (name, label) in zip(lanes, _LANES, strict=True):
        if begins.size:
            lane.stairs(windows[name].astype(float), edges, baseline=None, color=_INK, linewidth=1.0)
            inside = np.append(windows["presence"], 0) > 0
            lane.fill_between(
                edges, 0, 1, where=inside, step="post", transform=lane.get_xaxis_transform(), color=_IN_BED, alpha=0.1
            )
        for row in disturbances:
            span = (int(row["start_ms"]) / 1000.0, int(row["end_ms"]) / 1000.0)
            lane.axvspan(*span, color=_EVENT, alpha=0.25, linewidth=0)
        lane.set_ylabel(label)
        lane.grid(alpha=0.25)
    lanes[0].set_title(f"{waveform.source} (green: in bed; red: disturbances)", loc="left", parse_math=False)
    ticks = time_ticks(waveform.start, waveform.duration_s)
    lanes[-1].set_xticks([tick.at_s for tick in ticks], [tick.text for tick in ticks])
    lanes[-1].set_xlabel(axis_title(waveform.start))
    lanes[-1].set_xlim(0, max(waveform.duration_s, 1.0))
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_file(path, picture.getvalue())

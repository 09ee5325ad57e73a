"""The night as one HTML page that needs nothing else: an SVG to zoom and pan, and its desaturations in a table."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.oximetry.analysis import Analysis
from gateway.service.exchange.plots.axis import (
    axis_title,
    clock_changes,
    clock_text,
    envelope,
    spo2_limits,
    time_ticks,
    write_file,
)
from gateway.service.exchange.recording import Recording
from gateway.service.exchange.wording import number_text

WIDTH: Final = 1000
HEIGHT: Final = 260
MOST_POINTS: Final = 60_000
"""A curve's points: a night at 1 Hz is drawn whole, a longer or denser one by its extremes."""


def plot_html(path: Path, recording: Recording, analysis: Analysis) -> None:
    """Write the page.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    write_file(path, page(recording, analysis).encode())


def page(recording: Recording, analysis: Analysis) -> str:
    """Return the page's text."""
    low, high = spo2_limits(analysis)
    panels = [_panel("SpO2 (%)", recording.spo2, low, high, 5, recording, analysis, "spo2")]
    if np.isfinite(recording.pulse).any():
        bottom = 10 * np.floor(float(np.nanmin(recording.pulse)) / 10)
        top = 10 * np.ceil(float(np.nanmax(recording.pulse)) / 10)
        panels.append(
            _panel("pulse (bpm)", recording.pulse, bottom, max(top, bottom + 20), 20, recording, analysis, "pulse")
        )
    start = recording.start
    night = {
        "duration_s": recording.duration_s,
        "clock_changes": clock_changes(start, recording.duration_s),
        "start_of_day_s": None if start is None else start.hour * 3600 + start.minute * 60 + start.second,
    }
    template = Template(files(__package__).joinpath("night.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(f"{recording.source}: oximetry"),
        heading=html.escape(recording.source),
        summary=html.escape(_summary(recording, analysis)),
        panels="\n".join(panels),
        axis=html.escape(axis_title(start)),
        rows="\n".join(_rows(recording, analysis)),
        sentences="\n".join(f"<p>{html.escape(sentence)}</p>" for sentence in analysis.reading.sentences),
        night=json.dumps(night),
    )


def _panel(
    label: str,
    values: NDArray[np.float32],
    low: float,
    high: float,
    step: int,
    recording: Recording,
    analysis: Analysis,
    name: str,
) -> str:
    scale = HEIGHT / (high - low)
    levels = np.arange(low, high, step)
    lines = [
        f'<line x1="0" x2="{WIDTH}" y1="{_y(v, high, scale)}" y2="{_y(v, high, scale)}" class="grid"/>' for v in levels
    ]
    marks = [f'<text x="-6" y="{_y(v, high, scale)}" class="level">{v:g}</text>' for v in levels]
    bands = []
    for event in analysis.desaturations:
        told = f"{clock_text(recording.start, event.start_s)}: down {event.depth:.1f} % to {event.nadir:.1f} %"
        place = f'x="{event.start_s:g}" width="{max(event.end_s - event.start_s, 1):g}" y="0" height="{HEIGHT}"'
        bands.append(f'<rect class="event" {place}><title>{told}</title></rect>')
    ticks = [
        f'<text x="{WIDTH * tick.at_s / recording.duration_s:.1f}" y="{HEIGHT + 16}" class="tick">{tick.text}</text>'
        for tick in time_ticks(recording.start, recording.duration_s)
    ]
    return (
        f'<svg class="panel" viewBox="-60 -10 {WIDTH + 80} {HEIGHT + 34}" role="img" aria-label="{label}">'
        f'<text class="name" transform="translate(-46 {HEIGHT / 2}) rotate(-90)">{label}</text>'
        f"{''.join(lines)}{''.join(marks)}"
        f'<svg class="curve" x="0" y="0" width="{WIDTH}" height="{HEIGHT}" preserveAspectRatio="none" '
        f'viewBox="0 0 {recording.duration_s:g} {HEIGHT}">{"".join(bands)}'
        f'<path class="{name}" d="{_path(values, high, scale, recording.interval_s)}"/></svg>'
        f'<g class="ticks">{"".join(ticks)}</g></svg>'
    )


def _path(values: NDArray[np.float32], high: float, scale: float, interval_s: float) -> str:
    index, kept = envelope(values, MOST_POINTS)
    flat = np.zeros(kept.size, np.bool_)
    flat[1:-1] = (kept[1:-1] == kept[:-2]) & (kept[1:-1] == kept[2:])  # within a level stretch a point adds nothing
    index, kept = index[~flat], kept[~flat]
    parts = []
    pen_up = True
    for at, value in zip((index * interval_s).tolist(), kept.tolist(), strict=True):
        if value != value:  # NaN lifts the pen: a gap is never drawn as a line
            pen_up = True
            continue
        parts.append(f"{'M' if pen_up else 'L'}{at:g} {_y(value, high, scale)}")
        pen_up = False
    return "".join(parts)


def _y(value: float, high: float, scale: float) -> str:
    return f"{(high - value) * scale:.1f}"


def _summary(recording: Recording, analysis: Analysis) -> str:
    burden = analysis.hypoxic_burden
    return (
        f"{analysis.valid_h:.2f} valid of {analysis.duration_h:.2f} h, a sample every {recording.interval_s:g} s; "
        f"profile {analysis.profile} {analysis.profile_version}: ODI3 {number_text(analysis.odi3, 1)}/h, "
        f"ODI4 {number_text(analysis.odi4, 1)}/h, T90 {number_text(analysis.spo2.t90_pct, 2)} %, "
        f"hypoxic burden {number_text(burden.value, 1)} % min/h ({burden.events} events)."
    )


def _rows(recording: Recording, analysis: Analysis) -> list[str]:
    rows = []
    for event in analysis.desaturations:
        cells = (
            clock_text(recording.start, event.start_s),
            f"{event.end_s - event.start_s:.0f}",
            f"{event.baseline:.1f}",
            f"{event.nadir:.1f}",
            f"{event.depth:.1f}",
        )
        place = f'data-start="{event.start_s:g}" data-end="{event.end_s:g}"'
        rows.append(f"<tr {place}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return rows

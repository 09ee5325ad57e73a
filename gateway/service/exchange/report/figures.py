"""The three pictures of a report, as SVG: the trend, the calendar of wear, and one night."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analytics.nights.model import POPULATIONS
from analytics.nights.records import Side
from analytics.nights.records import TreatmentStep as Step
from analytics.nights.summary import CLASSES
from analytics.nights.treatment import side_of
from gateway.service.downsample import choose
from gateway.service.exchange.plots.drawing import drawing
from gateway.service.exchange.report.response import INDEX
from gateway.service.exchange.report.values import NightTrace, Report, WearDay
from gateway.service.exchange.report.wording import index_label, moment

INK: Final = "#1f3a5f"
PULSE: Final = "#7a5195"
EVENT: Final = "#c0392b"
SIDES: Final[Mapping[Side, tuple[str, str, str]]] = {
    "without": ("#d95f02", "o", "without the MAD"),
    "with": ("#1b7f79", "s", "with the MAD"),
    "mixed": ("#7570b3", "D", "part of the night"),
    "unknown": ("0.55", "x", "not known"),
}
"""Colour, mark and words: told apart without colour too."""
_BANDS: Final = ("#f3f7f1", "#fdf6dc", "#fde9d4", "#f9dcd7")
_STRONG: Final = 8.0
"""Hours of wear at which the calendar's colour is full."""
_MOST_POINTS: Final = 3000


def trend_svg(report: Report) -> bytes | None:
    """Every night's index over the period, by what the MAD did, with severity bands and steps; None without a night."""
    shown = [night for night in report.nights if INDEX in night.indices]
    if not shown:
        return None
    with drawing():
        figure = Figure(figsize=(7.1, 2.5), layout="constrained")
        panel = figure.subplots()
        top = max(10.0, 1.12 * max(night.index(INDEX) for night in shown))
        bands = POPULATIONS[INDEX].bands
        edges = (0.0, *(bands or ()), math.inf)
        for name, colour, low, high in zip(CLASSES, _BANDS, edges, edges[1:], strict=False):
            if low < top:
                panel.axhspan(low, min(high, top), color=colour, linewidth=0)
                panel.text(
                    1.004, (low + min(high, top)) / 2 / top, name, transform=panel.transAxes, va="center", size=7
                )
        steps = [Step(step.night, step.advancement_mm) for step in report.facts.steps]
        for side, (colour, mark, words) in SIDES.items():
            nights = [night for night in shown if side_of(night, steps) == side]
            if nights:
                days, values = [_day(night.night) for night in nights], [night.index(INDEX) for night in nights]
                panel.plot(days, values, mark, color=colour, markersize=3.6, label=words)
        inside = [step for step in report.facts.steps if report.facts.first <= step.night <= report.facts.last]
        for number, step in enumerate(inside):
            panel.axvline(_day(step.night) - 0.5, color="0.3", linewidth=0.8, linestyle="--")
            panel.annotate(
                f"{step.advancement_mm:g} mm",
                (_day(step.night) - 0.3, top * (1 - 0.08 * (number % 3))),
                va="top",
                size=7,
                color="0.3",
            )
        panel.set_ylim(0, top)
        panel.set_ylabel(index_label())
        _dates(panel, report.facts.first, report.facts.last)
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=4, frameon=False, fontsize=7)
        return _svg(figure)


def calendar_svg(report: Report) -> bytes | None:
    """Hours of wear, a column a week and a row a weekday; None without a recorder."""
    if report.wear is None or not report.wear.days:
        return None
    days = report.wear.days
    monday = days[0].night - timedelta(days=days[0].night.weekday())
    weeks = (days[-1].night - monday).days // 7 + 1
    with drawing():
        figure = Figure(figsize=(7.1, 1.55), layout="constrained")
        panel = figure.subplots()
        for day in days:
            week, weekday = divmod((day.night - monday).days, 7)
            _cell(panel, day, week, weekday, labelled=weeks <= 27)
        panel.set_xlim(0, max(weeks, 14))
        panel.set_ylim(7, 0)
        names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        panel.set_yticks(np.arange(7) + 0.5, names)
        shown = range(0, weeks, max(1, math.ceil(weeks / 13)))
        panel.set_xticks(
            [week + 0.5 for week in shown], [f"{monday + timedelta(days=7 * week):%d %b}" for week in shown]
        )
        panel.tick_params(length=0)
        for spine in panel.spines.values():
            spine.set_visible(False)
        return _svg(figure)


def night_svg(report: Report) -> bytes | None:
    """SpO2 with its desaturations, and the pulse, over the night shown; None without one."""
    trace = report.facts.trace
    if trace is None or not len(trace.samples) or np.isnan(trace.samples.columns["spo2"]).all():
        return None
    with drawing():
        figure = Figure(figsize=(7.1, 2.5), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _line(upper, trace, "spo2", INK)
        for event in trace.desaturations:
            upper.axvspan(event.start_ms / 1000, event.end_ms / 1000, color=EVENT, alpha=0.16, linewidth=0)
        upper.axhline(90, color="0.5", linewidth=0.6, linestyle="--")
        low = float(np.nanmin(trace.samples.columns["spo2"]))
        upper.set_ylim(min(80.0, 5 * math.floor(low / 5)), 101)
        upper.set_ylabel("SpO2 (%)")
        _line(lower, trace, "pulse", PULSE)
        lower.set_ylabel("pulse (bpm)")
        for one in trace.wears:
            colour = "0.6" if one.data.get("suspect") else SIDES["with"][0]
            lower.axvspan(one.start_ms / 1000, one.end_ms / 1000, ymax=0.05, color=colour, linewidth=0)
        hours = np.arange(math.ceil(trace.result.start_ms / 3_600_000), trace.result.end_ms // 3_600_000 + 1) * 3600
        zone = report.facts.patient.zone
        lower.set_xticks(hours, [moment(int(at_s) * 1000, zone, "%H:%M") for at_s in hours])
        lower.set_xlim(trace.result.start_ms / 1000, trace.result.end_ms / 1000)
        lower.set_xlabel(
            "local time; the bar below the pulse marks the MAD in the mouth" if trace.wears else "local time"
        )
        return _svg(figure)


def _line(panel: Axes, trace: NightTrace, name: str, colour: str) -> None:
    """A curve whose extremes all stay, and whose gaps stay gaps."""
    samples = trace.samples
    values = samples.columns[name]
    choice = choose(samples.t_ms, [values], _MOST_POINTS)
    seconds, kept = samples.t_ms[choice.index] / 1000, values[choice.index].astype(np.float64)
    apart_s = 2 * max(choice.bucket_ms, float(np.median(np.diff(samples.t_ms))) if len(samples) > 1 else 1000.0) / 1000
    broken = np.flatnonzero(np.diff(seconds) > apart_s) + 1
    panel.plot(np.insert(seconds, broken, np.nan), np.insert(kept, broken, np.nan), color=colour, linewidth=0.5)
    panel.grid(alpha=0.25, linewidth=0.5)


def _cell(panel: Axes, day: WearDay, week: int, weekday: int, *, labelled: bool) -> None:
    place = (week + 0.04, weekday + 0.06)
    if day.hours is None:
        panel.add_patch(Rectangle(place, 0.92, 0.88, facecolor="white", edgecolor="0.75", hatch="////", linewidth=0.4))
        return
    strength = min(day.hours / _STRONG, 1.0)
    colour = tuple(1.0 - strength * (1.0 - part) for part in (0.106, 0.498, 0.475)) if day.hours else "#f4e3dc"
    edge = EVENT if day.suspect_h > 0 else "0.85"
    panel.add_patch(Rectangle(place, 0.92, 0.88, facecolor=colour, edgecolor=edge, linewidth=0.5))
    if labelled:
        ink = "white" if strength > 0.6 else "0.2"
        panel.text(week + 0.5, weekday + 0.52, f"{day.hours:.1f}", ha="center", va="center", size=6, color=ink)


def _dates(panel: Axes, first: date, last: date) -> None:
    days = (last - first).days + 1
    every = max(1, math.ceil(days / 12))
    ticks = [first + timedelta(days=day) for day in range(0, days, every)]
    panel.set_xticks([_day(tick) for tick in ticks], [f"{tick:%d %b}" for tick in ticks])
    panel.set_xlim(_day(first) - 1, _day(last) + 1)


def _day(night: date) -> float:
    return float(night.toordinal())


def _svg(figure: Figure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()

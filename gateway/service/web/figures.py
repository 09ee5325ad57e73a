"""The figures of a patient's page, as options of ECharts: pure.

They are drawn as SVG, so that colours can be the variables of ``pages.css``: light and dark need no other figure.
What a tooltip says is made here, of dates and numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from analytics.nights.records import Side
from analytics.nights.treatment import Comparison
from analytics.nights.words import NAMES, UNITS
from analytics.oximetry.results import Severity
from gateway.service.exchange.report.wording import SEVERITIES, SIDE_EFFECTS
from gateway.service.records import SideEffect, TreatmentStep
from gateway.service.views.patient import BANDS, NightLine, WearCell

Options = dict[str, object]

TEXT: Final = "var(--sl-muted)"
LINE: Final = "var(--sl-line)"
_CLASSES: Final[tuple[tuple[Severity, str], ...]] = (
    ("normal", "var(--sl-good-soft)"),
    ("mild", "var(--sl-info-soft)"),
    ("moderate", "var(--sl-warn-soft)"),
    ("severe", "var(--sl-bad-soft)"),
)
SIDES: Final[dict[Side, tuple[str, str, str]]] = {
    "with": ("with the MAD", "circle", "var(--sl-accent)"),
    "without": ("without the MAD", "circle", "var(--sl-text)"),
    "mixed": ("with it for part of the night", "diamond", "var(--sl-muted)"),
    "unknown": ("not known whether with it", "triangle", "var(--sl-muted)"),
}
"""By the side of a night: its words, symbol and colour."""

CELL: Final = 20
FULL_H: Final = 8.0
"""Hours that are drawn in full colour."""


def _time_axis(first: date, last: date) -> Options:
    return {
        "type": "time",
        "min": first.isoformat(),
        "max": last.isoformat(),
        "axisLabel": {"color": TEXT, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": LINE}},
        "axisTick": {"lineStyle": {"color": LINE}},
        "splitLine": {"show": False},
    }


def _value_axis(name: str, top: float | None = None) -> Options:
    axis: Options = {
        "type": "value",
        "name": name,
        "nameTextStyle": {"color": TEXT, "align": "left"},
        "min": 0,
        "axisLabel": {"color": TEXT},
        "splitLine": {"lineStyle": {"color": LINE, "opacity": 0.5}},
    }
    return axis if top is None else {**axis, "max": top}


def _base(**parts: object) -> Options:
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "tooltip": {"trigger": "item", "confine": True, "formatter": "{b}"},
        **parts,
    }


def trend(nights: Sequence[NightLine], steps: Sequence[TreatmentStep], index: str, first: date, last: date) -> Options:
    """An index night by night over the bands of its classes, with the steps of treatment."""
    told = [night for night in nights if index in night.indices and night.usable]
    highest = max((night.indices[index] for night in told), default=0.0)
    bands = BANDS.get(index)
    top = _rounded_up(max(highest * 1.05, bands[1] if bands else 1.0))
    series: list[Options] = [
        {
            "type": "line",
            "data": [[night.night.isoformat(), round(night.indices[index], 2)] for night in told],
            "showSymbol": False,
            "silent": True,
            "lineStyle": {"color": TEXT, "width": 1, "opacity": 0.4},
            "markArea": {"silent": True, "data": _bands(bands, top) if bands else []},
            "markLine": _steps(steps, first, last),
        }
    ]
    for side, (words, symbol, colour) in SIDES.items():
        series.append(
            {
                "type": "scatter",
                "name": words,
                "symbol": symbol,
                "symbolSize": 8,
                "emphasis": {"disabled": True},
                # Hollow without it, whatever the ground.
                "itemStyle": {"color": "var(--sl-card)", "borderColor": colour, "borderWidth": 2}
                if side == "without"
                else {"color": colour},
                "data": [
                    {
                        "name": f"{night.night:%a %-d %b %Y}: {night.indices[index]:.1f} {UNITS[index]}, {words}",
                        "value": [night.night.isoformat(), round(night.indices[index], 2)],
                    }
                    for night in told
                    if night.side == side
                ],
            }
        )
    return _base(
        grid={"left": 48, "right": 64, "top": 34, "bottom": 28},
        xAxis=_time_axis(first, last),
        yAxis=_value_axis(f"{NAMES[index]}, {UNITS[index]}", top),
        series=series,
    )


def _rounded_up(value: float) -> float:
    """To a whole number of tens, of ones below ten."""
    step = 10.0 if value > 10 else 1.0
    return step * math.ceil(value / step)


def _bands(bands: tuple[float, float, float], top: float) -> list[list[Options]]:
    edges = (0.0, *bands, max(top, bands[2]))
    return [
        [
            {
                "name": name,
                "yAxis": low,
                "itemStyle": {"color": colour},
                "label": {"position": "right", "color": TEXT, "fontSize": 11},
            },
            {"yAxis": min(high, top)},
        ]
        for (name, colour), low, high in zip(_CLASSES, edges[:-1], edges[1:], strict=True)
        if low < top
    ]


def _steps(steps: Sequence[TreatmentStep], first: date, last: date) -> Options:
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": "var(--sl-accent)", "type": "dashed"},
        "label": {"color": "var(--sl-accent)", "formatter": "{b}", "position": "insideEndTop", "rotate": 0},
        "data": [
            {"name": f"{step.advancement_mm:g} mm", "xAxis": step.night.isoformat()}
            for step in steps
            if first <= step.night <= last
        ],
    }


def calendar(cells: Sequence[WearCell], goal_h: float) -> Options:
    """Hours of wear as a calendar: weeks across, days down; every state has a sign of its own."""
    first, last = cells[0].night, cells[-1].night
    # Whole weeks, so that a column is one.
    begin = first - timedelta(days=first.weekday())
    return _base(
        calendar={
            "range": [begin.isoformat(), last.isoformat()],
            "cellSize": [CELL, CELL],
            "left": 44,
            "top": 26,
            "splitLine": {"show": False},
            "itemStyle": {"color": "transparent", "borderColor": LINE, "borderWidth": 0.5},
            "dayLabel": {"firstDay": 1, "color": TEXT, "nameMap": ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"]},
            "monthLabel": {"color": TEXT},
            "yearLabel": {"show": False},
        },
        series=[
            {
                "type": "scatter",
                "coordinateSystem": "calendar",
                "symbol": "rect",
                "symbolSize": CELL - 4,
                "emphasis": {"disabled": True},
                "data": [_cell(cell, goal_h) for cell in cells],
            }
        ],
    )


def cell_words(cell: WearCell, goal_h: float) -> str:
    """One night of the calendar, said."""
    if cell.state == "no_data":
        said = "no data"
    elif cell.state == "not_worn":
        said = "not worn"
    else:
        hours = cell.hours or 0.0
        said = f"{hours:.1f} h{', goal reached' if hours >= goal_h else ''}"
    if cell.suspect_h > 0:
        said += f"; {cell.suspect_h:.1f} h suspect, not counted"
    return f"{cell.night:%a %-d %b}: {said}"


def _cell(cell: WearCell, goal_h: float) -> Options:
    style: Options = {"color": "transparent", "borderColor": TEXT, "borderType": "dashed", "borderWidth": 1}
    sign = "" if cell.state == "worn" else "·"
    if cell.state == "not_worn":
        style, sign = {"color": "transparent", "borderColor": "var(--sl-bad)", "borderWidth": 1.5}, "0"
    elif cell.state == "worn":
        share = max(0.25, min(1.0, (cell.hours or 0.0) / FULL_H))
        colour = "var(--sl-good)" if (cell.hours or 0.0) >= goal_h else "var(--sl-warn)"
        style = {"color": colour, "opacity": round(share, 2)}
    if cell.suspect_h > 0:
        sign = "?"
    return {
        "name": cell_words(cell, goal_h),
        "value": [cell.night.isoformat(), cell.hours or 0.0],
        "itemStyle": style,
        "label": {"show": bool(sign), "formatter": sign, "color": "var(--sl-text)", "fontSize": 11},
    }


def comparison(found: Sequence[Comparison]) -> Options:
    """What remains of each index with the MAD, of what it is without it, with its interval."""
    names = [NAMES[one.index] for one in found][::-1]
    most = max([120.0, *(min(one.remaining_high_pct, 200.0) for one in found)])
    series: list[Options] = [
        {
            "type": "line",
            "data": [
                [max(0.0, one.remaining_low_pct), NAMES[one.index]],
                [min(one.remaining_high_pct, most), NAMES[one.index]],
            ],
            "symbol": "rect",
            "symbolSize": [2, 14],
            "silent": True,
            "lineStyle": {"color": "var(--sl-accent)", "width": 3},
            "itemStyle": {"color": "var(--sl-accent)"},
        }
        for one in found
    ]
    series.append(
        {
            "type": "scatter",
            "symbolSize": 12,
            "emphasis": {"disabled": True},
            "itemStyle": {"color": "var(--sl-accent)"},
            "data": [
                {"name": remains(one), "value": [min(one.remaining_pct, most), NAMES[one.index]]} for one in found
            ],
            "markLine": {
                "silent": True,
                "symbol": "none",
                "lineStyle": {"color": TEXT, "type": "dashed"},
                "label": {"color": TEXT, "formatter": "{b}"},
                "data": [{"name": "half", "xAxis": 50}, {"name": "no effect", "xAxis": 100}],
            },
        }
    )
    axis = {**_value_axis("", most), "splitNumber": 3, "axisLabel": {"color": TEXT, "formatter": "{value} %"}}
    return _base(
        grid={"left": 8, "right": 24, "top": 24, "bottom": 8, "containLabel": True},
        xAxis=axis,
        yAxis={
            "type": "category",
            "data": names,
            "axisLabel": {"color": TEXT},
            "axisLine": {"lineStyle": {"color": LINE}},
        },
        series=series,
    )


def remains(one: Comparison) -> str:
    """One comparison, said."""
    return (
        f"{NAMES[one.index]}: {one.remaining_pct:.0f} % remains"
        f" ({one.remaining_low_pct:.0f} to {one.remaining_high_pct:.0f} %)"
    )


def timeline(
    nights: Sequence[NightLine],
    steps: Sequence[TreatmentStep],
    effects: Sequence[SideEffect],
    first: date,
    last: date,
) -> Options:
    """Advancement in mm, the index of nights with the MAD against it, and what the patient reported."""
    told = [night for night in nights if "odi3" in night.indices and night.usable]
    top = max((step.advancement_mm for step in steps), default=0.0) + 2
    line: list[list[object]] = [[max(step.night, first).isoformat(), step.advancement_mm] for step in steps]
    if line:
        line.append([last.isoformat(), steps[-1].advancement_mm])
    return _base(
        grid={"left": 48, "right": 48, "top": 34, "bottom": 28},
        xAxis=_time_axis(first, last),
        yAxis=[
            _value_axis("3 % index, /h"),
            {**_value_axis("mm", top), "splitLine": {"show": False}, "nameTextStyle": {"color": "var(--sl-accent)"}},
        ],
        series=[
            {
                "type": "scatter",
                "symbolSize": 6,
                "emphasis": {"disabled": True},
                "itemStyle": {"color": TEXT},
                "data": [
                    {
                        "name": f"{night.night:%a %-d %b}: {night.indices['odi3']:.1f} /h",
                        "value": [night.night.isoformat(), round(night.indices["odi3"], 2)],
                    }
                    for night in told
                ],
            },
            {
                "type": "line",
                "step": "end",
                "yAxisIndex": 1,
                "data": line,
                "symbol": "none",
                "silent": True,
                "lineStyle": {"color": "var(--sl-accent)", "width": 2.5},
            },
            {
                "type": "scatter",
                "yAxisIndex": 1,
                "symbol": "pin",
                "symbolSize": 22,
                "emphasis": {"disabled": True},
                "itemStyle": {"color": "var(--sl-warn)"},
                "data": [
                    {
                        "name": f"{one.night:%a %-d %b}: {SIDE_EFFECTS[one.kind]}, {SEVERITIES[one.severity]}",
                        "value": [one.night.isoformat(), top - 1],
                    }
                    for one in effects
                    if first <= one.night <= last
                ],
            },
        ],
    )


def chances(probabilities: Mapping[Severity, float]) -> list[tuple[Severity, float]]:
    """Classes with their probability in %, from normal to severe."""
    return [(name, 100 * probabilities[name]) for name, _ in _CLASSES if name in probabilities]

"""The figure of a night as ECharts options: six lanes on one time axis. Pure.

Times on the axis are seconds from the night's noon. Colours are asked of the browser (``night.js``), which knows
whether it is light or dark. A gap is two rows without a value: no line is drawn over it, and none is read out of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.views.night_values import POSTURES, Lane, LaneName, NightAccount, NightLanes, Span
from gateway.service.web.night.axis import ticks

Options = dict[str, Any]
"""ECharts' own format."""

LEFT: Final = 62
RIGHT: Final = 16
NAME: Final = 24
"""Pixels above a lane, for its name."""
BELOW: Final = 66
"""Pixels for the axis and the slider."""
TICK_PX: Final = 74
MARGIN: Final = 0.01
LEAST_MARGIN_S: Final = 30.0
NARROWEST_S: Final = 30
LIMITS: Final = (90, 88)
"""SpO2, %: T90 counts below the one, payers' criterion at or below the other."""
SAID_PX: Final = 90
"""A band is labelled in the figure from this width on."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line in a lane."""

    name: LaneName
    label: str
    unit: str
    digits: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A lane: its name, height in pixels, curves, and the range that a calm night fills."""

    key: str
    title: str
    height: int
    curves: tuple[Curve, ...]
    low: float
    high: float
    step: float


LANES: Final = (
    Layout("spo2", "SpO₂ (%)", 170, (Curve("spo2", "SpO₂", "%", 0),), 85, 100, 5),
    Layout(
        "pulse",
        "Pulse, and heart by the bed (/min)",
        105,
        (Curve("pulse", "Pulse", "/min", 0), Curve("heart_rate", "Heart, bed", "/min", 0)),
        50,
        80,
        10,
    ),
    Layout("breath", "Breath, bed (/min)", 75, (Curve("respiration_rate", "Breath, bed", "/min", 1),), 5, 25, 5),
    Layout("movement", "Movement, bed (share of 10 s)", 55, (Curve("movement", "Movement, bed", "", 2),), 0, 1, 0.5),
    Layout("wear", "MAD (°C)", 85, (Curve("temperature", "MAD", "°C", 1),), 20, 40, 10),
    Layout("posture", "Posture, MAD worn", 85, (), -0.5, 4.5, 1),
)
ROWS: Final = {"upright": 4, "supine": 3, "left": 2, "right": 1, "prone": 0}
ROW_NAMES: Final = ("front", "right", "left", "back", "upright")
assert set(ROWS) == set(POSTURES)


@dataclass(frozen=True, slots=True)
class Frame:
    """What of a figure stays while one zooms: its lanes, their ranges, and the time from end to end.

    Attributes
    ----------
    start_ms, end_ms : int
        UTC.
    """

    start_ms: int
    end_ms: int
    lanes: tuple[Layout, ...]
    ranges: tuple[tuple[float, float], ...]

    @property
    def height(self) -> int:
        """Of the whole figure, pixels."""
        return sum(NAME + lane.height for lane in self.lanes) + BELOW


def frame_of(account: NightAccount, whole: NightLanes) -> Frame:
    """The frame of a night; of a running one it reaches to the next half hour, so that it does not always move."""
    recorded = account.recorded_ms or Span(whole.start_ms, whole.end_ms)
    margin_ms = round(max((recorded.end_ms - recorded.start_ms) * MARGIN, LEAST_MARGIN_S * 1000))
    start_ms, end_ms = recorded.start_ms - margin_ms, recorded.end_ms + margin_ms
    if account.state == "running":
        end_ms = -(-end_ms // 1_800_000) * 1_800_000
    start_ms = max(start_ms, account.noon_ms.start_ms)
    end_ms = max(min(end_ms, account.noon_ms.end_ms), start_ms + NARROWEST_S * 1000)
    shown = tuple(lane for lane in LANES if _has(lane, account, whole))
    return Frame(start_ms, end_ms, shown, tuple(_range(lane, whole) for lane in shown))


def _has(lane: Layout, account: NightAccount, whole: NightLanes) -> bool:
    if any(curve.name in whole.lanes for curve in lane.curves):
        return True
    also: Mapping[str, Sequence[Span]] = {
        "wear": (*account.worn, *account.unrecorded),
        "posture": whole.postures,
        "movement": whole.in_bed,
        "spo2": [account.noon_ms] if account.desaturations else [],
    }
    return bool(also.get(lane.key))


def _range(lane: Layout, whole: NightLanes) -> tuple[float, float]:
    """Whole steps around the values, and never narrower than a calm night's: so that one looks calm."""
    low, high = lane.low, lane.high
    if not lane.curves:
        return low, high
    below = 2.0 if lane.key == "spo2" else 0.0  # room for the mark below the deepest nadir
    for curve in lane.curves:
        if curve.name in whole.lanes:
            values = whole.lanes[curve.name].values
            low, high = min(low, float(np.nanmin(values)) - below), max(high, float(np.nanmax(values)))
    return lane.step * math.floor(low / lane.step), lane.step * math.ceil(high / lane.step)


def options(frame: Frame, account: NightAccount, part: NightLanes, view: Span, width_px: int) -> Options:
    """The options that show a part of a night.

    Parameters
    ----------
    part : NightLanes
        Samples of the view and something around it.
    view : Span
        What is looked at, UTC ms.
    width_px : int
        Of the figure: how many times of day find room under it.
    """
    noon_ms = account.noon_ms.start_ms

    def x(at_ms: float) -> float:
        return round((at_ms - noon_ms) / 1000, 1)

    room = max(2, (width_px - LEFT - RIGHT) // TICK_PX)
    shown = ticks(max(view.start_ms, frame.start_ms), min(view.end_ms, frame.end_ms), account.zone, room)
    places = [x(one.at_ms) for one in shown]
    texts = {f"{place:g}": one.text for place, one in zip(places, shown, strict=True)}
    every = list(range(len(frame.lanes)))
    grids, x_axes, y_axes = [], [], []
    top = NAME
    for index, (lane, (low, high)) in enumerate(zip(frame.lanes, frame.ranges, strict=True)):
        grids.append({"left": LEFT, "right": RIGHT, "top": top, "height": lane.height, "containLabel": False})
        top += lane.height + NAME
        last = index == len(frame.lanes) - 1
        x_axes.append(_x_axis(index, x(frame.start_ms), x(frame.end_ms), places, texts if last else None))
        y_axes.append(_y_axis(index, lane, low, high))
    units = {curve.name: (curve.label, curve.unit, curve.digits) for lane in frame.lanes for curve in lane.curves}
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"fontFamily": "inherit", ":color": _ink("muted")},
        "grid": grids,
        "xAxis": x_axes,
        "yAxis": y_axes,
        "axisPointer": {"link": [{"xAxisIndex": "all"}], "triggerTooltip": True},
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "transitionDuration": 0,
            "axisPointer": {"type": "line", "lineStyle": {":color": _ink("muted"), "type": "solid"}},
            "padding": [6, 9],
            ":backgroundColor": _ink("card"),
            ":borderColor": _ink("line"),
            "textStyle": {":color": _ink("text"), "fontSize": 12},
            ":formatter": f"(found) => somnolinkNight.readout(found, {json.dumps(units)})",
        },
        "dataZoom": [
            {
                "type": "inside",
                "xAxisIndex": every,
                "filterMode": "none",
                "moveOnMouseMove": False,
                "moveOnMouseWheel": False,
                "minValueSpan": NARROWEST_S,
            },
            {
                "type": "slider",
                "xAxisIndex": every,
                "filterMode": "none",
                "minValueSpan": NARROWEST_S,
                "left": LEFT,
                "right": RIGHT,
                "bottom": 8,
                "height": 22,
                "showDetail": False,
                "showDataShadow": False,
                "brushSelect": False,
                ":borderColor": _ink("line"),
                ":fillerColor": _ink("accent-soft"),
                "handleStyle": {":color": _ink("card"), ":borderColor": _ink("accent")},
                "moveHandleStyle": {":color": _ink("line")},
                "emphasis": {"handleStyle": {":borderColor": _ink("accent")}},
            },
        ],
        "series": [
            one
            for index, lane in enumerate(frame.lanes)
            for one in _series(index, lane, account, part, view, width_px, x)
        ],
    }


def zoom_to(frame: Frame, account: NightAccount, view: Span) -> list[Options]:
    """For the options' `dataZoom`: shows a view, whatever was shown."""
    whole = view.start_ms <= frame.start_ms and view.end_ms >= frame.end_ms
    noon_ms = account.noon_ms.start_ms
    shown: Options = (
        {"start": 0, "end": 100}
        if whole
        else {"startValue": (view.start_ms - noon_ms) / 1000, "endValue": (view.end_ms - noon_ms) / 1000}
    )
    return [shown, dict(shown)]


def pairs(lane: Lane | None, noon_ms: int) -> NDArray[np.float64]:
    """(seconds from noon, value) of each sample, with two rows of no value inside each gap."""
    if lane is None:
        return np.empty((0, 2))
    rows = np.column_stack((np.round((lane.t_ms - noon_ms) / 1000, 1), lane.values))
    apart = np.flatnonzero(np.diff(lane.t_ms) > lane.gap_ms)
    if not apart.size:
        return np.ascontiguousarray(rows)
    nothing = np.full(apart.size, np.nan)
    edges = np.concatenate(
        (np.column_stack((rows[apart, 0] + 0.1, nothing)), np.column_stack((rows[apart + 1, 0] - 0.1, nothing)))
    )
    return np.insert(rows, np.concatenate((apart + 1, apart + 1)), edges, axis=0)


def _x_axis(index: int, low: float, high: float, places: list[float], texts: dict[str, str] | None) -> Options:
    label: Options = {"show": False}
    if texts is not None:
        label = {
            "customValues": places,
            ":formatter": f"(at) => ({json.dumps(texts)})[String(at)] ?? ''",
            ":color": _ink("muted"),
            "fontSize": 12,
            "hideOverlap": True,
        }
    return {
        "type": "value",
        "gridIndex": index,
        "min": low,
        "max": high,
        "axisLine": {"onZero": False, "lineStyle": {":color": _ink("line")}},
        "axisTick": {"show": texts is not None, "customValues": places, "lineStyle": {":color": _ink("line")}},
        "splitLine": {"show": True, "customValues": places, "lineStyle": {":color": _ink("grid")}},
        "axisLabel": label,
        "axisPointer": {"label": {"show": False}},
    }


def _y_axis(index: int, lane: Layout, low: float, high: float) -> Options:
    label: Options = {":color": _ink("muted"), "fontSize": 12, "hideOverlap": True}
    interval = lane.step * math.ceil((high - low) / lane.step / max(1, lane.height // 26))
    if lane.key == "posture":
        label |= {"customValues": list(range(len(ROW_NAMES))), ":formatter": f"(row) => {json.dumps(ROW_NAMES)}[row]"}
    return {
        "type": "value",
        "gridIndex": index,
        "name": lane.title,
        "nameLocation": "end",
        "nameGap": 7,
        "nameTextStyle": {"align": "left", "padding": [0, 0, 0, -LEFT + 14], ":color": _ink("text"), "fontSize": 12},
        "min": low,
        "max": high,
        "interval": interval,
        "axisLine": {"show": True, "lineStyle": {":color": _ink("line")}},
        "axisTick": {"show": False},
        "splitLine": {"show": lane.key != "posture", "lineStyle": {":color": _ink("grid")}},
        "axisLabel": label,
        "axisPointer": {"show": False},
    }


def _series(
    index: int, lane: Layout, account: NightAccount, part: NightLanes, view: Span, width_px: int, x: Any
) -> list[Options]:
    """A lane's curves, and what is marked in it."""
    noon_ms = account.noon_ms.start_ms
    found = []
    for place, curve in enumerate(lane.curves):
        rows = pairs(part.lanes.get(curve.name), noon_ms)
        line: Options = {
            **_in_lane(index, curve.name),
            "data": rows,
            "showSymbol": curve.name == "temperature" or len(rows) < 120,
            "symbol": "circle",
            "symbolSize": 3,
            "lineStyle": {":color": _ink(curve.name), "width": 1.2 if place == 0 else 1.0},
            "itemStyle": {":color": _ink(curve.name)},
            "z": 4 - place,
        }
        if curve.name == "movement":
            line |= {"step": "start", "areaStyle": {":color": _ink(curve.name), "opacity": 0.25}}
        if place == 0:
            line["markArea"] = _bands(lane, account, part, view, width_px, x)
        if lane.key == "spo2":
            line["markLine"] = _limits()
        found.append(line)
    if lane.key == "spo2":
        found.append(_nadirs(index, account, view, x))
    if lane.key == "posture":
        found += [_postures(index, part, x, back=back) for back in (False, True)]
    return found


def _in_lane(index: int, name: str) -> Options:
    return {"id": name, "name": name, "type": "line", "xAxisIndex": index, "yAxisIndex": index, "connectNulls": False}


def _bands(lane: Layout, account: NightAccount, part: NightLanes, view: Span, width_px: int, x: Any) -> Options:
    """What holds for a time: a ground of its colour, with its word where there is room."""
    told: dict[str, list[tuple[str, str, Sequence[Span]]]] = {
        "spo2": [
            ("fall", "", [Span(one.start_ms, one.end_ms) for one in account.desaturations]),
            ("missing", "no data", part.missing),
        ],
        "breath": [("fall", "", account.disturbances)],
        "movement": [("bed", "in bed", part.in_bed)],
        "wear": [
            ("worn", "in the mouth", [one for one in account.worn if not one.suspect]),
            ("suspect", "suspect, not counted", [one for one in account.worn if one.suspect]),
            ("missing", "no data", account.unrecorded),
        ],
    }
    wide_ms = SAID_PX / max(width_px - LEFT - RIGHT, 1) * (view.end_ms - view.start_ms)
    data = []
    for colour, word, spans in told.get(lane.key, []):
        for one in spans:
            if one.end_ms < part.start_ms or one.start_ms > part.end_ms:
                continue
            label = {"show": bool(word) and one.end_ms - one.start_ms >= wide_ms, "formatter": word}
            style = {":color": _ink(f"band-{colour}")}
            data.append([{"xAxis": x(one.start_ms), "itemStyle": style, "label": label}, {"xAxis": x(one.end_ms)}])
    label = {"position": "insideBottomLeft", ":color": _ink("muted"), "fontSize": 11, "distance": 3}
    return {"silent": True, "data": data, "label": label}


def _limits() -> Options:
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {":color": _ink("limit"), "type": "dashed", "width": 1},
        "label": {"position": "insideEndBottom", "formatter": "{c} %", ":color": _ink("limit"), "fontSize": 11},
        "data": [{"yAxis": limit} for limit in LIMITS],
    }


def _nadirs(index: int, account: NightAccount, view: Span, x: Any) -> Options:
    margin_ms = view.end_ms - view.start_ms
    return {
        **_in_lane(index, "nadirs"),
        "type": "scatter",
        "symbol": "triangle",
        "symbolSize": 7,
        "symbolOffset": [0, 7],
        "silent": True,
        "itemStyle": {":color": _ink("fall")},
        "tooltip": {"show": False},
        "data": [
            [x(one.nadir_ms), one.nadir]
            for one in account.desaturations
            if view.start_ms - margin_ms <= one.nadir_ms <= view.end_ms + margin_ms
        ],
        "z": 6,
    }


def _postures(index: int, part: NightLanes, x: Any, *, back: bool) -> Options:
    """Bars in the posture's row; those on the back in a colour of their own."""
    data: list[list[float | None]] = []
    for one in part.postures:
        if (one.posture == "supine") == back:
            row = ROWS[one.posture]
            data += [[x(one.start_ms), row], [x(one.end_ms), row], [x(one.end_ms), None]]
    name = "supine" if back else "posture"
    return {
        **_in_lane(index, name),
        "data": data,
        "showSymbol": False,
        "symbol": "none",
        "lineStyle": {":color": _ink(name), "width": 8, "cap": "butt"},
        "tooltip": {"show": False},
        "z": 4,
    }


def _ink(name: str) -> str:
    """A colour by its name in ``night.css``, asked of the browser."""
    return f"somnolinkNight.colour({json.dumps(name)})"

"""The figure of a night as ECharts options: six lanes on one time axis. Pure.

Times on the axis are seconds from the night's noon. Colours are asked of the browser (``night.js``), which knows
whether it is light or dark. A gap is two rows without a value: no line is drawn over it, and none is read out of it.
"""

from __future__ import annotations

import json
import math
from typing import Final

from gateway.service.views.night_values import NightAccount, NightLanes, Span
from gateway.service.web.night.axis import ticks
from gateway.service.web.night.layout import LEFT, NAME, NARROWEST_S, RIGHT, ROW_NAMES, Frame, Layout
from gateway.service.web.night.series import Options, ink, series_of

TICK_PX: Final = 74


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
        "textStyle": {"fontFamily": "inherit", ":color": ink("muted")},
        "grid": grids,
        "xAxis": x_axes,
        "yAxis": y_axes,
        "axisPointer": {"link": [{"xAxisIndex": "all"}], "triggerTooltip": True},
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "transitionDuration": 0,
            "axisPointer": {"type": "line", "lineStyle": {":color": ink("muted"), "type": "solid"}},
            "padding": [6, 9],
            ":backgroundColor": ink("card"),
            ":borderColor": ink("line"),
            "textStyle": {":color": ink("text"), "fontSize": 12},
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
                ":borderColor": ink("line"),
                ":fillerColor": ink("accent-soft"),
                "handleStyle": {":color": ink("card"), ":borderColor": ink("accent")},
                "moveHandleStyle": {":color": ink("line")},
                "emphasis": {"handleStyle": {":borderColor": ink("accent")}},
            },
        ],
        "series": [
            one
            for index, (lane, (_, high)) in enumerate(zip(frame.lanes, frame.ranges, strict=True))
            for one in series_of(index, lane, high, account, part, view, width_px, x)
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


def _x_axis(index: int, low: float, high: float, places: list[float], texts: dict[str, str] | None) -> Options:
    label: Options = {"show": False}
    if texts is not None:
        label = {
            "customValues": places,
            ":formatter": f"(at) => ({json.dumps(texts)})[String(at)] ?? ''",
            ":color": ink("muted"),
            "fontSize": 12,
            "hideOverlap": True,
        }
    return {
        "type": "value",
        "gridIndex": index,
        "min": low,
        "max": high,
        "axisLine": {"onZero": False, "lineStyle": {":color": ink("line")}},
        "axisTick": {"show": texts is not None, "customValues": places, "lineStyle": {":color": ink("line")}},
        "splitLine": {"show": True, "customValues": places, "lineStyle": {":color": ink("grid")}},
        "axisLabel": label,
        "axisPointer": {"label": {"show": False}},
    }


def _y_axis(index: int, lane: Layout, low: float, high: float) -> Options:
    label: Options = {":color": ink("muted"), "fontSize": 12, "hideOverlap": True}
    interval = lane.step * math.ceil((high - low) / lane.step / max(1, lane.height // 26))
    if lane.key == "posture":
        label |= {"customValues": list(range(len(ROW_NAMES))), ":formatter": f"(row) => {json.dumps(ROW_NAMES)}[row]"}
    return {
        "type": "value",
        "gridIndex": index,
        "name": lane.title,
        "nameLocation": "end",
        "nameGap": 7,
        "nameTextStyle": {"align": "left", "padding": [0, 0, 0, -LEFT + 14], ":color": ink("text"), "fontSize": 12},
        "min": low,
        "max": high,
        "interval": interval,
        "axisLine": {"show": True, "lineStyle": {":color": ink("line")}},
        "axisTick": {"show": False},
        "splitLine": {"show": lane.key != "posture", "lineStyle": {":color": ink("grid")}},
        "axisLabel": label,
        "axisPointer": {"show": False},
    }

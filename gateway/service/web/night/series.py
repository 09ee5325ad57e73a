"""What is drawn in the lanes of a night's figure: curves with their gaps, events, bands, postures. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.views.night_values import Lane, NightAccount, NightLanes, Span
from gateway.service.web.night.layout import LEFT, RIGHT, ROWS, Layout

Options = dict[str, Any]
"""ECharts' own format."""

Place = Callable[[float], float]
"""From UTC ms to seconds from the night's noon, which the axis shows."""

LIMITS: Final = (90, 88)
"""SpO2, %: T90 counts below the one, payers' criterion at or below the other."""
SAID_PX: Final = 90
"""A band is labelled in the figure from this width on."""


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


def series_of(
    index: int,
    lane: Layout,
    high: float,
    account: NightAccount,
    part: NightLanes,
    view: Span,
    width_px: int,
    x: Place,
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
            "lineStyle": {":color": ink(curve.name), "width": 1.2 if place == 0 else 1.0},
            "itemStyle": {":color": ink(curve.name)},
            "z": 4 - place,
        }
        if curve.name == "movement":
            line |= {"step": "start", "areaStyle": {":color": ink(curve.name), "opacity": 0.25}}
        if place == 0:
            line["markArea"] = _bands(lane, account, part, view, width_px, x)
        if lane.key == "spo2":
            line["markLine"] = _limits()
        found.append(line)
    if lane.key in ("spo2", "breath"):
        events = account.desaturations if lane.key == "spo2" else account.disturbances
        found.append(_events(index, lane.key, [(one.start_ms, one.end_ms) for one in events], part, high, x))
    if lane.key == "spo2":
        found.append(_nadirs(index, account, view, x))
    if lane.key == "posture":
        found += [_postures(index, part, x, back=back) for back in (False, True)]
    return found


def _in_lane(index: int, name: str) -> Options:
    return {"id": name, "name": name, "type": "line", "xAxisIndex": index, "yAxisIndex": index, "connectNulls": False}


def _bands(lane: Layout, account: NightAccount, part: NightLanes, view: Span, width_px: int, x: Place) -> Options:
    """What holds for a time: a ground of its colour, with its word where there is room."""
    told: dict[str, list[tuple[str, str, Sequence[Span]]]] = {
        "spo2": [
            ("missing", "no data", part.missing),
        ],
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
            label = {"show": one.end_ms - one.start_ms >= wide_ms, "formatter": word}
            style = {":color": ink(f"band-{colour}")}
            data.append([{"xAxis": x(one.start_ms), "itemStyle": style, "label": label}, {"xAxis": x(one.end_ms)}])
    label = {"position": "insideBottomLeft", ":color": ink("muted"), "fontSize": 11, "distance": 3}
    return {"silent": True, "data": data, "label": label}


def _events(index: int, key: str, spans: Sequence[tuple[int, int]], part: NightLanes, high: float, x: Place) -> Options:
    """Grounds behind a lane's events as the area of one curve: a severe night has six hundred."""
    data: list[list[float | None]] = []
    for start_ms, end_ms in spans:
        if end_ms >= part.start_ms and start_ms <= part.end_ms:
            data += [[x(start_ms), high], [x(end_ms), high], [x(end_ms), None]]
    return {
        **_in_lane(index, f"events-{key}"),
        "data": data,
        "symbol": "none",
        "silent": True,
        "lineStyle": {"width": 0},
        "areaStyle": {":color": ink("band-fall"), "origin": "start", "opacity": 1},
        "tooltip": {"show": False},
        "z": 1,
    }


def _limits() -> Options:
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {":color": ink("limit"), "type": "dashed", "width": 1},
        "label": {"position": "insideEndBottom", "formatter": "{c} %", ":color": ink("limit"), "fontSize": 11},
        "data": [{"yAxis": limit} for limit in LIMITS],
    }


def _nadirs(index: int, account: NightAccount, view: Span, x: Place) -> Options:
    margin_ms = view.end_ms - view.start_ms
    return {
        **_in_lane(index, "nadirs"),
        "type": "scatter",
        "symbol": "triangle",
        "symbolSize": 7,
        "symbolOffset": [0, 7],
        "silent": True,
        "itemStyle": {":color": ink("fall")},
        "tooltip": {"show": False},
        "data": [
            [x(one.nadir_ms), one.nadir]
            for one in account.desaturations
            if view.start_ms - margin_ms <= one.nadir_ms <= view.end_ms + margin_ms
        ],
        "z": 6,
    }


def _postures(index: int, part: NightLanes, x: Place, *, back: bool) -> Options:
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
        "lineStyle": {":color": ink(name), "width": 8, "cap": "butt"},
        "tooltip": {"show": False},
        "z": 4,
    }


def ink(name: str) -> str:
    """A colour by its name in ``night.css``, asked of the browser."""
    return f"somnolinkNight.colour({json.dumps(name)})"

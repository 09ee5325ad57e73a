"""The figure's options: lanes, gaps, bands, ranges, and what a view of it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gateway.service.views.night_values import Span
from gateway.service.web.night.figure import options, zoom_to
from gateway.service.web.night.layout import LANES, NARROWEST_S, Frame, frame_of
from gateway.service.web.night.series import pairs
from tests.unit.service.web.night_values import HOUR_MS, account, lane, lying, part, worn

TOLD = account()
PART = part(TOLD)
assert TOLD.recorded_ms is not None
START_MS, END_MS = TOLD.recorded_ms.start_ms, TOLD.recorded_ms.end_ms
START_S = (START_MS - TOLD.noon_ms.start_ms) / 1000


def made(told: Any = TOLD, shown: Any = PART, view: Span | None = None, width: int = 1180) -> dict[str, Any]:
    frame = frame_of(told, shown)
    return options(frame, told, shown, view or Span(frame.start_ms, frame.end_ms), width)


def series(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["series"] if one["id"] == name)


def keys(frame: Frame) -> list[str]:
    return [one.key for one in frame.lanes]


def test_lanes_are_those_of_which_something_is_known() -> None:
    assert keys(frame_of(TOLD, PART)) == ["spo2", "pulse"]
    assert keys(frame_of(TOLD, replace(PART, in_bed=(Span(START_MS, END_MS),)))) == ["spo2", "pulse", "movement"]
    with_mad = replace(TOLD, worn=(worn(TOLD),))
    assert keys(frame_of(with_mad, replace(PART, postures=(lying(TOLD, "left", 0, 1),)))) == [
        *("spo2", "pulse", "wear", "posture")
    ]
    assert keys(frame_of(replace(TOLD, desaturations=()), replace(PART, lanes={}))) == []
    assert len(LANES) == 6


def test_all_lanes_share_one_axis_and_one_zoom() -> None:
    found = made()
    assert [one["gridIndex"] for one in found["xAxis"]] == [0, 1]
    assert {(one["min"], one["max"]) for one in found["xAxis"]} == {(START_S - 288.0, START_S + 28_800 + 288.0)}
    assert [one["xAxisIndex"] for one in found["dataZoom"]] == [[0, 1], [0, 1]]
    assert found["axisPointer"]["link"] == [{"xAxisIndex": "all"}]
    assert found["dataZoom"][0]["minValueSpan"] == NARROWEST_S
    assert all("start" not in one and "startValue" not in one for one in found["dataZoom"])


def test_the_axis_names_hours_of_the_patients_wall_below_the_last_lane_alone() -> None:
    first, last = made()["xAxis"]
    assert first["axisLabel"] == {"show": False}
    places, text = last["axisLabel"]["customValues"], last["axisLabel"][":formatter"]
    assert places == last["axisTick"]["customValues"] == first["splitLine"]["customValues"]
    assert [(at - places[0]) % 3600 for at in places] == [0.0] * len(places)
    named = json.loads(text.partition("({")[2].join(["{", ""]).partition("}")[0] + "}")
    assert list(named.values()) == ["23:00", "00:00", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00"]


def test_few_hours_are_named_on_a_phone() -> None:
    assert len(made(width=360)["xAxis"][-1]["axisLabel"]["customValues"]) <= 4


def test_a_calm_night_looks_calm_and_a_deep_one_has_room_below_its_nadir() -> None:
    calm = replace(PART, lanes={"spo2": lane(START_MS, [96.0, 97.0]), "pulse": lane(START_MS, [60.0])})
    assert frame_of(TOLD, calm).ranges == ((85, 100), (50, 80))
    deep = replace(PART, lanes={"spo2": lane(START_MS, [96.0, float("nan"), 61.0]), "pulse": lane(START_MS, [131.0])})
    assert frame_of(TOLD, deep).ranges == ((55, 100), (50, 140))


def test_a_gap_is_two_rows_without_a_value() -> None:
    one = replace(lane(START_MS, [96.0, 95.0, 94.0, 93.0]), t_ms=START_MS + np.array([0, 1000, 4000, 5000]))
    noon = TOLD.noon_ms.start_ms
    rows = pairs(one, noon)
    assert (rows[:, 0] - START_S).round(1).tolist() == [0.0, 1.0, 1.1, 3.9, 4.0, 5.0]
    assert [None if value != value else value for value in rows[:, 1]] == [96.0, 95.0, None, None, 94.0, 93.0]
    assert pairs(None, noon).shape == (0, 2)
    assert len(pairs(replace(one, gap_ms=3000.0), noon)) == 4


def test_no_curve_joins_what_is_not_next_to_each_other() -> None:
    assert {one["connectNulls"] for one in made()["series"]} == {False}


def test_what_holds_for_a_time_is_a_band_and_is_named_where_there_is_room() -> None:
    told = replace(TOLD, worn=(worn(TOLD),), unrecorded=(Span(START_MS, START_MS + 60_000),))
    shown = replace(PART, missing=(Span(START_MS + HOUR_MS, START_MS + 2 * HOUR_MS),))
    found = made(told, shown)
    ((one, end),) = series(found, "spo2")["markArea"]["data"]
    assert (one["xAxis"] - START_S, end["xAxis"] - START_S, one["label"]["show"]) == (3600.0, 7200.0, True)
    assert series(found, "events-spo2")["data"] == [
        *([START_S + 3600, 100], [START_S + 3650, 100], [START_S + 3650, None]),
        *([START_S + 18_000, 100], [START_S + 18_050, 100], [START_S + 18_050, None]),
    ]
    mouth, hole = (one for one, _ in series(found, "temperature")["markArea"]["data"])
    assert (mouth["label"]["formatter"], mouth["label"]["show"]) == ("in the mouth", True)
    assert (hole["label"]["formatter"], hole["label"]["show"]) == ("no data", False)
    suspect = replace(TOLD, worn=(worn(TOLD, "no motion"),))
    ((one, _),) = series(made(suspect), "temperature")["markArea"]["data"]
    assert one["label"]["formatter"] == "suspect, not counted"
    assert "band-suspect" in one["itemStyle"][":color"]


def test_nadirs_and_limits_are_marked() -> None:
    found = made()
    assert series(found, "nadirs")["data"] == [[START_S + 3630, 92.0], [START_S + 18_030, 86.5]]
    assert [one["yAxis"] for one in series(found, "spo2")["markLine"]["data"]] == [90, 88]
    near = made(view=Span(START_MS, START_MS + HOUR_MS))
    assert len(series(near, "nadirs")["data"]) == 1


def test_a_posture_is_a_bar_in_its_row_and_on_the_back_in_a_colour_of_its_own() -> None:
    shown = replace(PART, postures=(lying(TOLD, "supine", 0, 1), lying(TOLD, "left", 1, 2)))
    found = made(TOLD, shown)
    assert series(found, "supine")["data"] == [[START_S, 3], [START_S + 3600, 3], [START_S + 3600, None]]
    assert series(found, "posture")["data"] == [[START_S + 3600, 2], [START_S + 7200, 2], [START_S + 7200, None]]


def test_a_running_nights_axis_reaches_to_the_next_half_hour() -> None:
    running = replace(TOLD, state="running", recorded_ms=Span(START_MS, START_MS + HOUR_MS))
    frame = frame_of(running, PART)
    assert (frame.end_ms - START_MS) / HOUR_MS == 1.5
    later = frame_of(replace(running, recorded_ms=Span(START_MS, START_MS + HOUR_MS + 600_000)), PART)
    assert later.end_ms == frame.end_ms


@pytest.mark.parametrize("samples", [0, 10])
def test_an_axis_is_never_narrower_than_the_zoom(samples: int) -> None:
    told = replace(TOLD, recorded_ms=Span(START_MS, START_MS + samples * 1000))
    frame = frame_of(told, PART)
    assert frame.end_ms - frame.start_ms >= NARROWEST_S * 1000


def test_a_view_is_shown_by_its_values_and_the_whole_as_all() -> None:
    frame = frame_of(TOLD, PART)
    assert (
        zoom_to(frame, TOLD, Span(START_MS, START_MS + 60_000))
        == [{"startValue": START_S, "endValue": START_S + 60}] * 2
    )
    assert zoom_to(frame, TOLD, Span(frame.start_ms, frame.end_ms)) == [{"start": 0, "end": 100}] * 2

"""Figures and rows of the pages about patients: nothing of a patient's text becomes HTML, every state has a sign."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.service.records import AlertState, TreatmentStep
from gateway.service.views.patient import NightLine, WearCell
from gateway.service.views.urgency import Reason, Urgency
from gateway.service.views.worklist import Line, Moving
from gateway.service.web import figures
from gateway.service.web.rows import body, row

NIGHT = date(2026, 3, 28)
NONE = Moving(None, None)


def line(name: str = "Case 1", *reasons: Reason, **more: Any) -> Line:
    given = {"last_night": NIGHT, "odi4": NONE, "burden": NONE, "wear_h": NONE, "teams": ("North",), **more}
    return Line(
        patient="p-0123456789ab",
        clinic="clinic",
        name=name,
        zone="UTC",
        urgency=reasons[0].urgency if reasons else Urgency.NONE,
        since_ms=None,
        reasons=reasons,
        nights_14=1,
        nights_30=2,
        devices=("d",),
        heard_ms=0,
        battery_pct=None,
        **given,
    )


def night(back: int, index: float, *, side: Any = "with", usable: bool = True) -> NightLine:
    return NightLine(NIGHT - timedelta(back), side, usable, 7.0, None, None, None, {"odi3": index}, (), True)


def test_no_text_becomes_html() -> None:
    evil = "<script>alert(1)</script>"
    told = row(line(evil, Reason("x", Urgency.NOW, evil, 1), teams=(evil,)), 2)
    assert "<script>" not in told
    assert told.count("&lt;script&gt;") == 3


def test_a_divider_stands_between_who_needs_somebody_and_who_does_not() -> None:
    needing, calm = line("A", Reason("x", Urgency.SOON, "why", 1)), line("B")
    assert body([needing, calm, calm], 2, divided=True).count("sl-divide") == 1
    assert "sl-divide" not in body([needing], 2, divided=True)
    assert "sl-divide" not in body([needing, calm], 2, divided=False)


@pytest.mark.parametrize(
    ("state", "word"),
    [(AlertState.ESCALATED, "escalated"), (AlertState.ACKNOWLEDGED, "seen"), (AlertState.SNOOZED, "resting")],
)
def test_a_reason_says_its_alerts_state(state: AlertState, word: str) -> None:
    assert word in row(line("A", Reason("x", Urgency.SOON, "why", 1, "a", state)), 2)


def test_more_than_three_reasons_are_counted() -> None:
    reasons = [Reason("x", Urgency.SOON, f"why {number}", 1) for number in range(5)]
    told = row(line("A", *reasons), 2)
    assert "why 2" in told
    assert "why 3" not in told
    assert "and 2 more" in told


def test_a_change_is_told_by_its_difference() -> None:
    told = row(line(odi4=Moving(10.0, 12.5), burden=Moving(5.0, 5.04), wear_h=Moving(6.0, None)), 2)
    assert "-2.5 in 2 weeks" in told
    assert "±0 in 2 weeks" in told
    assert told.count("in 2 weeks") == 2


def _series(options: Any) -> list[Any]:
    return list(options["series"])


def test_the_trend_leaves_short_nights_out_and_reaches_over_its_highest() -> None:
    nights = [night(0, 38.0), night(1, 12.0, side="without"), night(2, 99.0, usable=False)]
    options: Any = figures.trend(nights, [TreatmentStep("p", NIGHT, 5.0, "", 0)], "odi3", NIGHT - timedelta(9), NIGHT)
    line_, *sides = _series(options)
    assert len(line_["data"]) == 2
    assert options["yAxis"]["max"] == 40
    assert [area[0]["name"] for area in line_["markArea"]["data"]] == ["normal", "mild", "moderate", "severe"]
    assert [mark["name"] for mark in line_["markLine"]["data"]] == ["5 mm"]
    assert {one["name"]: len(one["data"]) for one in sides}["without the MAD"] == 1


def test_bands_above_the_figure_are_left_out() -> None:
    options: Any = figures.trend([night(0, 2.0)], [], "odi3", NIGHT - timedelta(9), NIGHT)
    assert [area[0]["name"] for area in _series(options)[0]["markArea"]["data"]] == ["normal", "mild", "moderate"]
    outside: Any = figures.trend(
        [night(0, 2.0)], [TreatmentStep("p", NIGHT - timedelta(10), 5.0, "", 0)], "odi3", NIGHT - timedelta(9), NIGHT
    )
    assert _series(outside)[0]["markLine"]["data"] == []


@pytest.mark.parametrize(
    ("cell", "sign", "words"),
    [
        (WearCell(NIGHT, "no_data", None, 0.0), "·", "no data"),
        (WearCell(NIGHT, "not_worn", 0.0, 0.0), "0", "not worn"),
        (WearCell(NIGHT, "worn", 3.99, 0.0), "", "4.0 h"),
        (WearCell(NIGHT, "worn", 4.0, 0.0), "", "4.0 h, goal reached"),
        (WearCell(NIGHT, "not_worn", 0.0, 6.0), "?", "not worn; 6.0 h suspect, not counted"),
    ],
)
def test_every_state_of_the_calendar_has_a_sign_and_words(cell: WearCell, sign: str, words: str) -> None:
    options: Any = figures.calendar([cell], 4.0)
    drawn = _series(options)[0]["data"][0]
    assert (drawn["label"]["formatter"], drawn["name"]) == (sign, f"Sat 28 Mar: {words}")


def test_the_calendar_begins_on_a_monday() -> None:
    options: Any = figures.calendar([WearCell(NIGHT, "worn", 5.0, 0.0)], 4.0)
    assert options["calendar"]["range"] == ["2026-03-23", "2026-03-28"]


def test_the_timeline_holds_the_last_setting_until_today() -> None:
    steps = [
        TreatmentStep("p", NIGHT - timedelta(20), 4.0, "", 0),
        TreatmentStep("p", NIGHT - timedelta(5), 5.0, "", 0),
    ]
    options: Any = figures.timeline([night(0, 9.0)], steps, [], NIGHT - timedelta(9), NIGHT)
    assert _series(options)[1]["data"] == [["2026-03-19", 4.0], ["2026-03-23", 5.0], ["2026-03-28", 5.0]]

"""A night's name, freshness, numbers and table in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.service.records import State
from gateway.service.views.night_values import NightReading, Span
from gateway.service.web.night.layout import frame_of
from gateway.service.web.night.numbers import numbers
from gateway.service.web.night.table import table
from gateway.service.web.night.words import (
    duration,
    freshness,
    loaded,
    night_name,
    recorded,
    short_name,
    spoken,
    told_by,
    without_contact,
)
from tests.unit.service.web.night_values import account, part, worn

TOLD = account()
assert TOLD.last_ms is not None


def test_a_night_is_named_by_its_evening_and_morning() -> None:
    assert night_name(date(2026, 12, 31)) == "Night of Thu 31 December to Fri 1 January 2027"
    assert short_name(date(2026, 3, 8)) == "Sun 8 Mar"


@pytest.mark.parametrize(
    ("age_ms", "said"),
    [
        (0, ("info", "Running · last sample just now")),
        (59_999, ("info", "Running · last sample just now")),
        (60_000, ("info", "Running · last sample 1 min ago")),
        (120_000, ("info", "Running · last sample 2 min ago")),
        (120_001, ("warning", "No new data · last sample 2 min ago")),
        (7_200_000, ("warning", "No new data · last sample 2 h ago")),
    ],
)
def test_a_running_night_says_how_old_it_is(age_ms: int, said: tuple[str, str]) -> None:
    assert TOLD.last_ms is not None
    assert freshness(replace(TOLD, state="running", now_ms=TOLD.last_ms + age_ms)) == said


def test_a_night_that_is_over_does_not_age() -> None:
    assert freshness(TOLD) == ("good", "Complete")
    assert freshness(replace(TOLD, state="revised")) == ("good", "Complete, revised")
    assert freshness(replace(TOLD, state="empty", last_ms=None)) == ("none", "No results")


def test_without_contact_a_time_of_day_is_said_and_no_age() -> None:
    running = replace(TOLD, state="running")
    assert without_contact(running) == "No contact · last sample seen 07:30:00 CEST"
    assert without_contact(TOLD) == "Complete"
    assert loaded(replace(TOLD, now_ms=TOLD.last_ms or 0)) == "What is shown was loaded at 07:30:00 CEST."


def test_when_there_was_anything() -> None:
    assert recorded(TOLD) == "22:30 CET to 07:30 CEST · Europe/Berlin"
    assert recorded(replace(TOLD, recorded_ms=None)) == "Europe/Berlin"


def test_what_the_figure_says_of_itself() -> None:
    frame = frame_of(TOLD, part(TOLD))
    whole = Span(frame.start_ms, frame.end_ms)
    assert spoken(frame, TOLD, whole) == "SpO₂, Pulse, and heart by the bed from 22:25 to 07:34, 2 desaturations marked"
    near = Span(frame.start_ms, frame.start_ms + 2 * 3_600_000)
    assert spoken(frame, TOLD, near).endswith("from 22:25 to 00:25, 1 desaturation marked")


def test_durations() -> None:
    assert [duration(ms) for ms in (1_499, 119_499, 120_000)] == ["1 s", "119 s", "2 min 0 s"]


def test_what_the_night_is_told_by() -> None:
    told = replace(
        TOLD, worn=(worn(TOLD), worn(TOLD, "no motion")), unrecorded=(Span(TOLD.noon_ms.start_ms, TOLD.last_ms or 0),)
    )
    assert told_by(told) == [
        "O2Ring (o2ring-1), 22:30 to 07:30: analysis profile peak, version 1, complete.",
        "MAD in the mouth: 22:30 to 07:30.",
        "Suspect wear, not counted: 22:30 to 07:30 (no motion).",
        "No data of the recorder: 12:00 to 07:30; neither worn nor not worn.",
        "Oximetry without a valid SpO2: 6 min.",
    ]
    (source,) = TOLD.sources
    spare = replace(source, counts=False, unused="another_device_counts", state=State.RUNNING)
    assert told_by(replace(TOLD, sources=(spare,)))[0].endswith(
        "version 1, running; not shown: another oximeter has more valid time."
    )


def test_numbers_have_units_severities_and_what_they_are() -> None:
    html = numbers(TOLD)
    assert '<dt>3 % desaturation index</dt><dd><b>6.8</b> <span class="unit">/h</span>' in html
    assert "● mild" in html
    assert "<dt>3 % desaturation index (/h)</dt><dd>Per valid hour.</dd>" in html
    assert "<h3>MAD</h3>" not in html


def test_what_is_not_known_is_a_dash_and_no_zero() -> None:
    (one,) = TOLD.indices
    assert "<b>–</b>" in numbers(replace(TOLD, indices=(replace(one, value=None, severity=None),)))


def test_a_closed_night_is_read_and_a_running_one_is_not() -> None:
    reading = NightReading("mild", "low", ("This night reads as mild.", "This informs and is no diagnosis."))
    assert "This night reads as mild.</p>" in numbers(replace(TOLD, reading=reading))
    assert "no class is said of it" in numbers(replace(TOLD, state="running"))


def test_nothing_that_came_from_outside_is_markup() -> None:
    assert "<script>" not in numbers(replace(TOLD, notes=("<script>alert(1)</script>",)))


def test_the_table_says_where_each_fall_is_on_the_axis() -> None:
    html = table(TOLD)
    assert html.count("<tr data-from=") == 2
    assert '<tr data-from="41400.0" data-to="41450.0" data-depth="4">' in html
    assert ">23:30:30 CET</button>" in html
    assert ">04:30:30 CEST</button>" in html
    assert '<td class="deep">4.0 %</td><td>92 %</td><td class="wide">96.0 %</td><td>50 s</td>' in html
    assert ">23:30:30</button>" in table(account("2026-02-03"))


def test_a_severe_nights_table_is_one_piece() -> None:
    assert TOLD.last_ms is not None
    many = tuple(replace(TOLD.desaturations[0], start_ms=at) for at in range(600))
    html = table(replace(TOLD, desaturations=many))
    assert html.count("<tr data-from=") == 600
    assert len(html) < 300_000

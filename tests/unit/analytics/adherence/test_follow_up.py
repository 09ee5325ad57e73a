"""What is due after a MAD was fitted, on both sides of each limit."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics.adherence.follow_up import SETTLED, SOON, Kind, Mark, a_year_after, follow_ups

START = date(2024, 5, 10)
DAY = timedelta(days=1)
YEAR = date(2025, 5, 10)


def test_nothing_before_the_first_night() -> None:
    assert {one.state for one in follow_ups([(START, 5.0)], [], START - DAY)} == {"not_yet"}
    assert {one.state for one in follow_ups([], [], START)} == {"not_yet"}
    assert {one.state for one in follow_ups([(START, 5.0)], [], START)} == {"soon", "coming"}


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (START + SETTLED - DAY, "soon"),
        (START + SETTLED, "due"),
    ],
)
def test_the_study_is_due_when_the_setting_stood_for_four_weeks(today: date, state: str) -> None:
    study, _, _ = follow_ups([(START, 5.0)], [], today)
    assert (study.state, study.due) == (state, START + SETTLED)


def test_a_further_step_begins_the_weeks_anew_and_the_same_setting_does_not() -> None:
    later = START + timedelta(20)
    assert follow_ups([(START, 5.0), (later, 5.5)], [], later)[0].due == later + SETTLED
    assert follow_ups([(START, 5.0), (later, 5.0)], [], later)[0].due == START + SETTLED
    # A step that is to come changes nothing yet.
    assert follow_ups([(START, 5.0), (later, 5.5)], [], later - DAY)[0].due == START + SETTLED


def test_a_study_holds_for_the_setting_that_it_was_made_with() -> None:
    step, after = START + timedelta(60), START + timedelta(100)
    steps = [(START, 5.0), (step, 6.0)]
    assert follow_ups(steps, [Mark(Kind.STUDY, "done", step)], after)[0].state == "done"
    redo = follow_ups(steps, [Mark(Kind.STUDY, "done", step - DAY)], after)[0]
    assert (redo.state, redo.due, redo.done) == ("due", step + SETTLED, step - DAY)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (YEAR - SOON - DAY, "coming"),
        (YEAR - SOON, "soon"),
        (YEAR - DAY, "soon"),
        (YEAR, "due"),
        (YEAR + timedelta(400), "due"),
    ],
)
def test_a_visit_is_due_a_year_after_the_beginning(today: date, state: str) -> None:
    for visit in follow_ups([(START, 5.0)], [], today)[1:]:
        assert (visit.state, visit.due, visit.done) == (state, YEAR, None)


def test_a_visit_is_due_a_year_after_the_last() -> None:
    marks = [Mark(Kind.DENTIST, "done", date(2025, 4, 1)), Mark(Kind.DENTIST, "done", date(2025, 3, 1))]
    _, dentist, physician = follow_ups([(START, 5.0)], marks, date(2025, 6, 1))
    assert (dentist.due, dentist.done, dentist.state) == (date(2026, 4, 1), date(2025, 4, 1), "coming")
    assert (physician.due, physician.done, physician.state) == (YEAR, None, "due")


def test_what_is_to_be_done_later_is_not_done() -> None:
    marks = [Mark(Kind.DENTIST, "done", YEAR)]
    assert follow_ups([(START, 5.0)], marks, YEAR - DAY)[1].done is None
    assert follow_ups([(START, 5.0)], marks, YEAR)[1].done == YEAR


def test_postponed_until_a_day_and_due_on_it() -> None:
    until = YEAR + timedelta(60)
    marks = [Mark(Kind.DENTIST, "postponed", until)]
    before, on = (follow_ups([(START, 5.0)], marks, today)[1] for today in (until - SOON - DAY, until))
    assert (before.state, before.due, before.postponed) == ("coming", until, True)
    assert (on.state, on.due) == ("due", until)


def test_postponed_to_before_it_is_due_is_no_postponement() -> None:
    for until, postponed in ((YEAR, False), (YEAR + DAY, True)):
        found = follow_ups([(START, 5.0)], [Mark(Kind.DENTIST, "postponed", until)], YEAR)[1]
        assert (found.due, found.postponed) == (until, postponed)


def test_what_was_put_off_before_it_was_done_is_over() -> None:
    marks = [Mark(Kind.DENTIST, "postponed", date(2027, 1, 1)), Mark(Kind.DENTIST, "done", YEAR)]
    found = follow_ups([(START, 5.0)], marks, YEAR)[1]
    assert (found.due, found.postponed) == (date(2026, 5, 10), False)


@pytest.mark.parametrize(
    ("day", "next_year"),
    [
        (date(2024, 2, 28), date(2025, 2, 28)),
        (date(2024, 2, 29), date(2025, 3, 1)),
        (date(2023, 3, 1), date(2024, 3, 1)),
    ],
)
def test_a_year_after(day: date, next_year: date) -> None:
    assert a_year_after(day) == next_year

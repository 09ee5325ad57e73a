"""What is due after a MAD was fitted, to the day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.service.exchange.report.follow_up import follow_ups, next_anniversary
from gateway.service.records import TreatmentStep

START = date(2024, 5, 10)


def step(night: date, mm: float) -> TreatmentStep:
    return TreatmentStep("p", night, mm, "", 0)


def test_nothing_is_due_before_treatment_and_a_step_to_come_is_none() -> None:
    for steps in ((), (step(START, 5.0),)):
        assert [one.state for one in follow_ups(steps, START - timedelta(1))] == ["not yet"] * 3


def test_from_the_first_night_on_the_study_is_open_and_the_visits_have_dates() -> None:
    study, dentist, physician = follow_ups((step(START + timedelta(30), 6.0), step(START, 5.0)), START)
    assert (study.state, study.due) == ("open", None)
    assert "last set 2024-05-10 to 5 mm" in study.why  # the later step has not come
    assert dentist.due == physician.due == date(2025, 5, 10)


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (START, date(2025, 5, 10)),
        (date(2025, 5, 9), date(2025, 5, 10)),
        (date(2025, 5, 10), date(2025, 5, 10)),
        (date(2025, 5, 11), date(2026, 5, 10)),
        (date(2031, 1, 1), date(2031, 5, 10)),
    ],
)
def test_the_next_anniversary(today: date, due: date) -> None:
    assert next_anniversary(START, today) == due


def test_of_a_leap_day() -> None:
    leap = date(2024, 2, 29)
    assert next_anniversary(leap, date(2025, 2, 28)) == date(2025, 3, 1)
    assert next_anniversary(leap, date(2027, 3, 2)) == date(2028, 2, 29)

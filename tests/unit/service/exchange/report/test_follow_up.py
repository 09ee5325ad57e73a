"""Follow-up in a report's words; the rule itself is tested in `tests/unit/analytics/adherence`."""

from __future__ import annotations

from datetime import date, timedelta

from analytics.adherence.follow_up import Kind, MarkKind
from gateway.service.exchange.report.follow_up import follow_ups
from gateway.service.records import FollowUpMark, TreatmentStep

START = date(2024, 5, 10)


def step(night: date, mm: float) -> TreatmentStep:
    return TreatmentStep("p", night, mm, "", 0)


def mark(kind: Kind, what: MarkKind, day: date) -> FollowUpMark:
    return FollowUpMark("f-1", "p", kind, what, day, "somebody", "", 0)


def test_nothing_is_due_before_treatment_and_a_step_to_come_is_none() -> None:
    for steps in ((), (step(START, 5.0),)):
        assert [one.state for one in follow_ups(steps, START - timedelta(1))] == ["not yet"] * 3


def test_each_says_how_it_is_known() -> None:
    study, dentist, physician = follow_ups((step(START + timedelta(30), 6.0), step(START, 5.0)), START)
    assert (study.state, study.due) == ("coming", date(2024, 6, 7))
    assert "2024-05-10 to 5 mm" in study.why  # the later step has not come
    assert dentist.due == physician.due == date(2025, 5, 10)
    assert dentist.why == "treatment began 2024-05-10; no visit is on record"


def test_what_was_done_and_what_is_put_off() -> None:
    marks = (
        mark(Kind.STUDY, "done", START + timedelta(40)),
        mark(Kind.DENTIST, "done", date(2025, 5, 1)),
        mark(Kind.PHYSICIAN, "postponed", date(2025, 9, 1)),
    )
    study, dentist, physician = follow_ups((step(START, 5.0),), date(2025, 6, 1), marks)
    assert (study.state, study.due, study.why) == ("done", None, "on 2024-06-19, at 5 mm")
    assert (dentist.state, dentist.due, dentist.why) == ("coming", date(2026, 5, 1), "last on 2025-05-01")
    assert (physician.state, physician.due, physician.why) == ("coming", date(2025, 9, 1), "postponed by the clinic")

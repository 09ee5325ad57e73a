"""Follow-up as a report tells it: what is due, when, and how that is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from analytics.adherence import follow_up as rule
from analytics.adherence.follow_up import SETTLED, Kind
from gateway.service.exchange.report.values import Due, FollowUp
from gateway.service.records import FollowUpMark, TreatmentStep

NAMES: Final = {
    Kind.STUDY: "Sleep study with the MAD in place",
    Kind.DENTIST: "Yearly visit to the dentist",
    Kind.PHYSICIAN: "Yearly visit to the sleep physician",
}
_STATES: Final[dict[rule.State, Due]] = {
    "not_yet": "not yet",
    "coming": "coming",
    "soon": "coming",
    "due": "due",
    "done": "done",
}


def as_rule(
    steps: Sequence[TreatmentStep], marks: Sequence[FollowUpMark], today: date
) -> tuple[rule.FollowUp, rule.FollowUp, rule.FollowUp]:
    """What the rule says of what is on record."""
    given = [(step.night, step.advancement_mm) for step in steps]
    return rule.follow_ups(given, [rule.Mark(one.kind, one.mark, one.day) for one in marks], today)


def follow_ups(steps: Sequence[TreatmentStep], today: date, marks: Sequence[FollowUpMark] = ()) -> tuple[FollowUp, ...]:
    """The study, then the two visits.

    Parameters
    ----------
    steps
        Of treatment, in any order.
    today
        The patient's local date.
    marks
        What was noted as done or postponed, in the order of noting.
    """
    return tuple(
        FollowUp(NAMES[one.kind], _STATES[one.state], one.due, _why(one, steps, today))
        for one in as_rule(steps, marks, today)
    )


def _why(one: rule.FollowUp, steps: Sequence[TreatmentStep], today: date) -> str:
    begun = [step for step in steps if step.night <= today]
    if not begun:
        return "no treatment has begun on record"
    if one.postponed:
        return "postponed by the clinic"
    latest = max(begun, key=lambda step: step.night)
    if one.kind is Kind.STUDY:
        if one.state == "done" and one.done is not None:
            return f"on {one.done.isoformat()}, at {latest.advancement_mm:g} mm"
        return (
            f"to confirm that it works, {SETTLED.days} days after the last setting: "
            f"{latest.night.isoformat()} to {latest.advancement_mm:g} mm"
        )
    if one.done is not None:
        return f"last on {one.done.isoformat()}"
    return f"treatment began {min(step.night for step in begun).isoformat()}; no visit is on record"

"""What is due: a sleep study that confirms the MAD works, then a yearly visit to the dentist and the sleep physician.

The records hold no visits, so what is due follows from the steps of treatment alone, and the report says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from gateway.service.exchange.report.values import FollowUp
from gateway.service.records import TreatmentStep

STUDY: Final = "Sleep study with the MAD in place"
YEARLY: Final = ("Yearly visit to the dentist", "Yearly visit to the sleep physician")


def follow_ups(steps: Sequence[TreatmentStep], today: date) -> tuple[FollowUp, ...]:
    """The study, then the two visits.

    Parameters
    ----------
    steps
        Of treatment, in any order.
    today
        The patient's local date.
    """
    begun = [step for step in steps if step.night <= today]
    if not begun:
        why = "no treatment has begun on record"
        return tuple(FollowUp(what, "not yet", None, why) for what in (STUDY, *YEARLY))
    start, latest = min(step.night for step in begun), max(begun, key=lambda step: step.night)
    study = FollowUp(
        STUDY,
        "open",
        None,
        f"to confirm that it works, at the advancement that stays; last set {latest.night.isoformat()} to "
        f"{latest.advancement_mm:g} mm",
    )
    due = next_anniversary(start, today)
    state = f"treatment began {start.isoformat()}; visits are not kept here, so each year's date is shown"
    return (study, *(FollowUp(what, "coming", due, state) for what in YEARLY))


def next_anniversary(start: date, today: date) -> date:
    """The first anniversary of `start` that is not before `today`; of 29 February it is 1 March in other years."""
    for year in range(max(start.year + 1, today.year), today.year + 3):
        try:
            due = start.replace(year=year)
        except ValueError:
            due = date(year, 3, 1)
        if due >= today:
            return due
    raise ValueError(f"treatment that begins {start.isoformat()} has no anniversary near {today.isoformat()}")

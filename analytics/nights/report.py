"""All that many nights say together, as one value: a pure function of the nights and the steps of treatment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from analytics.nights.bedtime import Bedtime, bedtime
from analytics.nights.changes import Change, changes
from analytics.nights.model import POPULATIONS
from analytics.nights.records import PatientNight, Side, TreatmentStep
from analytics.nights.summary import LEAST_VALID_H, Outlook, outlooks
from analytics.nights.treatment import Comparison, Verdict, compare, side_of
from analytics.nights.trend import Trend, trends
from analytics.nights.words import sentences

_SIDES: Final[tuple[Side, ...]] = ("without", "with", "mixed", "unknown")


class NightsReport(msgspec.Struct, frozen=True):
    """Many nights of one patient.

    Attributes
    ----------
    first, last
        Dates of the first and the last night known; None without any.
    nights, usable
        How many are known, and how many of them have the valid hours to count.
    sides
        Usable nights by what the MAD did: ``without``, ``with``, ``mixed`` (part of the night), ``unknown``.
    regimen_from
        The night of the latest step of treatment among the nights known; None without one.
    without
        Outlook of each index over nights without the MAD.
    treated
        The same over nights with the MAD at its present setting.
    treatment
        Nights with the MAD at its present setting against those without, for each index with classes.
    verdict
        That of ODI3; ``cannot_say`` where it cannot be compared.
    trends
        Over the present regimen: nights with the MAD since the latest step or, where no step is known, the nights of
        the side that has more.
    changes
        At steps and elsewhere, over all usable nights, of ODI3.
    bedtime
        None where no night tells.
    sentences
        For people.
    """

    first: date | None
    last: date | None
    nights: int
    usable: int
    sides: Mapping[Side, int]
    regimen_from: date | None
    without: tuple[Outlook, ...]
    treated: tuple[Outlook, ...]
    treatment: tuple[Comparison, ...]
    verdict: Verdict
    trends: tuple[Trend, ...]
    changes: tuple[Change, ...]
    bedtime: Bedtime | None
    sentences: tuple[str, ...]


def evaluate(nights: Iterable[PatientNight], steps: Iterable[TreatmentStep] = ()) -> NightsReport:
    """Read many nights.

    Parameters
    ----------
    nights
        Of one patient, each date once, in any order: the result is the same bit for bit.
    steps
        Of treatment, each date once; withdrawn ones are passed over.

    Raises
    ------
    ValueError
        If a date occurs twice.
    """
    known = sorted(nights, key=lambda night: night.night)
    if len({night.night for night in known}) != len(known):
        raise ValueError("a night occurs twice: keep its latest revision, as `history` does")
    ordered = sorted((step for step in steps if not step.withdrawn), key=lambda step: step.night)
    if len({step.night for step in ordered}) != len(ordered):
        raise ValueError("a step of treatment occurs twice: keep its latest revision, as `history` does")
    usable = [night for night in known if night.valid_h >= LEAST_VALID_H]
    sides: dict[Side, list[PatientNight]] = {side: [] for side in _SIDES}
    for night in usable:
        sides[side_of(night, ordered)].append(night)
    regimen_from = max((step.night for step in ordered if known and step.night <= known[-1].night), default=None)
    present = [night for night in sides["with"] if regimen_from is None or night.night >= regimen_from]
    compared = (
        compare(index, sides["without"], present) for index, one in POPULATIONS.items() if one.bands is not None
    )
    treatment = tuple(one for one in compared if one is not None)
    without, treated = outlooks(sides["without"]), outlooks(present)
    on_treatment = regimen_from is not None or len(present) > len(sides["without"])
    moving = trends(present if on_treatment else sides["without"])
    found = changes(next(iter(POPULATIONS)), usable, ordered)
    bed = bedtime(known)
    return NightsReport(
        first=known[0].night if known else None,
        last=known[-1].night if known else None,
        nights=len(known),
        usable=len(usable),
        sides={side: len(some) for side, some in sides.items()},
        regimen_from=regimen_from,
        without=without,
        treated=treated,
        treatment=treatment,
        verdict=treatment[0].verdict if treatment else "cannot_say",
        trends=moving,
        changes=found,
        bedtime=bed,
        sentences=sentences(without, treated, treatment, found, moving, bed),
    )

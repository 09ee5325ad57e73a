"""Without and with the MAD: the index, and what of the disease is taken away."""

from __future__ import annotations

from statistics import fmean

from analytics.adherence.alleviation import alleviation
from analytics.nights.summary import Outlook
from gateway.service.exchange.report.values import BaselineOf, Facts, Response

INDEX = "odi3"


def response_of(facts: Facts) -> Response:
    """Compare, by the nights looked at; the mean disease alleviation where all that it takes is known.

    The baseline is the mean of the nights without the MAD; without such nights the sleep study's index stands in, which
    may count apnoeas and hypopnoeas and not desaturations: `baseline_of` says which.
    """
    reading = facts.reading
    without = _of(reading.without)
    treated = _of(reading.treated)
    comparison = next((one for one in reading.treatment if one.index == INDEX), None)
    baseline: float | None = None
    baseline_of: BaselineOf | None = None
    if without is not None:
        baseline, baseline_of = without.mean, "nights without the MAD"
    elif facts.patient.untreated_index is not None:
        baseline, baseline_of = facts.patient.untreated_index, "sleep study"
    slept = [
        (night.sleep_h * night.wear_of_sleep_pct / 100, night.sleep_h)
        for night in facts.nights
        if facts.first <= night.night <= facts.last and night.sleep_h and night.wear_of_sleep_pct is not None
    ]
    missing = (
        "no index without the MAD"
        if not baseline
        else "no usable night with the MAD at its present setting"
        if treated is None
        else "no night with wear and a sleep time"
        if not slept
        else ""
    )
    found = None
    if baseline and treated is not None and slept:
        found = alleviation(
            baseline, treated.mean, fmean(worn for worn, _ in slept), fmean(sleep for _, sleep in slept)
        )
    return Response(reading.first, without, treated, comparison, found, baseline, baseline_of, missing)


def _of(outlooks: tuple[Outlook, ...]) -> Outlook | None:
    return next((one for one in outlooks if one.index == INDEX), None)

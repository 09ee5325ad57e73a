"""An index over n nights: mean, interval, how much it varies, and how sure each severity class is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from analytics.nights.model import POPULATIONS, posterior
from analytics.nights.records import PatientNight
from analytics.oximetry.results import Severity

CLASSES: Final[tuple[Severity, ...]] = ("normal", "mild", "moderate", "severe")
SETTLED_NIGHTS: Final = 14
"""Below, a mean is provisional: errors fall until fourteen nights and stay (B. Lechat et al. 2022)."""
LEAST_VALID_H: Final = 4.0
"""A shorter night joins no mean: what was recorded may be no night at all (AASM's least for home testing)."""
INTERVAL: Final = 0.95
LIKELY: Final = 0.8
"""A class with less probability is named with the word "uncertain"."""


class Outlook(msgspec.Struct, frozen=True):
    """One index over some nights, in the index's unit.

    Attributes
    ----------
    index, nights
        Its name, and how many nights count (valid hours and a value).
    mean, median, least, most
        Of these nights, as they are.
    low, high
        The long-run mean lies between them with a probability of `INTERVAL`, by `model`. With few nights it leans on
        what is known of other people, so the plain mean need not be in its middle.
    sd, cv_pct
        Night-to-night SD and its share of the mean; None for one night (and no CV of a mean of 0).
    night_factor
        A typical night lies within this factor of the person's level (one SD, by `model`).
    reliability
        Share of the spread between such means that is between people, not chance: the intraclass correlation of an
        n-night mean, with this person's own night-to-night SD; 0..1.
    probabilities
        Of each class for the long-run mean; empty for an index without classes.
    severity
        The likeliest class; `unknown` for an index without.
    provisional
        Fewer than `SETTLED_NIGHTS` nights.
    uncertain
        No class reaches a probability of `LIKELY`.
    """

    index: str
    nights: int
    mean: float
    median: float
    low: float
    high: float
    least: float
    most: float
    sd: float | None
    cv_pct: float | None
    night_factor: float
    reliability: float
    probabilities: Mapping[Severity, float]
    severity: Severity
    provisional: bool
    uncertain: bool


def values_of(nights: Sequence[PatientNight], index: str) -> list[float]:
    """An index of each night that counts, in the nights' order."""
    return [night.index(index) for night in counting(nights, index)]


def counting(nights: Sequence[PatientNight], index: str) -> list[PatientNight]:
    """Those with the index and enough valid hours."""
    return [night for night in nights if night.valid_h >= LEAST_VALID_H and index in night.indices]


def outlook(index: str, values: Sequence[float]) -> Outlook:
    """Summarise an index.

    Parameters
    ----------
    index
        One of `POPULATIONS`.
    values
        Of n >= 1 nights, in any order: the result is the same bit for bit.

    Raises
    ------
    ValueError
        For an unknown index, no value, or one that is negative or not finite.
    """
    if index not in POPULATIONS:
        raise ValueError(f"no model for index {index!r}: one of {', '.join(POPULATIONS)}")
    population = POPULATIONS[index]
    x = np.sort(np.asarray(values, np.float64))
    found = posterior(x, population)
    mean, n = float(x.mean()), x.size
    sd = float(x.std(ddof=1)) if n > 1 else None
    classes: dict[Severity, float] = {}
    if population.bands is not None:
        classes = dict(zip(CLASSES, found.class_probabilities(), strict=True))
    severity: Severity = max(classes, key=lambda name: classes[name], default="unknown")
    tail = (1.0 - INTERVAL) / 2
    return Outlook(
        index=index,
        nights=n,
        mean=mean,
        median=float(np.median(x)),
        low=found.quantile(tail),
        high=found.quantile(1.0 - tail),
        least=float(x[0]),
        most=float(x[-1]),
        sd=sd,
        cv_pct=100.0 * sd / mean if sd is not None and mean > 0 else None,
        night_factor=float(np.exp(found.night_sd)),
        reliability=population.level_sd**2 / (population.level_sd**2 + found.night_sd**2 / n),
        probabilities=classes,
        severity=severity,
        provisional=n < SETTLED_NIGHTS,
        uncertain=bool(classes) and classes[severity] < LIKELY,
    )


def outlooks(nights: Sequence[PatientNight]) -> tuple[Outlook, ...]:
    """Every index of `POPULATIONS` that the nights tell, in its order."""
    told = ((index, values_of(nights, index)) for index in POPULATIONS)
    return tuple(outlook(index, values) for index, values in told if values)

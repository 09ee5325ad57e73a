"""Learn from many people how an index differs between them, and between nights of one: a `Population`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.nights.model import Population

LEAST_PEOPLE = 20
LEAST_NIGHTS = 5


def fit_population(
    people: Sequence[Sequence[float]], *, shift: float, bands: tuple[float, float, float] | None = None
) -> Population:
    """Fit by moments, chance of few nights taken off.

    Parameters
    ----------
    people
        Nights of each person in the index's unit; those with fewer than `LEAST_NIGHTS` are left out.
    shift
        See `Population`.
    bands
        Where mild, moderate and severe begin; None for an index without classes.

    Raises
    ------
    ValueError
        With fewer than `LEAST_PEOPLE` people left, or a shift that is not positive.
    """
    groups = [np.log(np.asarray(person, np.float64) + shift) for person in people if len(person) >= LEAST_NIGHTS]
    if len(groups) < LEAST_PEOPLE or not shift > 0:
        raise ValueError(f"a population takes {LEAST_PEOPLE} people of {LEAST_NIGHTS} nights and a positive shift")
    sizes = np.array([group.size for group in groups], np.float64)
    means = np.array([group.mean() for group in groups])
    variances = np.array([max(float(group.var(ddof=1)), 1e-6) for group in groups])
    between = float(means.var(ddof=1)) - float(np.mean(variances / sizes))
    # The logarithm of an SD of n nights strays by about 1 / sqrt(2 (n - 1)) by chance alone.
    logs = 0.5 * np.log(variances)
    spread = float(logs.var(ddof=1)) - float(np.mean(0.5 / (sizes - 1.0)))
    return Population(
        shift=shift,
        level=float(means.mean()),
        level_sd=float(np.sqrt(max(between, 1e-4))),
        night_sd=float(np.exp(np.median(logs))),
        night_sd_spread=float(np.sqrt(max(spread, 1e-4))),
        bands=bands,
    )

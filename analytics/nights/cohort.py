"""How often few nights are wrong about many people: misclassification by number of nights, and agreement of nights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.oximetry.reading import RATE_BANDS

Floats = NDArray[np.float64]

APNOEA_LIMIT: Final = 15.0
"""B. Lechat et al. 2022 call a mean above it sleep apnoea, and so do F1 and the share of nights that look normal."""


class Misclassification(msgspec.Struct, frozen=True):
    """The mean of `nights` nights against the mean of all, over people.

    Attributes
    ----------
    wrong_pct
        People in another of the four classes.
    wrong_by_class_pct
        The same among those who truly are normal, mild, moderate, severe; NaN where there is nobody.
    f1
        Of "mean of `APNOEA_LIMIT` or more".
    looks_normal_pct
        Of those who truly have that, how many look normal.
    """

    nights: int
    wrong_pct: float
    wrong_by_class_pct: tuple[float, float, float, float]
    f1: float
    looks_normal_pct: float


def misclassification(
    values: Floats,
    nights: Sequence[int],
    *,
    bands: tuple[float, float, float] = RATE_BANDS,
    draws: int = 50,
    seed: int = 0,
) -> tuple[Misclassification, ...]:
    """Misclassification by number of nights, over random choices of nights.

    Parameters
    ----------
    values
        An index, shape (people, nights).
    nights
        How many to draw, each 1..shape[1].
    bands
        Where mild, moderate and severe begin.
    draws, seed
        Choices of nights for each person, without repetition; the seed makes them the same again.

    Raises
    ------
    ValueError
        For an empty table, a value that is not finite, or more nights than there are.
    """
    if values.ndim != 2 or not values.size or not np.all(np.isfinite(values)):
        raise ValueError("misclassification needs a table of people by nights without gaps")
    if not all(1 <= n <= values.shape[1] for n in nights):
        raise ValueError(f"of {values.shape[1]} nights between 1 and as many can be drawn")
    rng = np.random.default_rng(seed)
    truth = values.mean(axis=1)
    running: list[Floats] = []
    for _ in range(draws):
        shuffled = np.take_along_axis(values, np.argsort(rng.random(values.shape), axis=1), axis=1)
        running.append(np.cumsum(shuffled, axis=1) / np.arange(1, values.shape[1] + 1))
    means = np.stack(running)
    return tuple(_measured(n, means[:, :, n - 1], truth, bands) for n in nights)


def _measured(n: int, means: Floats, truth: Floats, bands: tuple[float, float, float]) -> Misclassification:
    true_class = np.digitize(truth, bands)
    wrong = np.digitize(means, bands) != true_class
    apnoea, found = truth >= APNOEA_LIMIT, means >= APNOEA_LIMIT
    hits = int(np.count_nonzero(found & apnoea))
    calls = int(np.count_nonzero(found)) + means.shape[0] * int(np.count_nonzero(apnoea))
    by_class = [_pct(wrong[:, true_class == k]) for k in range(4)]
    return Misclassification(
        nights=n,
        wrong_pct=_pct(wrong),
        wrong_by_class_pct=(by_class[0], by_class[1], by_class[2], by_class[3]),
        f1=2.0 * hits / calls if calls else float("nan"),
        looks_normal_pct=_pct(means[:, apnoea] < bands[0]),
    )


def _pct(where: NDArray[np.bool_]) -> float:
    return 100.0 * float(where.mean()) if where.size else float("nan")


def intraclass_correlation(people: Sequence[Sequence[float]]) -> float:
    """Share of the variance of single nights that is between people: ICC(1), one-way random effects.

    Parameters
    ----------
    people
        Nights of each person, on a scale on which they differ by sums (`Population.scaled`); numbers of nights may
        differ. People with one night help only to tell people apart.

    Returns
    -------
    float
        At most 1; below 0 where people differ less than chance would have them.

    Raises
    ------
    ValueError
        With fewer than two people, or nobody with two nights.

    Notes
    -----
    Shrout and Fleiss, Psychol. Bull. 86:420 (1979), with the mean group size of an unbalanced analysis of variance.
    """
    groups = [np.asarray(person, np.float64) for person in people if len(person)]
    sizes = np.array([group.size for group in groups], np.float64)
    if len(groups) < 2 or sizes.max() < 2:
        raise ValueError("agreement of nights needs two people, and two nights of one of them")
    total = sizes.sum()
    means = np.array([group.mean() for group in groups])
    grand = float(np.concatenate(groups).mean())
    between = float(np.sum(sizes * (means - grand) ** 2)) / (len(groups) - 1)
    within = sum(float(np.sum((g - g.mean()) ** 2)) for g in groups) / (total - len(groups))
    size = (total - float(np.sum(sizes**2)) / total) / (len(groups) - 1)
    spread = between + (size - 1.0) * within
    return float((between - within) / spread) if spread > 0 else 1.0

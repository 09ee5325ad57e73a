"""Robust comparison of two samples and robust slopes: ranks and medians, exact in their order, normal in their tails.

Everything is computed from sorted values, so it does not depend on the order in which nights arrived.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]


def mann_whitney_p(before: Floats, after: Floats) -> float:
    """Two-sided p that two samples are of one distribution, shapes (n,) and (m,); 1 where one is empty.

    Normal approximation with correction for ties and continuity (Mann and Whitney 1947; Hollander and Wolfe,
    Nonparametric Statistical Methods, chapter 4).
    """
    n, m = before.size, after.size
    if not n or not m:
        return 1.0
    greater = np.sign(after[:, None] - before[None, :])
    statistic = float(np.sum(greater)) / 2
    _, counts = np.unique(np.concatenate([before, after]), return_counts=True)
    ties = float(np.sum(counts.astype(np.float64) ** 3 - counts)) / ((n + m) * (n + m - 1))
    variance = n * m / 12.0 * (n + m + 1 - ties)
    if variance <= 0:
        return 1.0
    z = max(abs(statistic) - 0.5, 0.0) / np.sqrt(variance)
    return float(min(2.0 * ndtr(-z), 1.0))


def shift(before: Floats, after: Floats, confidence: float = 0.95) -> tuple[float, float, float]:
    """How far `after` lies above `before`: Hodges and Lehmann's median of all differences, with Moses' interval.

    Parameters
    ----------
    before, after
        Shapes (n,) and (m,), not empty.

    Returns
    -------
    estimate, low, high
        With few values no interval of that confidence exists; then it is the whole range of differences.
    """
    n, m = before.size, after.size
    differences = np.sort((after[:, None] - before[None, :]).ravel())
    reach = float(ndtri(0.5 + confidence / 2)) * np.sqrt(n * m * (n + m + 1) / 12.0)
    skip = int(np.clip(np.floor(n * m / 2.0 - reach) - 1, 0, (n * m - 1) // 2))
    return float(np.median(differences)), float(differences[skip]), float(differences[n * m - 1 - skip])


def slope(at: Floats, values: Floats, confidence: float = 0.95) -> tuple[float, float, float, float]:
    """Slope of `values` over `at`: the median over all pairs (Theil 1950; Sen 1968), with Sen's interval.

    Parameters
    ----------
    at, values
        Shape (n,) each, n >= 3, `at` without a repetition.

    Returns
    -------
    estimate, low, high
        In units of `values` by `at`.
    p
        Two-sided, of no trend (Kendall), with correction for ties.
    """
    i, j = np.triu_indices(at.size, 1)
    slopes = np.sort((values[j] - values[i]) / (at[j] - at[i]))
    _, counts = np.unique(values, return_counts=True)
    n = at.size
    tied = float(np.sum(counts * (counts - 1.0) * (2.0 * counts + 5.0)))
    variance = (n * (n - 1.0) * (2.0 * n + 5.0) - tied) / 18.0
    concordant = float(np.sum(np.sign(slopes)))
    p = 1.0 if variance <= 0 else float(min(2.0 * ndtr(-max(abs(concordant) - 1.0, 0.0) / np.sqrt(variance)), 1.0))
    reach = float(ndtri(0.5 + confidence / 2)) * np.sqrt(max(variance, 0.0))
    low = int(np.clip(np.floor((slopes.size - reach) / 2.0) - 1, 0, slopes.size - 1))
    high = int(np.clip(np.ceil((slopes.size + reach) / 2.0), 0, slopes.size - 1))
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high]), p

"""General statistics and time under levels, over the valid seconds.

Differences from the toolbox: `ZC` counts every crossing of the mean once, also the first, and passes over seconds that
lie on the mean (there one crossing may count twice and the first is missed); a night without valid seconds gives NaN.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

BELOW_MEDIAN_PCT: Final = 2.0
DELTA_WINDOW_S: Final = 12
MAD_SCALE: Final = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""


@njit(cache=True)
def _crossings(spo2: Any, level: float) -> int:
    side = 0
    count = 0
    for value in spo2:
        if value > level:
            count += side < 0
            side = 1
        elif value < level:
            count += side > 0
            side = -1
        elif value != value:  # a gap: no crossing across it
            side = 0
    return count


@njit(cache=True)
def delta_index(spo2: Any) -> float:
    """Mean absolute difference of successive means over 12 s, %; NaN with less than two windows in a row.

    J.-L. Pépin et al., Chest 99:1151 (1991). `spo2` at 1 Hz, %; seconds that are NaN are left out of their window, and
    a window without any valid second takes part in no difference.
    """
    total = 0.0
    count = 0
    before = np.nan
    for first in range(0, spo2.shape[0] - DELTA_WINDOW_S + 1, DELTA_WINDOW_S):
        window = 0.0
        seen = 0
        for i in range(first, first + DELTA_WINDOW_S):
            if spo2[i] == spo2[i]:
                window += spo2[i]
                seen += 1
        mean = window / seen if seen else np.nan
        if mean == mean and before == before:
            total += abs(mean - before)
            count += 1
        before = mean
    return total / count if count else np.nan


def general_statistics(spo2: NDArray[np.float64]) -> dict[str, float]:
    """`AV` .. `MAD`, `CT90` .. `T80` and `CA` of a signal at 1 Hz (%, NaN missing); all NaN where nothing is valid."""
    valid = spo2[~np.isnan(spo2)]
    names = ["AV", "MED", "Min", "SD", "RG", "P", "M", "ZC", "DI", "K", "SK", "MAD", "CT90", "T88", "T85", "T80", "CA"]
    if not valid.size:
        return dict.fromkeys(names, math.nan)
    mean = float(valid.mean())
    low, first, median = np.percentile(valid, (0.0, 1.0, 50.0)).tolist()
    off = valid - mean
    square = off * off
    variance = float(square.mean())
    share = 100.0 / valid.size
    return {
        "AV": mean,
        "MED": median,
        "Min": low,
        "SD": math.sqrt(variance),
        "RG": float(valid.max()) - low,
        "P": first,
        "M": np.count_nonzero(valid < median - BELOW_MEDIAN_PCT) * share,
        "ZC": float(_crossings(spo2, mean)),
        "DI": float(delta_index(spo2)),
        "K": float((square * square).mean()) / variance**2 - 3.0 if variance else math.nan,
        "SK": float((square * off).mean()) / variance**1.5 if variance else math.nan,
        "MAD": MAD_SCALE * float(np.median(np.abs(valid - median))),
        "CT90": np.count_nonzero(valid <= 90.0) * share,
        "T88": np.count_nonzero(valid < 88.0) * share,
        "T85": np.count_nonzero(valid < 85.0) * share,
        "T80": np.count_nonzero(valid < 80.0) * share,
        "CA": float(-off[off < 0.0].sum()) / valid.size,
    }

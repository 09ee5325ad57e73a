"""When did the device change places? Dated back along its warming or cooling, between the two readings around it.

A small body brought from one temperature to another follows a first-order step response,

    T(t) = A + (S - A) exp(-(t - t0) / tau),

with S the temperature before, A that of the new place. Bench tests put a mandibular recorder within 0.2 degC of a
mouth after at most 1110 s: a time constant of at most about four minutes, so a reading every five minutes still lies on
the curve, and its height says how long ago the change was. A, S (where the device may have been rinsed) and tau are not
known: they are integrated out over what is known of them beforehand, on a grid; the result is the posterior mean of t0,
which has the least mean square error, and its standard deviation. A lag of the sensor within the device, some seconds,
is left in: it delays the insertion as it delays the removal, and is part of the standard deviation.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

NOISE_C: Final = 0.12
"""Standard deviation of a reading about the curve, degC: the sensor, and what no single curve describes."""
LAG_S: Final = 10.0
"""A sensor's lag within the device: of that order, and not known."""
_GRID_S: Final = 8.0
_MOST_TIMES: Final = 60
_TAUS: Final = 17
_SPREADS: Final = 2.2
"""The time constants tried reach this many standard deviations of their logarithm to either side."""


@njit(cache=True)
def date_change(
    lo_ms: int,
    hi_ms: int,
    t_ms: Any,
    celsius: Any,
    before_c: Any,
    before_weight: Any,
    after_c: float,
    after_sd_c: float,
    tau_s: float,
    tau_spread: float,
) -> tuple[np.int64, float]:
    """Date a change between two readings from the readings that follow it.

    Parameters
    ----------
    lo_ms, hi_ms
        Last reading before the change, first reading after it.
    t_ms, celsius
        Readings from `hi_ms` on, int64 and float64, shape (n,), n >= 1.
    before_c, before_weight
        Temperatures that the device may have started from, degC, and how likely each is, shape (k,).
    after_c, after_sd_c
        What is known of the new place's temperature: mean and standard deviation, degC.
    tau_s, tau_spread
        What is known of the time constant: median in s and standard deviation of its logarithm.

    Returns
    -------
    at_ms : int
        Posterior mean, within `lo_ms` .. `hi_ms`.
    sd_s : float
        Posterior standard deviation, s.
    """
    width_s = (hi_ms - lo_ms) / 1000.0
    times = min(max(int(width_s / _GRID_S), 8), _MOST_TIMES)
    n, k = t_ms.shape[0], before_c.shape[0]
    score = np.empty((times, _TAUS, k))
    left = np.empty(n)
    best = -np.inf
    for p in range(times):
        ago_s = width_s * (p + 0.5) / times  # before hi_ms
        for q in range(_TAUS):
            deviation = _SPREADS * (2.0 * q / (_TAUS - 1) - 1.0)
            tau = tau_s * np.exp(deviation * tau_spread)
            for i in range(n):
                left[i] = np.exp(-(ago_s + (t_ms[i] - hi_ms) / 1000.0) / tau)
            for r in range(k):
                # The new place's temperature enters linearly: its most likely value and its share of the evidence.
                weight = 1.0 / after_sd_c**2
                pull = after_c / after_sd_c**2
                for i in range(n):
                    weight += ((1.0 - left[i]) / NOISE_C) ** 2
                    pull += (1.0 - left[i]) * (celsius[i] - before_c[r] * left[i]) / NOISE_C**2
                place = pull / weight
                cost = ((place - after_c) / after_sd_c) ** 2 + np.log(weight * after_sd_c**2) + deviation**2
                for i in range(n):
                    miss = (celsius[i] - place - (before_c[r] - place) * left[i]) / NOISE_C
                    cost += miss * miss
                score[p, q, r] = np.log(before_weight[r]) - 0.5 * cost
                best = max(best, score[p, q, r])
    total = first = second = 0.0
    for p in range(times):
        ago_s = width_s * (p + 0.5) / times
        for q in range(_TAUS):
            for r in range(k):
                likely = np.exp(score[p, q, r] - best)
                total += likely
                first += likely * ago_s
                second += likely * ago_s * ago_s
    mean_s = first / total
    within = (width_s / times) ** 2 / 12.0  # a time stands for its part of the grid
    variance = max(second / total - mean_s * mean_s, 0.0) + within + LAG_S**2
    return hi_ms - np.int64(np.rint(1000.0 * mean_s)), np.sqrt(variance)

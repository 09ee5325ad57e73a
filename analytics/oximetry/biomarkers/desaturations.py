"""Biomarkers of the desaturations: mean and standard deviation of what each event is like, and their share of the
night.

They are taken over the events that are given (the toolbox finds its own even where it is given some) and over all of
them (the toolbox loses events above 128). Without events means are NaN, where the toolbox says 0.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.oximetry.events import Events

FIELDS: Final = ("DL", "DL_a", "DL_b", "DDmax", "DD100", "DAmax", "DA100", "DS")


@njit(cache=True)
def _describe(spo2: Any, events: Any, rows: Any) -> None:
    """One row of `FIELDS` for each event; NaN where no second of it is valid (slope: less than two)."""
    n = spo2.shape[0]
    for k in range(events.shape[0]):
        event = events[k]
        last = min(np.int64(event.end_s), n - 1)
        first_high = -1
        last_low = -1
        under_100 = 0.0
        valid = 0
        for i in range(event.start_s, last + 1):
            value = spo2[i]
            if value != value:
                continue
            valid += 1
            under_100 += 100.0 - value
            if first_high < 0 or value > spo2[first_high]:
                first_high = i
            if last_low < 0 or value <= spo2[last_low]:
                last_low = i
        rows[k, :] = np.nan
        if valid == 0:
            continue
        high = spo2[first_high]
        low = spo2[last_low]
        rows[k, 0] = event.end_s - event.start_s
        rows[k, 1] = event.nadir_s - event.start_s
        rows[k, 2] = event.end_s - event.nadir_s
        rows[k, 3] = high - low
        rows[k, 4] = 100.0 - low
        rows[k, 5] = under_100 - valid * (100.0 - high)
        rows[k, 6] = under_100
        t_sum = v_sum = tt_sum = tv_sum = 0.0
        count = 0
        for i in range(first_high, last_low + 1):
            value = spo2[i]
            if value == value:
                t = i - first_high
                count += 1
                t_sum += t
                v_sum += value
                tt_sum += t * t
                tv_sum += t * value
        if count > 1:
            rows[k, 7] = (count * tv_sum - t_sum * v_sum) / (count * tt_sum - t_sum * t_sum)


def desaturation_biomarkers(spo2: NDArray[np.float64], events: Events) -> dict[str, float]:
    """`DL_u` .. `TD_sd`, `POD`, `AODmax` and `AOD100`.

    Parameters
    ----------
    spo2
        SpO2 at 1 Hz, %, shape (n,); NaN missing.
    events
        Desaturations (`EVENT_DTYPE`) within it, in order of time.

    Returns
    -------
    dict of str to float
        Standard deviations are the population's. Shares are of the valid seconds; NaN without any.
    """
    rows = np.empty((events.size, len(FIELDS)))
    _describe(spo2, events, rows)
    rows = rows[~np.isnan(rows[:, 0])]
    found = {}
    for name, column in zip(FIELDS, rows.T, strict=True):
        found.update(_mean_and_sd(name, column[~np.isnan(column)]))
    found.update(_mean_and_sd("TD", np.diff(events["start_s"].astype(np.float64))))
    valid = int(np.count_nonzero(~np.isnan(spo2)))
    for name, field in (("POD", "DL"), ("AODmax", "DAmax"), ("AOD100", "DA100")):
        found[name] = float(rows[:, FIELDS.index(field)].sum()) / valid if valid else math.nan
    return found


def _mean_and_sd(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    if not values.size:
        return {f"{name}_u": math.nan, f"{name}_sd": math.nan}
    return {f"{name}_u": float(values.mean()), f"{name}_sd": float(values.std())}

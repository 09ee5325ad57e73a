"""All biomarkers of one night."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.oximetry.biomarkers.catalogue import BIOMARKERS
from analytics.oximetry.biomarkers.complexity import (
    approximate_entropy,
    central_tendency,
    detrended_fluctuation,
    lempel_ziv,
    sample_entropy,
)
from analytics.oximetry.biomarkers.desaturations import desaturation_biomarkers
from analytics.oximetry.biomarkers.periodicity import phase_rectified, spectrum
from analytics.oximetry.biomarkers.statistics import general_statistics
from analytics.oximetry.events import Events
from analytics.oximetry.masking import BRIDGE_S
from analytics.oximetry.profiles.oscar import pulse_changes


@njit(cache=True)
def _bridge_short(spo2: Any) -> None:
    """Fill inner gaps of at most `BRIDGE_S` seconds on the straight line between their neighbours."""
    last = -1
    for i in range(spo2.shape[0]):
        if spo2[i] != spo2[i]:
            continue
        gap = i - last - 1
        if last >= 0 and 0 < gap <= BRIDGE_S:
            step = (spo2[i] - spo2[last]) / (gap + 1)
            for j in range(last + 1, i):
                spo2[j] = spo2[last] + step * (j - last)
        last = i


def biomarker_signal(spo2: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The signal that biomarkers read: gaps of at most 5 s bridged, longer ones left missing, rounded to 1 %.

    Parameters
    ----------
    spo2
        Masked SpO2 at 1 Hz, %, shape (n,); NaN missing.

    Returns
    -------
    ndarray of float64
        Shape (n,), whole percents (halves to even) and NaN.
    """
    signal = np.array(spo2, np.float64)
    _bridge_short(signal)
    return np.rint(signal)


def night_biomarkers(
    spo2: NDArray[np.floating[Any]], desaturations: Events, pulse: NDArray[np.floating[Any]] | None = None
) -> dict[str, float]:
    """Every biomarker of the catalogue, by name and in its order.

    Parameters
    ----------
    spo2
        Masked SpO2 at 1 Hz, %, shape (n,); NaN missing.
    desaturations
        Events (`EVENT_DTYPE`) of the profile in use, in order of time.
    pulse
        Masked pulse rate at 1 Hz, bpm, shape (n,); NaN missing. None: the device gives none.

    Returns
    -------
    dict of str to float
        NaN where the night cannot say.
    """
    signal = biomarker_signal(spo2)
    components, of_random = lempel_ziv(signal)
    found = {
        **general_statistics(signal),
        **desaturation_biomarkers(signal, desaturations),
        "ApEn": approximate_entropy(signal),
        "SampEn": sample_entropy(signal),
        "LZ": components,
        "LZn": of_random,
        "CTM": float(central_tendency(signal)),
        "DFA": detrended_fluctuation(signal),
        **phase_rectified(signal),
        **spectrum(signal),
        "PulseChanges": math.nan if pulse is None else _changes_an_hour(pulse),
    }
    return {biomarker.name: found[biomarker.name] for biomarker in BIOMARKERS}


def _changes_an_hour(pulse: NDArray[np.floating[Any]]) -> float:
    valid = int(np.count_nonzero(~np.isnan(pulse)))
    return 3600.0 * pulse_changes(pulse) / valid if valid else math.nan

"""Periodicity: phase-rectified signal averaging, and the spectrum about the pace of recurrent apnoea.

Differences from the toolbox: its spectrum is divided by the recording's length, is a sum of bins, and leaves out the
upper half of the frequencies; here powers are integrals in %^2 over all of them, so that nights of different length
compare.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

PRSA_HALF_S: Final = 10
BAND_HZ: Final = (0.014, 0.033)
"""Recurrent apnoeas come every 30..70 s."""
SEGMENT_S: Final = 256
_WINDOW: Final = 0.54 - 0.46 * np.cos(2.0 * np.pi * np.arange(SEGMENT_S) / SEGMENT_S)
"""Hamming, periodic."""

AUTOCORRELATION_INDEX: Final = 2
"""Which element of the centred autocorrelation the toolbox reports as `AC`."""


@njit(cache=True)
def _anchored_mean(spo2: Any, window: Any) -> int:
    """Mean of the windows about all falling seconds; returns how many there were. Windows with a gap are left out."""
    half = PRSA_HALF_S
    window[:] = 0.0
    count = 0
    run = 0
    n = spo2.shape[0]
    for j in range(n):  # j is the last second of a window
        run = run + 1 if spo2[j] == spo2[j] else 0
        anchor = j - half + 1
        if run >= 2 * half and spo2[anchor] < spo2[anchor - 1]:
            for k in range(2 * half):
                window[k] += spo2[anchor - half + k]
            count += 1
    if count:
        window /= count
    return count


def _slope(values: NDArray[np.float64]) -> float:
    t = np.arange(values.size) - (values.size - 1) / 2
    return float(t @ values / (t @ t))


def phase_rectified(spo2: NDArray[np.float64]) -> dict[str, float]:
    """`PRSAc`, `PRSAad`, `PRSAos`, `PRSAsb`, `PRSAsa` and `AC` about every falling second.

    A. Bauer et al., Physica A 364:423 (2006). NaN where no second falls (the toolbox says 0).

    Parameters
    ----------
    spo2
        SpO2 at 1 Hz, %, shape (n,); NaN missing.
    """
    names = ("PRSAc", "PRSAad", "PRSAos", "PRSAsb", "PRSAsa", "AC")
    mean = np.empty(2 * PRSA_HALF_S)
    if not _anchored_mean(spo2, mean):
        return dict.fromkeys(names, math.nan)
    at = PRSA_HALF_S
    values = (
        float(mean[at] + mean[at + 1] - mean[at - 1] - mean[at - 2]) / 4.0,
        float(mean.max() - mean.min()),
        _slope(mean),
        _slope(mean[:at]),
        _slope(mean[at:]),
        float(np.correlate(mean, mean, "same")[AUTOCORRELATION_INDEX]),
    )
    return dict(zip(names, values, strict=True))


def _welch(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """One-sided spectral density at 1 Hz, mean over segments that overlap by half, each without its mean; %^2/Hz."""
    segments = np.lib.stride_tricks.sliding_window_view(signal, SEGMENT_S)[:: SEGMENT_S // 2]
    lines = np.fft.rfft((segments - segments.mean(axis=1, keepdims=True)) * _WINDOW)
    density = (lines.real**2 + lines.imag**2).mean(axis=0) / (_WINDOW @ _WINDOW)
    density[1:-1] *= 2.0
    return np.asarray(density, np.float64)


def spectrum(spo2: NDArray[np.float64]) -> dict[str, float]:
    """`PSD_total`, `PSD_band`, `PSD_ratio` and `PSD_peak` by Welch's method (Hamming, 256 s, half overlapping).

    Parameters
    ----------
    spo2
        SpO2 at 1 Hz, %, shape (n,); missing seconds (NaN) are cut out.

    Returns
    -------
    dict of str to float
        NaN with less than one segment of valid seconds; the ratio of a flat signal too.
    """
    names = ("PSD_total", "PSD_band", "PSD_ratio", "PSD_peak")
    valid = spo2[~np.isnan(spo2)]
    if valid.size < SEGMENT_S:
        return dict.fromkeys(names, math.nan)
    density = _welch(valid)
    frequency = np.arange(density.size) / SEGMENT_S
    step = 1.0 / SEGMENT_S
    band = density[(frequency > BAND_HZ[0]) & (frequency < BAND_HZ[1])]
    total = float(density.sum()) * step
    in_band = float(band.sum()) * step
    values = (total, in_band, in_band / total if total else math.nan, float(band.max()))
    return dict(zip(names, values, strict=True))

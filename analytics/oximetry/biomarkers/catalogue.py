"""Every biomarker with its unit: the keys of an analysis' `biomarkers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Biomarker:
    """One biomarker: its name in the PhysioZoo toolbox where it has one there, its unit and what it is."""

    name: str
    unit: str
    meaning: str


_EVENT: Final = (
    ("DL", "s", "duration of a desaturation"),
    ("DL_a", "s", "from the onset to the nadir"),
    ("DL_b", "s", "from the nadir to the end"),
    ("DDmax", "%", "depth below the highest value of the event"),
    ("DD100", "%", "depth below 100 %"),
    ("DAmax", "% s", "area under the highest value of the event"),
    ("DA100", "% s", "area under 100 %"),
    ("DS", "%/s", "slope of the fall, least squares from the first highest to the last lowest second"),
    ("TD", "s", "from one onset to the next"),
)

BIOMARKERS: Final[tuple[Biomarker, ...]] = (
    Biomarker("AV", "%", "mean"),
    Biomarker("MED", "%", "median"),
    Biomarker("Min", "%", "lowest value"),
    Biomarker("SD", "%", "standard deviation"),
    Biomarker("RG", "%", "range"),
    Biomarker("P", "%", "1st percentile"),
    Biomarker("M", "%", "share of time more than 2 % below the median"),
    Biomarker("ZC", "1", "crossings of the mean"),
    Biomarker("DI", "%", "delta index: mean absolute difference of successive 12 s means"),
    Biomarker("K", "1", "excess kurtosis"),
    Biomarker("SK", "1", "skewness"),
    Biomarker("MAD", "%", "median absolute deviation, times 1.4826"),
    *(
        Biomarker(f"{name}_{end}", unit, f"{meaning}; {word}")
        for name, unit, meaning in _EVENT
        for end, word in (("u", "mean"), ("sd", "standard deviation"))
    ),
    Biomarker("POD", "1", "share of time in desaturations"),
    Biomarker("AODmax", "%", "area of the desaturations under their highest value, by time"),
    Biomarker("AOD100", "%", "area of the desaturations under 100 %, by time"),
    Biomarker("CT90", "%", "share of time at or below 90 %"),
    Biomarker("T88", "%", "share of time below 88 %"),
    Biomarker("T85", "%", "share of time below 85 %"),
    Biomarker("T80", "%", "share of time below 80 %"),
    Biomarker("CA", "%", "cumulative area under the mean, by time"),
    Biomarker("ApEn", "1", "approximate entropy, m = 2, r = 0.25 %"),
    Biomarker("SampEn", "1", "sample entropy, m = 3, r = 0.2 %"),
    Biomarker("LZ", "1", "Lempel-Ziv complexity (1976) about the median: components"),
    Biomarker("LZn", "1", "the same by the length that random bits would give"),
    Biomarker("CTM", "1", "central tendency measure, radius 0.25 %"),
    Biomarker("DFA", "% s", "detrended fluctuation at a window of 20 s"),
    Biomarker("PRSAc", "%", "phase-rectified signal averaging: capacity"),
    Biomarker("PRSAad", "%", "phase-rectified signal averaging: amplitude difference"),
    Biomarker("PRSAos", "%/s", "phase-rectified signal averaging: overall slope"),
    Biomarker("PRSAsb", "%/s", "phase-rectified signal averaging: slope before the anchor"),
    Biomarker("PRSAsa", "%/s", "phase-rectified signal averaging: slope from the anchor on"),
    Biomarker("AC", "%^2", "autocorrelation of the averaged window"),
    Biomarker("PSD_total", "%^2", "spectral power"),
    Biomarker("PSD_band", "%^2", "spectral power of 0.014..0.033 Hz"),
    Biomarker("PSD_ratio", "1", "the band's share of the power"),
    Biomarker("PSD_peak", "%^2/Hz", "highest spectral density of the band"),
    Biomarker("PulseChanges", "/h", "pulse changes of more than 5 bpm within 8 s, per hour of valid pulse"),
)
"""In the order in which they are reported."""

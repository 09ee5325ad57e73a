"""What a treatment takes away of the disease: efficacy, compliance, and both together.

The index is the apnoea-hypopnoea index, or the oxygen desaturation index in its place; both of the same kind.
Adjusted compliance and mean disease alleviation: O. M. Vanderveken et al., Thorax 68:91, 2013. Effective AHI: M. J. L.
Ravesloot and N. de Vries, Sleep 34:105, 2011. Example: 30 /h to 10 /h, worn 5 h of 7: efficacy 66.7 %, compliance
71.4 %, alleviation 47.6 %, effective AHI 15.7 /h.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alleviation:
    """Shares of 1, and an index in 1/h."""

    compliance: float
    efficacy: float
    mean_disease_alleviation: float
    effective_index: float


def adjusted_compliance(worn_h: float, sleep_h: float) -> float:
    """Hours worn by hours slept, at most 1.

    Raises
    ------
    ValueError
        For negative hours worn, or no sleep.
    """
    if worn_h < 0 or not sleep_h > 0:
        raise ValueError("hours worn must not be negative, and hours slept be positive")
    return min(worn_h / sleep_h, 1.0)


def efficacy(baseline_index: float, treated_index: float) -> float:
    """Share by which the index falls with the device: 1 at best, negative where it rises.

    Raises
    ------
    ValueError
        For a baseline that is not positive, or a negative index.
    """
    if not baseline_index > 0 or treated_index < 0:
        raise ValueError("the baseline index must be positive, the treated index not negative")
    return (baseline_index - treated_index) / baseline_index


def effective_index(baseline_index: float, treated_index: float, worn_h: float, sleep_h: float) -> float:
    """Index over the whole sleep: treated while the device is worn, baseline while it is not; 1/h.

    Raises
    ------
    ValueError
        As `adjusted_compliance` and `efficacy`.
    """
    efficacy(baseline_index, treated_index)
    on = adjusted_compliance(worn_h, sleep_h)
    return treated_index * on + baseline_index * (1.0 - on)


def alleviation(baseline_index: float, treated_index: float, worn_h: float, sleep_h: float) -> Alleviation:
    """All four; an index that rises gives a negative alleviation, which is shown as it is.

    Raises
    ------
    ValueError
        As `adjusted_compliance` and `efficacy`.
    """
    on, effect = adjusted_compliance(worn_h, sleep_h), efficacy(baseline_index, treated_index)
    return Alleviation(on, effect, on * effect, effective_index(baseline_index, treated_index, worn_h, sleep_h))

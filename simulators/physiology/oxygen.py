"""From ventilation to the oxygen saturation that arrives in the finger.

The lung is one store that breathing fills and the blood empties, the faster the further its pressure stands above that
of the mixed venous blood; with the breath held the two meet. The haemoglobin's curve makes falls deeper the lower they
begin, and the few large breaths after an event make resaturation faster than the fall: neither is put in by hand.
Strohl and Altose (1984) and Fletcher et al. (1984) measured both, in breath-holds and in apnoeas.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from simulators.physiology.breathing import alveolar
from simulators.physiology.series import Series, affine_scan, respond, smooth_noise
from simulators.physiology.traits import Traits

_INSPIRED_MMHG: Final = 149.0
"""Oxygen pressure of moist air at sea level."""
_ALVEOLAR_MMHG: Final = 102.0
_VENOUS_MMHG: Final = 38.0
_VENTILATION_L_S: Final = 3.8 / 60.0
"""Alveolar ventilation asleep."""
_LOWEST_MMHG: Final = 27.0
"""About 50 % saturation: a sleeper wakes before it falls further."""
_DISPERSION_S: Final = 5.0
"""Mean spread of arrival by mixing in the heart and the averaging of a pulse oximeter."""


def saturation_of(pressure_mmhg: Series) -> Series:
    """Oxygen saturation in % of blood at `pressure_mmhg` and pH 7.4 (Severinghaus 1979)."""
    saturated: Series = 100.0 / (23400.0 / (pressure_mmhg**3 + 150.0 * pressure_mmhg) + 1.0)
    return saturated


def pressure_of(saturation_pct: float) -> float:
    """Oxygen pressure in mmHg at which blood is `saturation_pct` saturated; inverse of `saturation_of`."""
    constant = 23400.0 / (100.0 / saturation_pct - 1.0)
    root = np.sqrt(constant**2 / 4.0 + 125000.0)
    return float(np.cbrt(constant / 2.0 + root) + np.cbrt(constant / 2.0 - root))


def saturation(rng: np.random.Generator, traits: Traits, flow: Series) -> Series:
    """Saturation at the finger in %, smooth, before any sensor, shape as `flow`.

    Parameters
    ----------
    flow : array, shape (seconds,)
        Air flow as a share of the usual.
    """
    exchange = alveolar(flow) * _VENTILATION_L_S / traits.stores_l
    at_rest = _VENTILATION_L_S / traits.stores_l
    uptake = at_rest * (_INSPIRED_MMHG - _ALVEOLAR_MMHG) / (_ALVEOLAR_MMHG - _VENOUS_MMHG)
    keep = np.exp(-(exchange + uptake))
    level = (exchange * _INSPIRED_MMHG + uptake * _VENOUS_MMHG) / (exchange + uptake)
    lung = affine_scan(keep, (1.0 - keep) * level, _ALVEOLAR_MMHG)
    # Arterial over alveolar pressure: lower in a lung with closed airways, wandering over tens of minutes, and with it
    # the baseline.
    wander = 1.0 + 0.03 * smooth_noise(rng, flow.size, 700.0)
    transfer = np.minimum(pressure_of(traits.baseline_pct) / _ALVEOLAR_MMHG * wander, 1.0)
    artery = saturation_of(np.maximum(lung * transfer, _LOWEST_MMHG))
    return _arrive(artery, traits.circulation_s)


def _arrive(artery: Series, circulation_s: float) -> Series:
    """Delay and spread by the way to the finger: a nadir comes `circulation_s` after breathing opens.

    The spread is a gamma density of shape 4; a dip's lowest point passes it some 2 s before its mean.
    """
    after = np.maximum(np.arange(circulation_s + 2.0 + 4 * _DISPERSION_S) - (circulation_s + 2.0 - _DISPERSION_S), 0.0)
    kernel = after**3 * np.exp(-after * 4.0 / _DISPERSION_S)
    kernel /= kernel.sum()
    led_in = np.concatenate([np.full(kernel.size, artery[0]), artery])
    return respond(led_in, kernel)[kernel.size :]

"""The ballistocardiogram of one beat: the body's recoil as the strip feels it, another shape in every posture."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulators.physiology.series import Series

FIRST_S: Final = -0.06
LAST_S: Final = 1.14
"""From where to where about the R peak a complex is drawn."""

# Waves H I J K L M N and two of diastole (Inan et al. 2015, IEEE J Biomed Health Inform 19: the J wave comes about
# 0.25 s after the R peak and I to K are the largest): delay after the R peak in s, width (SD) in s, height.
_WAVES: Final = np.array(
    [
        [0.115, 0.022, 0.35],
        [0.175, 0.024, -0.75],
        [0.240, 0.025, 1.00],
        [0.310, 0.030, -0.80],
        [0.385, 0.033, 0.40],
        [0.460, 0.035, -0.28],
        [0.540, 0.040, 0.20],
        [0.650, 0.050, -0.15],
        [0.770, 0.055, 0.10],
    ]
)
# What of the recoil reaches a strip across the chest, by posture (supine, left, right, prone): over all, and each
# wave's share. On a side the heart strikes the bed from beside and the rebound grows; lying prone turns it over.
_COUPLING: Final = np.array([1.0, 0.8, 0.7, 0.9])
_SHARES: Final = np.array(
    [
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        [0.6, 0.7, 0.9, 1.2, 1.5, 1.3, 1.2, 1.0, 1.0],
        [1.2, 1.1, 0.8, 0.9, 1.1, 1.5, 1.3, 1.2, 1.0],
        [-0.8, -0.9, -1.0, -1.0, -1.1, -1.0, -1.0, -1.0, -1.0],
    ]
)
WAVES: Final = _WAVES.shape[0]


def lying_shapes(rng: np.random.Generator, posture: Series) -> Series:
    """Waves of each time of lying still: no two are alike, for the body never lies on the strip the same way twice.

    Parameters
    ----------
    posture : array of int, shape (k,)
        0..3 as in `Posture`.

    Returns
    -------
    array, shape (k, WAVES, 3)
        Delay s, width s, height; a supine J wave is 1 high in the mean.
    """
    which = posture.astype(np.int64)
    shapes = np.repeat(_WAVES[None], which.size, axis=0)
    shapes[:, :, 0] *= np.exp(0.04 * rng.standard_normal((which.size, 1)))
    shapes[:, :, 1] *= np.exp(0.10 * rng.standard_normal((which.size, 1)))
    coupling = _COUPLING[which, None] * np.exp(0.25 * rng.standard_normal((which.size, 1)))
    shapes[:, :, 2] *= coupling * _SHARES[which] * np.exp(0.2 * rng.standard_normal((which.size, WAVES)))
    return shapes


def complexes(t_s: Series, shapes: Series, height: Series, stretch: Series) -> Series:
    """Recoil of beats.

    Parameters
    ----------
    t_s : array, shape (beats, samples)
        Seconds after each beat's R peak.
    shapes : array, shape (beats, WAVES, 3)
    height : array, shape (beats,)
        Of each beat against the others.
    stretch : array, shape (beats,)
        Of time: systole is a little longer in a slow heart.

    Returns
    -------
    array, shape (beats, samples)
    """
    total = np.zeros_like(t_s)
    scaled = t_s / stretch[:, None]
    for wave in range(WAVES):
        delay, width, size = (shapes[:, wave, part, None] for part in range(3))
        total += size * np.exp(-0.5 * ((scaled - delay) / width) ** 2)
    return np.asarray(total * height[:, None])

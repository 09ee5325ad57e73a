"""How the sleeper lies, and when they turn or get up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.series import Series


class Posture(IntEnum):
    """Position of the trunk; upright is out of bed."""

    SUPINE = 0
    LEFT = 1
    RIGHT = 2
    PRONE = 3
    UPRIGHT = 4


# Adults change position about 1.6 times an hour and lie mostly on the side (Skarpsno et al. 2017); people who snore
# lie on their back for a little less than half of the night (Oksenberg et al. 1997).
_TURNS_PER_H: Final = 2.0
_SIDE_SHARES: Final = np.array([0.48, 0.42, 0.10])


@dataclass(frozen=True, slots=True)
class Postures:
    """The night's postures and its turns.

    Attributes
    ----------
    each_s : array of uint8, shape (seconds,)
        Values of `Posture`.
    turns_s : array, shape (k,)
        Seconds at which the sleeper turns, gets up or lies down.
    """

    each_s: NDArray[np.uint8]
    turns_s: Series


def postures(rng: np.random.Generator, stages: NDArray[np.uint8], size: int, supine_share: float) -> Postures:
    """Lie, turn, and get up in some of the longer awakenings.

    Parameters
    ----------
    stages : array of uint8, shape (epochs,)
    size : int
        Seconds of the night.
    supine_share : float
        Share of the night on the back, in the mean.
    """
    weights = np.concatenate([[supine_share], (1.0 - supine_share) * _SIDE_SHARES])
    count = 2 + rng.poisson(_TURNS_PER_H * size / 3600.0)
    turns = np.sort(rng.uniform(0, size, count - 1))
    kinds = rng.choice(4, size=count, p=weights).astype(np.uint8)
    each_s = kinds[np.searchsorted(turns, np.arange(size), side="right")]
    moved = turns[kinds[1:] != kinds[:-1]]
    up_s, down_s = _out_of_bed(rng, stages)
    for start, end in zip(up_s, down_s, strict=True):
        each_s[int(start) : int(end)] = Posture.UPRIGHT
    return Postures(each_s, np.sort(np.concatenate([moved, up_s, down_s[down_s < size]])))


def _out_of_bed(rng: np.random.Generator, stages: NDArray[np.uint8]) -> tuple[Series, Series]:
    """Start and end in seconds of visits to the bathroom: awakenings of 2.5 minutes and more, once in two."""
    awake = np.concatenate([[0], (stages == Stage.WAKE).astype(np.int8), [0]])
    first, after = np.flatnonzero(np.diff(awake) == 1), np.flatnonzero(np.diff(awake) == -1)
    asleep_before = np.cumsum(stages != Stage.WAKE)[np.minimum(first, stages.size - 1)] > 0
    fits = asleep_before & (after - first >= 5) & (after < stages.size) & (rng.random(first.size) < 0.5)
    edge = EPOCH_S * 0.8
    return np.asarray(first[fits] * EPOCH_S + edge), np.asarray(after[fits] * EPOCH_S - edge)

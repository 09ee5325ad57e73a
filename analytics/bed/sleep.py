"""Sleep and wake from movement, epoch by epoch; and from them bedtime, rise and total sleep time.

A minute is weighed with the minutes about it, as actigraphy does (Cole et al. 1992, Sleep 15: the minute itself most,
up to four before and two after), on the share of it in movement. Somebody who lies awake without moving is taken for
asleep: published mattress sensors see 94..95 % of sleep but 37..53 % of wake, and read total sleep time long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.bed.epochs import EPOCH_MS

Mask = NDArray[np.bool_]

_MINUTE: Final = 6
"""Epochs."""
_WEIGHTS: Final = np.array([0.15, 0.15, 0.2, 0.4, 1.0, 0.4, 0.2])
"""Of the four minutes before, the minute, and the two after."""
AWAKE: Final = 0.045
"""Weighed share in movement from which a minute is awake: one jerk of 2 s in it and none about it stays asleep."""
_SETTLE: Final = 8
"""Minutes without waking that end the way to sleep; fewer asleep between wakes of as many is no sleep."""
OUT_LONGEST: Final = 6 * 60
"""Epochs: who is out of bed for longer has got up, and what follows is another stay."""
STAY_SHORTEST: Final = 6 * 20
"""Epochs in bed that make a stay; sitting down to dress is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Stay:
    """Time in bed with no more than an hour out of it.

    Attributes
    ----------
    first, after : int
        Epochs: the first in bed, and the one after the last.
    bedtime_ms, rise_ms : int
        UTC milliseconds.
    in_bed, asleep : arrays of bool, shape (after - first,)
        Of each epoch; asleep is within in bed, and False where nothing was recorded.
    """

    first: int
    after: int
    bedtime_ms: int
    rise_ms: int
    in_bed: Mask
    asleep: Mask

    @property
    def onset_ms(self) -> int | None:
        """UTC milliseconds of the first sleep; None if there was none."""
        asleep = np.flatnonzero(self.asleep)
        return self.bedtime_ms + int(asleep[0]) * EPOCH_MS if asleep.size else None

    @property
    def sleep_min(self) -> float:
        """Total sleep time in minutes."""
        return float(np.count_nonzero(self.asleep)) / _MINUTE

    @property
    def in_bed_min(self) -> float:
        """Minutes on the mattress."""
        return float(np.count_nonzero(self.in_bed)) / _MINUTE


def find_stays(presence: Mask, movement: NDArray[np.float64], start_ms: int) -> tuple[Stay, ...]:
    """Stays in bed, in order of time.

    Parameters
    ----------
    presence : array of bool, shape (n,)
        By epoch, without holes in time; False where nothing was recorded.
    movement : array, shape (n,)
        Share of each epoch in movement; NaN counts as none.
    start_ms : int
        UTC milliseconds of the first epoch.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], presence.astype(np.int8), [0]]))).reshape(-1, 2)
    joined: list[list[int]] = []
    for first, after in edges.tolist():
        if joined and first - joined[-1][1] <= OUT_LONGEST:
            joined[-1][1] = after
        else:
            joined.append([first, after])
    stays = []
    for first, after in joined:
        in_bed = presence[first:after]
        if np.count_nonzero(in_bed) < STAY_SHORTEST:
            continue
        asleep = sleeping(in_bed, movement[first:after])
        bedtime_ms = start_ms + first * EPOCH_MS
        stays.append(Stay(first, after, bedtime_ms, start_ms + after * EPOCH_MS, in_bed, asleep))
    return tuple(stays)


def sleeping(in_bed: Mask, movement: NDArray[np.float64]) -> Mask:
    """Epochs asleep of one stay, shape (n,); whole minutes are, or are not."""
    minutes = -(-in_bed.size // _MINUTE)
    moved = np.zeros(minutes * _MINUTE)
    moved[: in_bed.size] = np.where(in_bed, np.nan_to_num(movement), 1.0)
    each_min = np.concatenate([np.zeros(4), moved.reshape(-1, _MINUTE).mean(axis=1), np.zeros(2)])
    score = np.lib.stride_tricks.sliding_window_view(each_min, _WEIGHTS.size) @ _WEIGHTS
    awake = score >= AWAKE
    asleep = ~_closed(awake)
    return np.repeat(asleep, _MINUTE)[: in_bed.size] & in_bed


def _closed(awake: Mask) -> Mask:
    """Wake with the short stretches of stillness in it: before the first settled sleep, and between long wakes."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(awake.astype(np.int8))) + 1, [awake.size]])
    closed = awake.copy()
    settled = False
    for first, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if awake[first]:
            continue
        if not settled and after - first < _SETTLE:
            closed[first:after] = True
        settled |= after - first >= _SETTLE
    return closed

"""Simulated mouths as chunks of readings, and found wears matched to the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analytics.adherence.results import WearInterval
from analytics.adherence.samples import WearChunk
from simulators.physiology import wear_log
from simulators.physiology.mouth import Mouth
from simulators.physiology.mouth import WearInterval as Truth
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.wearing import Habits, Place, Stay

T0 = 1_772_575_200_000
"""2026-03-03 22:00 UTC."""
MIN_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
CALM = Habits(removal=0.0, early_removal=0.0, rinse=0.0, drinks=0.0, mouth_breathing=0.0)


def chunk(log: wear_log.WearLog) -> WearChunk:
    return WearChunk(log.t_ms, log.temperature, log.accel, log.motion, log.flags)


def even(mouth: Mouth, start_ms: int, end_ms: int, every_s: float = 300.0, gaps: Sequence[tuple[int, int]] = ()):
    return chunk(wear_log.even_log(mouth, start_ms, end_ms, every_s, gaps=gaps))


def firmware(mouth: Mouth, start_ms: int, end_ms: int) -> WearChunk:
    return chunk(wear_log.firmware_log(mouth, start_ms, end_ms))


def worn(minutes: float, seed: int, habits: Habits = CALM) -> Mouth:
    """Worn once, from `T0` on."""
    return Mouth([Stay(Place.MOUTH, T0, T0 + round(minutes * MIN_MS))], seed, habits=habits)


def long_wears(seed: int, count: int = 3) -> tuple[Mouth, int, int]:
    sleeper = Sleeper(seed)
    nights = [sleeper.night(T0 + DAY_MS * index, index=index) for index in range(count)]
    return Mouth.of_nights(nights, seed), T0 - 3 * HOUR_MS, T0 + count * DAY_MS


def short_wears(seed: int, count: int = 12) -> tuple[Mouth, int, int]:
    """Wears of 10 to 60 minutes, one to four hours apart."""
    rng = np.random.default_rng([77, seed])
    stays, at = [], T0
    for _ in range(count):
        at += int(rng.uniform(60, 240) * MIN_MS)
        stays.append(Stay(Place.MOUTH, at, at + int(rng.uniform(10, 60) * MIN_MS)))
        at = stays[-1].end_utc_ms
    return Mouth(stays, seed), T0 - HOUR_MS, at + 3 * HOUR_MS


@dataclass(frozen=True)
class Matched:
    """Wears with the truth that they overlap most, and what was missed or made up."""

    pairs: list[tuple[Truth, WearInterval]]
    missed: int
    extra: int

    def errors_min(self) -> np.ndarray:
        """Errors of start, end and duration, shape (n, 3), min."""
        return np.array(
            [
                (
                    (found.start_ms - truth.start_utc_ms) / MIN_MS,
                    (found.end_ms - truth.end_utc_ms) / MIN_MS,
                    found.minutes - truth.minutes,
                )
                for truth, found in self.pairs
            ]
        )


def match(truth: Sequence[Truth], found: Sequence[WearInterval]) -> Matched:
    left = list(found)
    pairs = []
    for one in truth:
        best = max(left, key=lambda other: _overlap(one, other), default=None)
        if best is not None and _overlap(one, best) > 0:
            left.remove(best)
            pairs.append((one, best))
    return Matched(pairs, len(truth) - len(pairs), len(left))


def _overlap(truth: Truth, found: WearInterval) -> int:
    return min(truth.end_utc_ms, found.end_ms) - max(truth.start_utc_ms, found.start_ms)


def pieces(whole: WearChunk, at: Sequence[int]) -> Iterator[WearChunk]:
    """Cut a chunk before each index of `at`."""
    edges = [0, *sorted(index for index in at if 0 < index < len(whole.t_ms)), len(whole.t_ms)]
    for begin, end in pairwise(edges):
        cut = slice(begin, end)
        yield WearChunk(whole.t_ms[cut], whole.temperature[cut], whole.accel[cut], whole.motion[cut], whole.flags[cut])

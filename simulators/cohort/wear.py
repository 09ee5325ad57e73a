"""A day of a MAD's recorder in a few array operations: warm and alive in the mouth, cool and still in its case.

`simulators.physiology.mouth` knows drinks, rinsing, radiators and mugs, reading by reading; this is its plain night,
for cohorts of thousands.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.head import UP
from simulators.physiology.night import Night
from simulators.physiology.posture import Posture
from simulators.physiology.wear_log import IN_CASE, WearLog

EVERY_MS: Final = 300_000
_WARMS_S, _COOLS_S = 180.0, 350.0
_WAVES_S: Final = (150.0, 400.0, 900.0, 2400.0, 6000.0)
"""Periods in which a mouth's temperature wavers."""


def wear_of(
    night: Night, start_ms: int, end_ms: int, worn: tuple[int, int] | None, rng: np.random.Generator
) -> WearLog:
    """What a recorder keeps from `start_ms` until before `end_ms`, a reading each five minutes.

    Parameters
    ----------
    night : Night
        Whose postures the head has while the device is worn.
    worn : (int, int) or None
        From when to when it is in the mouth, UTC milliseconds; None: it stays in its case.
    """
    t_ms = np.arange(-(-start_ms // EVERY_MS) * EVERY_MS, end_ms, EVERY_MS, dtype=np.int64)
    room_c, mouth_c = rng.uniform(18.5, 23.0), rng.normal(35.7, 0.3)
    temperature = room_c + 0.25 * np.sin(t_ms / 1000 / 13_000.0) + 0.02 * rng.standard_normal(t_ms.size)
    up = np.tile(_lying(rng), (t_ms.size, 1))
    motion = rng.integers(0, 3, t_ms.size).astype(np.float64)
    flags = np.full(t_ms.size, IN_CASE, np.uint16)
    if worn is not None:
        begin_ms, stop_ms = worn
        inside = (t_ms >= begin_ms) & (t_ms < stop_ms)
        after = t_ms >= stop_ms
        seconds = (t_ms - begin_ms) / 1000.0
        alive = sum(0.09 * np.sin(2 * np.pi * seconds / period + rng.uniform(0, 6)) for period in _WAVES_S)
        warm = mouth_c + alive - (mouth_c - room_c) * np.exp(-np.maximum(seconds, 0.0) / _WARMS_S)
        temperature = np.where(inside, warm + 0.03 * rng.standard_normal(t_ms.size), temperature)
        since_s = np.maximum(t_ms - stop_ms, 0) / 1000.0
        temperature += after * (mouth_c - room_c) * np.exp(-since_s / _COOLS_S)
        up[inside] = _head(night, t_ms[inside]) + 0.05 * rng.standard_normal((int(inside.sum()), 3))
        motion = np.where(inside, 3.0 + 4.0 * rng.random(t_ms.size) + 90.0 * (rng.random(t_ms.size) < 0.06), motion)
        flags[inside | (after & (since_s < 600.0))] = 0
    accel = 1000.0 * up / np.linalg.norm(up, axis=1, keepdims=True)
    return WearLog(
        t_ms=t_ms,
        temperature=np.round(temperature, 2).astype(np.float32),
        accel=(np.round(accel / 4.0) * 4.0).astype(np.int16),
        motion=np.rint(motion).astype(np.uint16),
        flags=flags,
    )


def _lying(rng: np.random.Generator) -> NDArray[np.float64]:
    lies = rng.standard_normal(3)
    return lies / np.linalg.norm(lies)


def _head(night: Night, t_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Which way is up for a head at these times; upright outside of the night."""
    table = np.array([UP[posture] for posture in sorted(UP)], np.float64)
    second = (t_ms - night.start_utc_ms) // 1000
    within = (second >= 0) & (second < night.duration_s)
    posture = np.full(t_ms.size, int(Posture.UPRIGHT))
    posture[within] = night.posture[second[within]]
    places = {int(posture): place for place, posture in enumerate(sorted(UP))}
    return table[[places[int(one)] for one in posture]]

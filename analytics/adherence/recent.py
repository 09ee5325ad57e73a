"""The latest readings: enough to look back over an insertion or a removal."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

ROOM: Final = 64
THIN_MS: Final = 30_000
"""A reading that follows the one before it sooner than this is not kept: the room spans at least half an hour."""
MOVED_C: Final = 0.25
"""A difference of successive readings, degC, that is a device warming or cooling rather than a mouth's own waver."""

RECENT_DTYPE: Final = np.dtype(
    [("size", "<i8"), ("t_ms", "<i8", (ROOM,)), ("celsius", "<f8", (ROOM,)), ("in_case", "<i8", (ROOM,))], align=True
)
"""Readings in order of time, the oldest first."""


@njit(cache=True)
def recent_push(recent: Any, t_ms: int, celsius: float, in_case: int) -> None:
    """Keep a reading; the oldest makes room."""
    size = recent.size
    if size and t_ms - recent.t_ms[size - 1] < THIN_MS and in_case == recent.in_case[size - 1]:
        return
    if size == ROOM:
        for i in range(ROOM - 1):
            recent.t_ms[i] = recent.t_ms[i + 1]
            recent.celsius[i] = recent.celsius[i + 1]
            recent.in_case[i] = recent.in_case[i + 1]
        size -= 1
    recent.t_ms[size] = t_ms
    recent.celsius[size] = celsius
    recent.in_case[size] = in_case
    recent.size = size + 1


@njit(cache=True)
def rise_start(recent: Any) -> int:
    """Index of the last reading before the rise that the newest reading ends; -1 if there is none."""
    top = recent.size - 1
    at = top
    while at > 0 and not recent.in_case[at - 1] and recent.celsius[at - 1] < recent.celsius[at] - MOVED_C:
        at -= 1
    if at == top or (at > 0 and recent.in_case[at - 1]):
        at -= 1
    return int(at)


@njit(cache=True)
def fall_start(recent: Any, low_ms: int) -> int:
    """Index of the last reading before the fall that had reached its low at `low_ms`; -1 if there is none."""
    low = recent.size - 1
    while low > 0 and recent.t_ms[low] > low_ms:
        low -= 1
    at = low
    while at > 0 and recent.celsius[at - 1] > recent.celsius[at] + MOVED_C:
        at -= 1
    return int(at - 1 if at == low or recent.in_case[at] else at)


@njit(cache=True)
def stretch_end(recent: Any, begin: int, sign: float, until_ms: int) -> int:
    """Index after the readings from `begin` on that go one way only (`sign` 1 up, -1 down) up to `until_ms`."""
    end = begin + 1
    while (
        end < recent.size
        and recent.t_ms[end] <= until_ms
        and sign * (recent.celsius[end] - recent.celsius[end - 1]) > -MOVED_C
    ):
        end += 1
    return int(end)

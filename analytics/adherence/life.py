"""Signs of life while the device is warm: posture, motion, and the small waver of a mouth's temperature.

A device left in warm water or on a heater lies in a mouth's range of temperature but does not move, and the water's
temperature has no waver. One sign alone may fail: a sleeper may lie still for long, a coarse sensor hides the waver.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

SUPINE: Final = 0
LEFT: Final = 1
RIGHT: Final = 2
PRONE: Final = 3
UPRIGHT: Final = 4
UNKNOWN: Final = 5
POSTURES: Final = 6

_UPRIGHT_COSINE: Final = 0.766
"""The crown within 40 degrees of straight up: sitting or standing (a pile of pillows stays below)."""
_NO_ACCELERATION_MG: Final = 300.0
"""A device at rest feels 1000 mg; less than this is no reading."""
MOVED_COSINE: Final = 0.966
"""A change of position by more than 15 degrees."""
MOVED_MG: Final = 12
"""Motion above what breath and pulse give at rest."""
LONGEST_HOLD_MS: Final = 600_000
"""A reading stands for the posture until the next one, for at most this long."""

_STEP_C: Final = 0.002
_STEPS: Final = 64
_WAVER_LOW_MS: Final = 200_000
_WAVER_HIGH_MS: Final = 700_000
"""Spacing of readings over which the waver is taken: closer ones see too little of it."""

LIFE_DTYPE: Final = np.dtype(
    [
        ("posture_ms", "<i8", (POSTURES,)),
        ("posture", "<i8"),
        ("felt", "<i8"),
        ("x", "<f8"),
        ("y", "<f8"),
        ("z", "<f8"),
        ("moved_ms", "<i8"),
        ("still_ms", "<i8"),
        ("wavers", "<i8"),
        ("waver", "<i8", (_STEPS,)),
        ("before_ms", "<i8", (2,)),
        ("before_c", "<f8", (2,)),
    ],
    align=True,
)
"""Signs gathered over one interval: time by posture, the longest stillness, and a histogram of the waver."""


@njit(cache=True)
def posture_of(x: float, y: float, z: float) -> int:
    """Posture of a reading in mg: upright by the crown, else by the quadrant that the face looks to."""
    size = np.sqrt(x * x + y * y + z * z)
    if size < _NO_ACCELERATION_MG:
        return UNKNOWN
    if z > _UPRIGHT_COSINE * size:
        return UPRIGHT
    if abs(x) >= abs(y):
        return SUPINE if x > 0 else PRONE
    return RIGHT if y > 0 else LEFT


@njit(cache=True)
def postures_of(accel: Any) -> Any:
    """Posture of each reading: mg, shape (n, 3), to uint8, shape (n,)."""
    found = np.empty(accel.shape[0], np.uint8)
    for i in range(accel.shape[0]):
        found[i] = posture_of(float(accel[i, 0]), float(accel[i, 1]), float(accel[i, 2]))
    return found


@njit(cache=True)
def life_begin(life: Any, t_ms: int) -> None:
    """Forget everything; an interval begins."""
    life.posture_ms[:] = 0
    life.posture = UNKNOWN
    life.felt = 0
    life.x = life.y = life.z = 0.0
    life.moved_ms = t_ms
    life.still_ms = 0
    life.wavers = 0
    life.waver[:] = 0
    life.before_ms[:] = 0


@njit(cache=True)
def life_feel(life: Any, last_ms: int, t_ms: int, x: float, y: float, z: float, motion_mg: int) -> None:
    """Take the acceleration of a reading; the one before it, at `last_ms`, held until now."""
    life.posture_ms[life.posture] += min(t_ms - last_ms, LONGEST_HOLD_MS)
    life.posture = posture_of(x, y, z)
    if life.posture == UNKNOWN:
        return
    size = np.sqrt(x * x + y * y + z * z)
    along = (x * life.x + y * life.y + z * life.z) / size
    if not life.felt or along < MOVED_COSINE or motion_mg > MOVED_MG:
        life.x, life.y, life.z = x / size, y / size, z / size
        life.moved_ms = t_ms
    life.felt += 1
    life.still_ms = max(life.still_ms, t_ms - life.moved_ms)


@njit(cache=True)
def life_warm(life: Any, t_ms: int, celsius: float) -> None:
    """Take a settled temperature: how far the reading before lies from the line through its neighbours."""
    first, middle = life.before_ms[0], life.before_ms[1]
    if first and _fits(middle - first) and _fits(t_ms - middle):
        line = life.before_c[0] + (celsius - life.before_c[0]) * (middle - first) / (t_ms - first)
        step = int(abs(life.before_c[1] - line) / _STEP_C)
        life.waver[min(step, _STEPS - 1)] += 1
        life.wavers += 1
    life.before_ms[0], life.before_c[0] = life.before_ms[1], life.before_c[1]
    life.before_ms[1], life.before_c[1] = t_ms, celsius


@njit(cache=True)
def _fits(spacing_ms: int) -> bool:
    return _WAVER_LOW_MS <= spacing_ms <= _WAVER_HIGH_MS


@njit(cache=True)
def waver_c(life: Any) -> float:
    """Median waver in degC, NaN without any: from the histogram, so within a step of 0.002 degC."""
    if life.wavers == 0:
        return np.nan
    seen = 0
    step = 0
    while 2 * (seen + life.waver[step]) < life.wavers:
        seen += life.waver[step]
        step += 1
    return (step + 0.5) * _STEP_C

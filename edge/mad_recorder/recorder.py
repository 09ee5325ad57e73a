"""The recorder: looks, decides, writes. Knows its board only by what it asks of it."""

from edge.common.power import LOW_BATTERY_PCT, RECORDER
from edge.common.records import (
    ACCELERATION_FAULT,
    IN_CASE,
    IN_MOUTH,
    LOW_BATTERY,
    TEMPERATURE_FAULT,
    pack_wear,
)
from edge.mad_recorder.sampling import Sampler

_PLAUSIBLE_DEGC = (-30.0, 90.0)
_PLAUSIBLE_MG = (500, 1500)
"""A device at rest feels 1000 mg: a mean far from it is a broken accelerometer, or one that is being thrown."""


def posture_and_motion(samples: object) -> tuple:
    """Mean (x, y, z) of samples (x, y, z) in mg, and the RMS of the distance from it, mg; (None, None) of no samples.

    Each is forgotten before the next is taken: a block of 32 would be 2 KiB in small pieces, all over the heap.
    """
    count = squares = 0
    total = [0, 0, 0]
    for sample in samples:
        count += 1
        for axis in range(3):
            total[axis] += sample[axis]
            squares += sample[axis] * sample[axis]
    if not count:
        return None, None
    x, y, z = total
    return (x / count, y / count, z / count), (count * squares - x * x - y * y - z * z) ** 0.5 / count


class Recorder:
    """Steps of the recorder.

    Parameters
    ----------
    board
        `temperature()` in degC and `acceleration()`, which yields (x, y, z) in whole mg since the last call, both
        OSError when the sensor does not answer; `in_case()`; `battery_pct()`.
    device
        `edge.common.device.Device`.
    policy
        As `edge.common.power.RECORDER`.
    """

    def __init__(self, board, device, policy: dict = RECORDER):
        self._board = board
        self._device = device
        self._policy = policy
        self.sampler = Sampler(policy)
        self.in_case = False

    def step(self) -> int:
        """One look, and a record if one is due; returns the milliseconds until the next look."""
        board, device = self._board, self._device
        boot, now_ms = device.now()
        self.in_case = board.in_case()
        temperature = self._temperature()
        if self.sampler.look(now_ms, temperature, self.in_case):
            acceleration, motion = self._acceleration()
            flags = device.flags() | (IN_CASE if self.in_case else 0) | (IN_MOUTH if self.sampler.in_mouth else 0)
            device.keep(pack_wear(boot, now_ms, temperature, acceleration, motion, flags))
        return 1000 * self._policy["probe_s"]

    def advertising_ms(self) -> int:
        """Interval at which to be found now; 0: silent."""
        return self.sampler.advertising_ms(self._device.now()[1], self.in_case)

    def self_test(self) -> int:
        """Ask every part once; returns the fault flags, which stay until a part answers again."""
        self._temperature()
        self._acceleration()
        self._battery()
        return self._device.faults

    def _temperature(self) -> float:
        try:
            value = self._board.temperature()
        except OSError:
            value = None
        if value is not None and not _PLAUSIBLE_DEGC[0] <= value <= _PLAUSIBLE_DEGC[1]:
            value = None
        self._fault(TEMPERATURE_FAULT, value is None)
        return value

    def _acceleration(self) -> tuple:
        self._battery()
        try:
            mean, motion = posture_and_motion(self._board.acceleration())
        except OSError:
            mean = motion = None
        if mean is None:
            self._fault(ACCELERATION_FAULT, True)
            return None, None
        size = sum([axis * axis for axis in mean]) ** 0.5
        self._fault(ACCELERATION_FAULT, not _PLAUSIBLE_MG[0] <= size <= _PLAUSIBLE_MG[1])
        return mean, motion  # a doubtful reading is kept, with its flag

    def _battery(self) -> None:
        level = self._board.battery_pct()
        self._fault(LOW_BATTERY, level < LOW_BATTERY_PCT)

    def _fault(self, flag: int, failed: bool) -> None:
        if failed:
            self._device.faults |= flag
        else:
            self._device.faults &= ~flag

"""The bed sensor: runs of samples into waveform frames, frames into the log."""

import math
from array import array

from edge.bed_sensor.gain import AutoGain
from edge.common.power import LOW_BATTERY_PCT
from edge.common.records import LOW_BATTERY, TEMPERATURE_FAULT, pack_wave, rails, wave_samples

SENSOR_FAULT = TEMPERATURE_FAULT
"""The bit of the status flags that says, for either device, that its main sensor does not answer."""

_STEP_MS = 40  # two samples: the sample clock and the tick may differ so far before a frame is dated anew


class BedSensor:
    """Steps of the bed sensor.

    Parameters
    ----------
    board
        `samples()`: (lost, list of signed samples) since the last call, in runs without a gap, sampled on its own every
        `period_ms`; `set_gain(step)`, which gives up what was sampled before and counts it as lost; `gains`,
        `gain_ratio`, `width` (bits, 12..16); `battery_pct()`.
    device
        `edge.common.device.Device`.
    """

    def __init__(self, board, device, period_ms: int = 20, patience_ms: int = 2000):
        self._board = board
        self._device = device
        self._period_ms = period_ms
        self._patience_ms = patience_ms
        self._width = board.width
        self._frame = wave_samples(board.width)
        self._gain = AutoGain(board.gains, board.gain_ratio, rails(board.width)[1])
        self._doublings = round(math.log(board.gain_ratio, 2))
        board.set_gain(self._gain.step)
        self._waiting = array("h")  # two bytes a sample; a list would hold four or eight
        self._lost = 0
        self._first_ms = 0
        self._heard_ms = device.now()[1]

    def step(self) -> int:
        """Take in what was sampled; returns the number of frames kept."""
        board, device = self._board, self._device
        kept = 0
        while True:
            lost, samples = board.samples()
            now_ms = device.now()[1]
            if lost:
                kept += self._close()
                self._lost += lost
            if not samples:
                break
            self._heard_ms = now_ms
            if not self._waiting:
                self._first_ms = now_ms - self._period_ms * (len(samples) - 1)
            else:
                measured = now_ms - self._period_ms * (len(self._waiting) + len(samples) - 1)
                if abs(measured - self._first_ms) > _STEP_MS and len(samples) < self._frame:
                    self._first_ms = measured
            self._waiting.extend(array("h", samples))
            while len(self._waiting) >= self._frame:
                kept += self._emit(self._frame)
        self._fault(SENSOR_FAULT, device.now()[1] - self._heard_ms > self._patience_ms)
        self._fault(LOW_BATTERY, board.battery_pct() < LOW_BATTERY_PCT)
        return kept

    def _close(self) -> int:
        """A gap follows: what waits goes out as a short frame."""
        return self._emit(len(self._waiting)) if self._waiting else 0

    def _emit(self, count: int) -> int:
        samples = self._waiting[:count]
        self._waiting = self._waiting[count:]
        gain = self._gain.step * self._doublings
        if not self._keep(samples, gain):
            return 0
        if self._gain.judge(samples):
            self._board.set_gain(self._gain.step)
            if self._waiting:  # taken with the old gain, and not to be mistaken for the new
                rest, self._waiting = self._waiting, array("h")
                return 1 + self._keep(rest, gain)
        return 1

    def _keep(self, samples: object, gain: int) -> int:
        record = pack_wave(self._device.boot, max(self._first_ms, 0), self._width, gain, self._lost, samples)
        self._first_ms += self._period_ms * len(samples)
        if not self._device.keep(record):
            self._lost += len(samples)  # the log is full: the hole is marked when it takes frames again
            return 0
        self._lost = 0
        return 1

    def _fault(self, flag: int, failed: bool) -> None:
        if failed:
            self._device.faults |= flag
        else:
            self._device.faults &= ~flag

"""Samples from the timer's interrupt to the main loop, with the place and length of every gap.

One writer, one reader: `put` alone moves `_in`, `take` alone moves `_out`, and each only after the cell is written or
read. So an interrupt between any two steps of `take` finds, and leaves, a whole queue; nothing is locked.
"""

from array import array

from edge.common.clock import TICK_MODULUS

_COUNT = 0xFFFFFF  # counters wrap here, so that they never outgrow a small integer of a 32-bit chip
_GAP = -(1 << 24)  # a cell at or below this is no sample: (_GAP - cell) samples are missing here


class SampleFifo:
    """A queue of fixed size.

    Parameters
    ----------
    size
        Cells, a power of two; 512 hold ten seconds at 50 Hz, far more than an erase of flash stalls the main loop.
    period_ms
        Distance of samples: a put that comes later than one and a half of it says how many were missed.
    """

    def __init__(self, size: int = 512, period_ms: int = 20):
        self._cells = array("i", [0] * size)
        self._size = size
        self._period_ms = period_ms
        self._in = 0
        self._out = 0
        self._missing = 0
        self._last_ms = None
        self._given_up = 0

    def put(self, value: int, now_ms: int) -> None:
        """From the interrupt: one sample, taken at raw tick `now_ms`; allocates nothing."""
        if self._last_ms is not None:
            late = (now_ms - self._last_ms) % TICK_MODULUS
            if 2 * late >= 3 * self._period_ms:
                self._missing += (late + self._period_ms // 2) // self._period_ms - 1
        self._last_ms = now_ms
        room = self._size - ((self._in - self._out) & _COUNT)
        if self._missing:
            if room < 2:
                self._missing += 1
                return
            self._cells[self._in % self._size] = _GAP - self._missing
            self._in = self._in + 1 & _COUNT
            self._missing = 0
        elif room < 1:
            self._missing += 1
            return
        self._cells[self._in % self._size] = value
        self._in = self._in + 1 & _COUNT

    def give_up(self) -> None:
        """From the main loop: what has been put so far is lost."""
        total = 0
        samples = [0]
        while samples:
            lost, samples = self.take()
            total += lost + len(samples)
        self._given_up = total

    def take(self) -> tuple:
        """(lost, samples): a run of samples without a gap, and how many are missing before it; ([] if none)."""
        end = self._in
        lost, self._given_up = self._given_up, 0
        samples = []
        while self._out != end:
            cell = self._cells[self._out % self._size]
            if cell <= _GAP:
                if samples:
                    break
                lost += _GAP - cell
            else:
                samples.append(cell)
            self._out = self._out + 1 & _COUNT
        return lost, samples

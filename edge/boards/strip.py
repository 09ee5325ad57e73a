"""The bed sensor's side of a board, alike on all: the timer that samples the strip."""

import time

from edge.bed_sensor.fifo import SampleFifo

PERIOD_MS = 20


class BedStrip:
    """The bed sensor's side of a board: a timer reads the strip every 20 ms into a queue.

    Parameters
    ----------
    strip
        With `read()` (None: no value yet) and `set_gain(step)`.
    timer
        A `machine.Timer`.
    button
        Pin that is low while pressed.
    gains, gain_ratio, width
        Of the strip's amplifier, and bits of its readings.
    """

    def __init__(self, strip, timer, button, gains: int, gain_ratio: float, width: int):
        self.gains = gains
        self.gain_ratio = gain_ratio
        self.width = width
        self._strip = strip
        self._button = button
        self._fifo = SampleFifo(512, PERIOD_MS)
        timer.init(period=PERIOD_MS, callback=self._tick)

    def _tick(self, _timer) -> None:
        value = self._strip.read()
        if value is not None:
            self._fifo.put(value, time.ticks_ms())

    def samples(self) -> tuple:
        """(lost, samples) as the bed sensor takes them."""
        return self._fifo.take()

    def set_gain(self, step: int) -> None:
        """Another gain; what was sampled before it is given up, as a gap."""
        self._strip.set_gain(step)
        self._fifo.give_up()

    def pressed(self) -> bool:
        """Whether the button is held."""
        return not self._button.value()

    def battery_pct(self) -> int:
        """Fed from the mains."""
        return 255

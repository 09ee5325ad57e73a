"""HX711 bridge amplifier and 24-bit converter, at 80 Hz, read by two pins."""

_PULSES = (26, 27, 25)  # after a reading: channel B x32, channel A x64, channel A x128
GAINS = 3
GAIN_RATIO = 2.0
SETTLING = 4  # conversions after a change of gain that are still on the way to the value
_SHIFT = 8  # of the 24 bits the upper 16 are above the noise


class Hx711:
    """Signed 16-bit readings; gain steps 0..2 are x32, x64, x128 (x32 needs the strip on channel B as well)."""

    def __init__(self, data: object, clock: object):
        self._data = data
        self._clock = clock
        self._pulses = _PULSES[1]
        self._last = 0
        self._settling = SETTLING
        clock.value(0)

    def set_gain(self, step: int) -> None:
        """Another gain from the next conversion on."""
        self._pulses = _PULSES[step]
        self._settling = SETTLING

    def read(self) -> int:
        """The newest conversion, or the one before while the next is not ready; None while the gain settles."""
        if not self._data.value():
            value = 0
            for _ in range(24):
                self._clock.value(1)
                self._clock.value(0)
                value = value << 1 | self._data.value()
            for _ in range(self._pulses - 24):
                self._clock.value(1)
                self._clock.value(0)
            if self._settling:
                self._settling -= 1
            self._last = (value - ((value & 0x800000) << 1)) >> _SHIFT
        return None if self._settling else self._last

"""A piezo strip behind a charge amplifier on an ADC: 12 bits about the middle; gain by two pins of its amplifier."""

GAINS = 4
GAIN_RATIO = 4.0


class Piezo:
    """Signed 12-bit readings of an ADC with `read_u16()`.

    Parameters
    ----------
    adc
        `machine.ADC`.
    low, high
        Pins that choose the amplifier's gain: x1, x4, x16, x64.
    """

    def __init__(self, adc: object, low: object, high: object):
        self._adc = adc
        self._low = low
        self._high = high

    def set_gain(self, step: int) -> None:
        """Another gain from the next reading on."""
        self._low.value(step & 1)
        self._high.value(step >> 1)

    def read(self) -> int:
        """The newest reading."""
        return (self._adc.read_u16() >> 4) - 2048

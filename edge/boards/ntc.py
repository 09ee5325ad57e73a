"""A thermistor in a divider, for boards without a TMP117: the beta equation."""

import math

_ICE_K = 273.15
_SHORT, _OPEN = 0.02, 0.98  # shares of the supply that no thermistor between -20 and 80 degC gives


class Ntc:
    """Reads degC from an ADC with `read_u16()`; the thermistor lies to ground.

    Parameters
    ----------
    adc
        `machine.ADC`.
    divider_ohm, nominal_ohm, beta_k
        The fixed resistor; the thermistor at 25 degC and its beta.
    """

    def __init__(self, adc: object, divider_ohm: float = 10000.0, nominal_ohm: float = 10000.0, beta_k: float = 3950.0):
        self._adc = adc
        self._ratio = divider_ohm / nominal_ohm
        self._beta_k = beta_k

    def read(self) -> float:
        """DegC, from the mean of eight readings; OSError where the thermistor is shorted or off."""
        share = sum([self._adc.read_u16() for _ in range(8)]) / (8 * 65535)
        if not _SHORT < share < _OPEN:
            raise OSError(5)
        inverse_k = 1 / (_ICE_K + 25) + math.log(self._ratio * share / (1 - share)) / self._beta_k
        return 1 / inverse_k - _ICE_K

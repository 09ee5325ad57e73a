"""TMP117 temperature sensor (TI SNOSD82): one conversion when asked, asleep between."""

import time

_TEMPERATURE, _CONFIGURATION, _DEVICE_ID = 0x00, 0x01, 0x0F
_ID = 0x117
_ONE_SHOT = 0x0C00  # MOD = one shot, no averaging: 15.5 ms
_READY = 0x2000
_DEGC = 0.0078125
_TRIES = 10


class Tmp117:
    """Reads degC; OSError where the sensor does not answer."""

    def __init__(self, i2c: object, address: int = 0x48):
        self._i2c = i2c
        self._address = address

    def read(self) -> float:
        """One conversion, degC."""
        if self._word(_DEVICE_ID) & 0xFFF != _ID:
            raise OSError(19)
        self._i2c.writeto_mem(self._address, _CONFIGURATION, _ONE_SHOT.to_bytes(2, "big"))
        for _ in range(_TRIES):
            time.sleep_ms(5)
            if self._word(_CONFIGURATION) & _READY:
                raw = self._word(_TEMPERATURE)
                return (raw - ((raw & 0x8000) << 1)) * _DEGC
        raise OSError(110)

    def _word(self, register: int) -> int:
        return int.from_bytes(self._i2c.readfrom_mem(self._address, register, 2), "big")

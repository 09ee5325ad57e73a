"""LIS2DH12 accelerometer (ST DS10752) at 10 Hz, +-2 g, 10 bits; its own FIFO keeps the last 32 samples."""

_WHO_AM_I, _CTRL1, _CTRL4, _CTRL5, _OUT, _FIFO_CTRL, _FIFO_SRC = 0x0F, 0x20, 0x23, 0x24, 0x28, 0x2E, 0x2F
_ID = 0x33
_MANY = 0x80  # register address counts up
_10_HZ_XYZ = 0x27
_BLOCK_UPDATE = 0x80
_FIFO_ON = 0x40
_STREAM = 0x80
_MG = 4  # of one step in normal mode, left-justified in 16 bits


class Lis2dh12:
    """Reads what the FIFO holds; OSError where the chip does not answer."""

    def __init__(self, i2c: object, address: int = 0x19):
        self._i2c = i2c
        self._address = address
        self._running = False

    def read(self) -> object:
        """Yields (x, y, z) in mg since the last call, the latest 32 at most; the first call starts the chip."""
        if not self._running:
            if self._get(_WHO_AM_I, 1)[0] != _ID:
                raise OSError(19)
            if self._get(_CTRL1, 1)[0] != _10_HZ_XYZ:  # else it has run on through our deep sleep
                for register, value in (
                    (_CTRL4, _BLOCK_UPDATE),
                    (_CTRL5, _FIFO_ON),
                    (_FIFO_CTRL, _STREAM),
                    (_CTRL1, _10_HZ_XYZ),
                ):
                    self._i2c.writeto_mem(self._address, register, bytes((value,)))
            self._running = True
        return self._samples(min(self._get(_FIFO_SRC, 1)[0] & 0x1F, 32))

    def _samples(self, count: int) -> object:
        for _ in range(count):
            raw = self._get(_OUT | _MANY, 6)
            yield _mg(raw, 0), _mg(raw, 2), _mg(raw, 4)

    def _get(self, register: int, size: int) -> bytes:
        return self._i2c.readfrom_mem(self._address, register, size)


def _mg(raw: bytes, at: int) -> int:
    value = (raw[at] | raw[at + 1] << 8) >> 6
    return _MG * (value - ((value & 0x200) << 1))

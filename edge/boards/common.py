"""The recorder's side of a board, alike on all: the case's magnet, the button, the battery."""


def cell_pct(millivolt: int, empty_mv: int = 3000, full_mv: int = 4150) -> int:
    """Charge of a lithium cell by its voltage, straight between empty and full: a hint, no gauge."""
    return min(max(100 * (millivolt - empty_mv) // (full_mv - empty_mv), 0), 100)


class RecorderSensors:
    """The recorder's side of a board.

    Parameters
    ----------
    thermometer, accelerometer
        With `read()`.
    magnet, button
        Pins that are low while the case's magnet is near, the button pressed.
    cell_mv
        Called without arguments: the cell's millivolts.
    """

    def __init__(self, thermometer, accelerometer, magnet, button, cell_mv):
        self.temperature = thermometer.read
        self.acceleration = accelerometer.read
        self._magnet = magnet
        self._button = button
        self._cell_mv = cell_mv

    def in_case(self) -> bool:
        """Whether the case's magnet is near."""
        return not self._magnet.value()

    def pressed(self) -> bool:
        """Whether the button is held."""
        return not self._button.value()

    def battery_pct(self) -> int:
        """Charge of the cell."""
        return cell_pct(self._cell_mv())

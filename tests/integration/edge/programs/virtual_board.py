"""A board whose time is a number: deep sleep ends the program, as on the ESP32, and the run starts it anew."""

from tests.integration.edge.file_flash import FileFlash


class Asleep(Exception):  # noqa: N818  # no error: what deep sleep is here
    """Deep sleep; `main` is to be started again."""


class Over(Exception):  # noqa: N818
    """The simulated time is over."""


class World:
    """What outlasts a sleep."""

    folder = ""
    flash = None
    true_ms = 0
    end_ms = 0
    memory = None
    sleeps = 0
    rests = 0


class _Board:
    def __init__(self):
        if World.flash is None:
            World.flash = FileFlash(World.folder + "/log", 256)
        self.flash = World.flash
        self.settings = World.folder + "/settings"

    def ticks(self):
        return (World.true_ms + (1 << 30) - 5000) % (1 << 30)

    def awake(self):
        return World.memory

    def _pass(self, period_ms):
        World.true_ms += period_ms
        if World.true_ms >= World.end_ms:
            raise Over()

    def rest(self, period_ms):
        World.rests += 1
        self._pass(period_ms)

    def pressed(self):
        return False

    def battery_pct(self):
        return 90


class Recorder(_Board):
    """In the mouth from the second hour to the sixth."""

    def sleep(self, period_ms, state):
        World.sleeps += 1
        World.memory = state
        self._pass(period_ms)
        raise Asleep()

    def temperature(self):
        return 36.0 if 2 <= World.true_ms / 3_600_000 < 6 else 22.0

    def acceleration(self):
        return [(0, 0, 1000)] * 32

    def in_case(self):
        return False


class Bed(_Board):
    """A strip at 50 Hz in step with the time."""

    gains = 3
    gain_ratio = 2.0
    width = 16
    taken = 0

    def samples(self):
        first, self.taken = self.taken, World.true_ms // 20
        return 0, [(number * 37) % 20000 - 10000 for number in range(first, self.taken)]

    def set_gain(self, step):
        self.gain = step

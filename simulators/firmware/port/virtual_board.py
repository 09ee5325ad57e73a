"""The board that `edge.boards.pick` finds on the simulators' path: flash in a file, sensors and time by the pipe."""

import struct
import sys
from array import array

from simulators.firmware.port import codes
from simulators.firmware.port.flash import FileFlash
from simulators.firmware.port.host import HOST

_ENODEV = 19
_COMMON = "edge.boards.common"


class Asleep(Exception):  # noqa: N818  # no error: what deep sleep is to the code that called for it
    """The board sleeps deeply; `main` starts anew when it wakes."""


class Ground:
    """What outlasts a deep sleep: where the flash is, and the RTC's memory with the number of bytes kept in it."""

    folder = ""
    memory = bytearray(256)
    kept = 0


class _Board:
    def __init__(self) -> None:
        self.settings = Ground.folder + "/settings"
        self.flash = FileFlash(Ground.folder + "/log")

    def ticks(self) -> int:
        """Raw milliseconds."""
        return HOST.tick

    def awake(self) -> object:
        """What the sleep before this start was given, or None if power has come anew."""
        return bytes(memoryview(Ground.memory)[: Ground.kept]) or None

    def sleep(self, period_ms: int, state: bytes) -> None:
        """Deep sleep."""
        Ground.kept = len(state)
        Ground.memory[: Ground.kept] = state
        HOST.wait(codes.SLEEP, period_ms)
        raise Asleep

    def rest(self, period_ms: int) -> None:
        """A pause with the radio on."""
        HOST.wait(codes.REST, period_ms)

    def restart(self) -> None:
        """As if power had come anew."""
        HOST.wait(codes.RESTART, 0)


class _Thermometer:
    def read(self) -> float:
        """Return degC."""
        answer = HOST.ask(codes.ASK, bytes((codes.TEMPERATURE,)))
        if not answer:
            raise OSError(_ENODEV)
        return float(struct.unpack("<f", answer)[0])


class _Accelerometer:
    def read(self) -> object:
        """Yield (x, y, z) in mg since the last call."""
        answer = HOST.ask(codes.ASK, bytes((codes.ACCELERATION,)))
        if not answer:
            raise OSError(_ENODEV)
        return (struct.unpack_from("<hhh", answer, at) for at in range(0, len(answer), 6))


class _LowPin:
    """Pulled down by what it senses."""

    def __init__(self, bit: int) -> None:
        self._bit = bit

    def value(self) -> int:
        """Return the pin's level."""
        return 0 if HOST.levels & self._bit else 1


class Recorder(_Board):
    """The recorder's board: `edge.boards.common.RecorderSensors`, as on the real ones, on virtual chips and pins."""

    def __init__(self) -> None:
        _Board.__init__(self)
        __import__(_COMMON)
        sensors = sys.modules[_COMMON].RecorderSensors(
            _Thermometer(),
            _Accelerometer(),
            _LowPin(codes.MAGNET),
            _LowPin(codes.BUTTON),
            lambda: HOST.millivolt,
        )
        self.temperature = sensors.temperature
        self.acceleration = sensors.acceleration
        self.in_case = sensors.in_case
        self.pressed = sensors.pressed
        self.battery_pct = sensors.battery_pct


class Bed(_Board):
    """The bed sensor's board: a piezo strip (`edge.boards.piezo`), whose timer's samples come in blocks."""

    gains = 4
    gain_ratio = 4.0
    width = 12

    def samples(self) -> tuple[int, list[int]]:
        """(lost, samples) since the last call."""
        block, HOST.resumed_with = HOST.resumed_with, b""
        if not block:
            return 0, []
        return block[0] | block[1] << 8, list(array("h", block[2:]))

    def set_gain(self, step: int) -> None:
        """Another gain from the next sample on."""
        HOST.put(codes.GAIN, bytes((step,)))

    def pressed(self) -> bool:
        """Whether the button is held."""
        return bool(HOST.levels & codes.BUTTON)

    def battery_pct(self) -> int:
        """Fed from the mains."""
        return 255

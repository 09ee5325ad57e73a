"""ESP32-C3 and ESP32-S3. The ring log lies in a flash partition named `log` (docs/edge.md says how to make it)."""

import os
import time

import esp32
import machine

from edge.boards import hx711, piezo
from edge.boards.common import RecorderSensors
from edge.boards.lis2dh12 import Lis2dh12
from edge.boards.ntc import Ntc
from edge.boards.strip import BedStrip
from edge.boards.tmp117 import Tmp117

PINS = {
    "C3": {"sda": 5, "scl": 6, "magnet": 4, "button": 1, "cell": 3, "ntc": 2, "data": 7, "clock": 10},
    "S3": {"sda": 8, "scl": 9, "magnet": 4, "button": 0, "cell": 1, "ntc": 2, "data": 5, "clock": 6},
}
CELL_DIVIDER = 2  # the cell reaches the pin through two equal resistors
_TMP117 = 0x48


def _pins() -> dict:
    return PINS["C3" if "C3" in os.uname().machine else "S3"]


def _input(number: int) -> object:
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


def _wake_by_button() -> None:
    """End the next deep sleep when the button is pressed, where this chip's MicroPython can."""
    pin = _input(_pins()["button"])
    if hasattr(esp32, "wake_on_ext0"):  # not on a C3
        esp32.wake_on_ext0(pin, esp32.WAKEUP_ALL_LOW)
    elif hasattr(esp32, "wake_on_gpio"):
        esp32.wake_on_gpio((pin,), esp32.WAKEUP_ALL_LOW)


class _Esp32:
    """Clock, flash and sleep of the chip."""

    settings = "/settings"

    def __init__(self):
        found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="log")
        if not found:
            raise RuntimeError("no flash partition named log: see docs/edge.md")
        self.flash = found[0]

    def ticks(self) -> int:
        """Milliseconds of the RTC, which counts through deep sleep; nobody sets it."""
        return time.time_ns() // 1000000

    def awake(self) -> bytes:
        """What the sleep before this start was given, or None if power has come anew."""
        return machine.RTC().memory() or None if machine.reset_cause() == machine.DEEPSLEEP_RESET else None

    def sleep(self, period_ms: int, state: bytes) -> None:
        """Deep sleep; `main.py` starts anew after it, or when the button is pressed."""
        machine.RTC().memory(state)
        _wake_by_button()
        machine.deepsleep(period_ms)

    def rest(self, period_ms: int) -> None:
        """A pause with the radio on."""
        time.sleep_ms(period_ms)

    def restart(self) -> None:
        """As if power had come anew."""
        machine.RTC().memory(b"")
        machine.reset()


class Recorder(_Esp32, RecorderSensors):
    """The recorder: TMP117 if one answers, else a thermistor; LIS2DH12; magnet switch; button."""

    def __init__(self):
        _Esp32.__init__(self)
        pins = _pins()
        i2c = machine.I2C(0, sda=machine.Pin(pins["sda"]), scl=machine.Pin(pins["scl"]), freq=400000)
        present = _TMP117 in i2c.scan()
        thermometer = Tmp117(i2c, _TMP117) if present else Ntc(machine.ADC(machine.Pin(pins["ntc"])))
        cell = machine.ADC(machine.Pin(pins["cell"]), atten=machine.ADC.ATTN_11DB)
        RecorderSensors.__init__(
            self, thermometer, Lis2dh12(i2c), _input(pins["magnet"]), _input(pins["button"]),
            lambda: CELL_DIVIDER * cell.read_uv() // 1000,
        )  # fmt: skip


class Bed(_Esp32, BedStrip):
    """The bed sensor: HX711 on a C3, piezo strip on an S3."""

    def __init__(self):
        _Esp32.__init__(self)
        pins = _pins()
        if pins is PINS["C3"]:
            strip = hx711.Hx711(_input(pins["data"]), machine.Pin(pins["clock"], machine.Pin.OUT))
            shape = hx711.GAINS, hx711.GAIN_RATIO, 16
        else:
            low, high = (machine.Pin(pins[name], machine.Pin.OUT) for name in ("data", "clock"))
            strip = piezo.Piezo(machine.ADC(machine.Pin(pins["ntc"]), atten=machine.ADC.ATTN_11DB), low, high)
            shape = piezo.GAINS, piezo.GAIN_RATIO, 12
        BedStrip.__init__(self, strip, machine.Timer(0), _input(pins["button"]), *shape)

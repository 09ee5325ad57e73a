"""Raspberry Pi Pico W and Pico 2 W: light sleep only, so nothing has to outlast it. Not for an in-mouth cell."""

import time

import machine
import rp2

from edge.boards import hx711
from edge.boards.common import RecorderSensors
from edge.boards.flash import PagedFlash
from edge.boards.lis2dh12 import Lis2dh12
from edge.boards.strip import BedStrip
from edge.boards.tmp117 import Tmp117

PINS = {"sda": 4, "scl": 5, "magnet": 6, "button": 7, "data": 8, "clock": 9}
LOG_AT = 0x80000  # of the flash behind the firmware: after half a mebibyte of files
LOG_BYTES = 0x40000


def _input(number: int) -> object:
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


class _Pico:
    """Clock, flash and sleep of the chip."""

    settings = "/settings"

    def __init__(self):
        self.flash = PagedFlash(rp2.Flash(start=LOG_AT, len=LOG_BYTES))

    def ticks(self) -> int:
        """Milliseconds since the start."""
        return time.ticks_ms()

    def awake(self) -> bytes:
        """None: every start here is a boot."""
        return

    def sleep(self, period_ms: int, state: bytes) -> None:  # noqa: ARG002  # memory is kept here
        """Wait with the processor halted; memory and program go on."""
        time.sleep_ms(period_ms)

    def rest(self, period_ms: int) -> None:
        """A pause with the radio on."""
        time.sleep_ms(period_ms)

    def restart(self) -> None:
        """As if power had come anew."""
        machine.reset()


class Recorder(_Pico, RecorderSensors):
    """A recorder for the bench: TMP117, LIS2DH12, fed by USB."""

    def __init__(self):
        _Pico.__init__(self)
        i2c = machine.I2C(0, sda=machine.Pin(PINS["sda"]), scl=machine.Pin(PINS["scl"]), freq=400000)
        magnet, button = _input(PINS["magnet"]), _input(PINS["button"])
        RecorderSensors.__init__(self, Tmp117(i2c), Lis2dh12(i2c), magnet, button, lambda: 4150)


class Bed(_Pico, BedStrip):
    """The bed sensor with an HX711."""

    def __init__(self):
        _Pico.__init__(self)
        strip = hx711.Hx711(_input(PINS["data"]), machine.Pin(PINS["clock"], machine.Pin.OUT))
        shape = hx711.GAINS, hx711.GAIN_RATIO, 16
        BedStrip.__init__(self, strip, machine.Timer(), _input(PINS["button"]), *shape)

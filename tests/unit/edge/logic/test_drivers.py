"""Sensor drivers against chips made of their data sheets' registers, and the flash that programs whole pages."""

import time

from edge.boards.common import cell_pct
from edge.boards.flash import PagedFlash
from edge.boards.hx711 import SETTLING, Hx711
from edge.boards.lis2dh12 import Lis2dh12
from edge.boards.ntc import Ntc
from edge.boards.piezo import Piezo
from edge.boards.tmp117 import Tmp117
from edge.common.button import HOLD_MS, Button
from edge.common.ringlog import RingLog
from tests.unit.edge.flash import NorFlash

if not hasattr(time, "sleep_ms"):
    time.sleep_ms = lambda period_ms: None  # MicroPython's, on CPython


def fails(call):
    try:
        call()
    except OSError:
        return True
    return False


class Registers:
    """A chip on I2C: registers by address, counting up where the driver says so."""

    def __init__(self, registers):
        self.registers = registers
        self.written = []

    def readfrom_mem(self, address, register, size):
        return self.registers[register][:size]

    def writeto_mem(self, address, register, value):
        self.written.append((register, bytes(value)))


class Pin:
    def __init__(self, values=()):
        self.values = list(values)
        self.last = 0

    def value(self, level=None):
        if level is None:
            return self.values.pop(0)
        self.last = level
        return None


def test_tmp117():
    for raw, degc in ((b"\x0c\x80", 25.0), (b"\x12\x1a", 36.203125), (b"\xff\x80", -1.0), (b"\x80\x00", -256.0)):
        chip = Registers({0x0F: b"\x01\x17", 0x01: b"\x2c\x00", 0x00: raw})
        assert Tmp117(chip).read() == degc
        assert chip.written == [(1, b"\x0c\x00")]
    assert fails(Tmp117(Registers({0x0F: b"\x01\x18"})).read)
    assert fails(Tmp117(Registers({0x0F: b"\x01\x17", 0x01: b"\x0c\x00"})).read)  # never ready


def test_lis2dh12():
    chip = Registers({0x0F: b"\x33", 0x20: b"\x07", 0x2F: b"\x03", 0xA8: b"\x00\x00\xc0\xff\x80\x3e"})
    accelerometer = Lis2dh12(chip)
    assert list(accelerometer.read()) == [(0, -4, 1000)] * 3
    assert chip.written == [(0x23, b"\x80"), (0x24, b"\x40"), (0x2E, b"\x80"), (0x20, b"\x27")]
    accelerometer.read()
    assert len(chip.written) == 4
    running = Registers({0x0F: b"\x33", 0x20: b"\x27", 0x2F: b"\x00"})
    assert list(Lis2dh12(running).read()) == []
    assert running.written == []  # it ran on through a deep sleep
    assert fails(Lis2dh12(Registers({0x0F: b"\x00"})).read)


def test_ntc():
    class Adc:
        def __init__(self, share):
            self.share = share

        def read_u16(self):
            return int(65535 * self.share)

    assert abs(Ntc(Adc(0.5)).read() - 25.0) < 0.01
    assert abs(Ntc(Adc(0.3849)).read() - 36.0) < 0.5  # 6.26 kOhm of 10 kOhm, beta 3950
    assert fails(Ntc(Adc(0.01)).read)
    assert fails(Ntc(Adc(0.99)).read)


def test_hx711():
    for word, value in ((0x000100, 1), (0x7FFFFF, 32767), (0x800000, -32768), (0xFFFF00, -1)):
        bits = [0] + [word >> 23 - index & 1 for index in range(24)]
        strip = Hx711(Pin(bits * (SETTLING + 1) + [1]), Pin())
        readings = [strip.read() for _ in range(SETTLING)]
        assert readings == [None] * (SETTLING - 1) + [value]
        assert strip.read() == value
        assert strip.read() == value  # not ready: the one before
        strip.set_gain(2)
        assert strip._pulses == 25
        strip._data.values = bits[:]
        assert strip.read() is None


def test_piezo():
    class Adc:
        def __init__(self, raw):
            self.raw = raw

        def read_u16(self):
            return self.raw

    for raw, value in ((0, -2048), (32768, 0), (65535, 2047)):
        assert Piezo(Adc(raw), Pin(), Pin()).read() == value
    low, high = Pin(), Pin()
    Piezo(Adc(0), low, high).set_gain(2)
    assert (low.last, high.last) == (0, 1)


def test_a_flash_of_whole_pages_takes_bytes():
    class Paged(NorFlash):
        def writeblocks(self, block, buffer, offset):
            assert offset % 256 == 0
            assert len(buffer) % 256 == 0
            for index in range(len(buffer)):
                assert buffer[index] == 0xFF or self.cells[block * self.block_size + offset + index] == 0xFF
                self.cells[block * self.block_size + offset + index] &= buffer[index]

    flash = PagedFlash(Paged(4, 1024))
    log = RingLog(flash, 1, 100, 1)
    for number in range(30):
        log.append(bytes((number,)) * 100)
    again = RingLog(flash, 1, 100, 2)
    assert [again.read(number)[2][0] for number in range(30)] == list(range(30))
    again.acknowledge(29)
    assert again.append(bytes(100)) == 30


def test_cell():
    assert [cell_pct(millivolt) for millivolt in (2900, 3000, 3575, 4150, 4300)] == [0, 0, 50, 100, 100]


def test_the_button_opens_the_window_and_held_resets():
    button = Button()
    assert not button.pairing(0)
    assert not button.step(True, 1000)
    assert button.pairing(1000)
    assert not button.step(False, 2000)
    assert button.pairing(120_999)
    assert not button.pairing(121_000)
    assert not button.step(True, 200_000)
    assert not button.step(True, 200_000 + HOLD_MS - 1)
    assert button.step(True, 200_000 + HOLD_MS)
    assert not button.step(True, 200_000 + HOLD_MS + 1)
    assert not button.pairing(200_000 + HOLD_MS + 1)

"""The micro-recorder in a mandibular advancement device, in somebody's mouth or in its case."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bumble.device import Device

from gateway.clock import Clock
from simulators.firmware.device import FLASH_BLOCKS, FirmwareDevice
from simulators.firmware.port import codes
from simulators.physiology.mouth import MouthReading
from simulators.radio import Ether

BLOCK: Final = 32
"""Samples that the accelerometer's FIFO holds."""


class Surroundings(Protocol):
    """Where the recorder is; `simulators.physiology.Mouth` is one."""

    def reading(self, utc_ms: int) -> MouthReading:
        """Read the sensors."""

    def in_case(self, utc_ms: int) -> bool:
        """Whether it lies in its case."""


@dataclass(frozen=True, slots=True)
class WearTruth:
    """What a record was made of, and when: UTC ms, and the reading (temperature None: the sensor failed)."""

    utc_ms: int
    temperature_c: float | None
    reading: MouthReading


class VirtualRecorder(FirmwareDevice):
    """The recorder. Parameters as `FirmwareDevice`, and

    Parameters
    ----------
    place : Surroundings
        Where it is at any time.

    Attributes
    ----------
    deaf_thermometer, deaf_accelerometer : bool
        Faults: a sensor that does not answer.
    kept : list of WearTruth
        The readings of which the firmware has made records, in order. They are known by that it asks the accelerometer
        for a record alone, and once in its self test.
    """

    program = "recorder"

    def __init__(
        self,
        ether: Ether,
        radio: Device,
        clock: Clock,
        folder: Path,
        place: Surroundings,
        *,
        secret: bytes,
        drift_ppm: float = 0.0,
        first_tick: int = 0,
        flash_blocks: int = FLASH_BLOCKS,
    ) -> None:
        super().__init__(
            ether,
            radio,
            clock,
            folder,
            secret=secret,
            drift_ppm=drift_ppm,
            first_tick=first_tick,
            flash_blocks=flash_blocks,
        )
        self.place = place
        self.deaf_thermometer = self.deaf_accelerometer = False
        self.kept: list[WearTruth] = []
        self._tested = False
        self._read: tuple[int, MouthReading] | None = None

    @property
    def in_case(self) -> bool:
        """Whether the case's magnet is near."""
        return self.place.in_case(self.clock.utc_ms())

    @property
    def temperature_c(self) -> float:
        """What its crystal feels."""
        return self._reading().temperature_c

    def on_power(self) -> None:
        """Power has come: a self test follows."""
        self._tested = False

    def ask(self, what: int) -> bytes:
        """Answer for the thermometer or the accelerometer."""
        reading = self._reading()
        if what == codes.TEMPERATURE:
            return b"" if self.deaf_thermometer else struct.pack("<f", reading.temperature_c)
        if self._tested:
            temperature_c = None if self.deaf_thermometer else reading.temperature_c
            self.kept.append(WearTruth(self.clock.utc_ms(), temperature_c, reading))
        self._tested = True
        return b"" if self.deaf_accelerometer else _fifo(reading)

    def _reading(self) -> MouthReading:
        now_ms = self.clock.utc_ms()
        if self._read is None or self._read[0] != now_ms:
            self._read = now_ms, self.place.reading(now_ms)
        return self._read[1]


def _fifo(reading: MouthReading) -> bytes:
    """A block of samples with the reading's mean, and its motion as their RMS distance from it."""
    x, y, z = reading.accel_mg
    swing = reading.motion_mg
    there, back = struct.pack("<hhh", x + swing, y, z), struct.pack("<hhh", x - swing, y, z)
    return (there + back) * (BLOCK // 2)

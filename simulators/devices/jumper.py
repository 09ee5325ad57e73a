"""A Jumper JPD-500F: values once a second, a piece of the wave form behind each."""

from __future__ import annotations

from typing import ClassVar

from gateway.home.devices.jumper.protocol import NOTIFY, SERVICE, Wave, encode_reading, encode_wave
from gateway.home.devices.reading import OximeterReading
from simulators.devices.fingertip import FingertipOximeter


class JumperOximeter(FingertipOximeter):
    """The peripheral. It has no serial number to read."""

    name: ClassVar[str] = "My Oximeter"
    service: ClassVar[str] = SERVICE
    notify_uuid: ClassVar[str] = NOTIFY

    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """Values and wave form."""
        return [encode_reading(reading), encode_wave(Wave(bytes(range(10, 28))))]

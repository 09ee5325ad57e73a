"""A Viatom PC-60FW: values once a second, wave form behind them, its battery now and then; cut into 20 bytes each."""

from __future__ import annotations

from typing import ClassVar, Final

from gateway.home.devices.pc60fw.protocol import (
    BATTERY,
    DEVICE,
    NOTIFY,
    OXIMETER,
    SERVICE,
    WAVE,
    Frame,
    encode_frame,
    encode_reading,
)
from gateway.home.devices.reading import OximeterReading
from simulators.devices.fingertip import FingertipOximeter

_BATTERY_EVERY: Final = 10
"""Readings between two words about the battery."""
_PIECE: Final = 20
"""Bytes of a notification at the default MTU."""


class Pc60fwOximeter(FingertipOximeter):
    """The peripheral. It has no serial number to read."""

    name: ClassVar[str] = "PC-60F_SN000123"
    service: ClassVar[str] = SERVICE
    notify_uuid: ClassVar[str] = NOTIFY

    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """Values, wave form and battery in one stream of bytes, cut where a notification is full."""
        stream = encode_reading(reading) + encode_frame(Frame(OXIMETER, WAVE, bytes((20, 40, 60, 40, 20))))
        if len(self.delivered_live) % _BATTERY_EVERY == 1:
            stream += encode_frame(Frame(DEVICE, BATTERY, bytes((min(3, self.battery.shown_pct // 25),))))
        return [stream[at : at + _PIECE] for at in range(0, len(stream), _PIECE)]

"""A Contec CMS50D-BT / EMAY SleepO2: silent until it is started, and silent again without a keep-alive."""

from __future__ import annotations

from typing import ClassVar, Final

from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.errors import ProtocolError
from gateway.home.devices.contec.protocol import (
    BATTERY,
    KEEP_ALIVE,
    KEEP_ALIVE_S,
    NOTIFY,
    SERVICE_EMAY,
    START,
    STOP,
    WRITE,
    Wave,
    decode_command,
    encode_battery,
    encode_reading,
    encode_wave,
)
from gateway.home.devices.contec.protocol import Battery as BatteryAnswer
from gateway.home.devices.reading import OximeterReading
from simulators.devices.fingertip import FingertipOximeter, reading_of

_PATIENCE_S: Final = 1.5 * KEEP_ALIVE_S
"""How long it streams without a keep-alive."""


class ContecOximeter(FingertipOximeter):
    """The peripheral. It has no serial number to read, and tells no perfusion."""

    name: ClassVar[str] = "SpO208"
    service: ClassVar[str] = f"{SERVICE_EMAY:04X}"
    notify_uuid: ClassVar[str] = f"{NOTIFY:04X}"

    def services(self) -> list[Service]:
        """The maker's one service."""
        self._streams_until_s: dict[Connection, float] = {}
        write = Characteristic[bytes](
            f"{WRITE:04X}",
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.Permissions.WRITEABLE,
            CharacteristicValue(write=self._on_write),
        )
        return [Service(self.service, [self.notify, write])]

    def reading(self, utc_ms: int) -> OximeterReading:
        """What it measures at a true moment."""
        return reading_of(self.finger.now(utc_ms), perfusion=False)

    def wants_to_send(self, connection: Connection) -> bool:
        """Whether it was started and is kept alive."""
        alive = self.clock.monotonic_s() < self._streams_until_s.get(connection, 0.0)
        return alive and self.subscribed(connection, self.notify)

    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """Values and wave form in one notification."""
        return [encode_reading(reading) + encode_wave(Wave(40, 3, 0)) + encode_wave(Wave(44, 4, 0))]

    def on_disconnected(self, connection: Connection) -> None:
        """Stop for this central."""
        self._streams_until_s.pop(connection, None)

    def _on_write(self, connection: Connection, value: bytes) -> None:
        try:
            decode_command(value)
        except ProtocolError:
            return  # what it does not understand it does not answer
        started = connection in self._streams_until_s
        if value == START or (value == KEEP_ALIVE and started):
            self._streams_until_s[connection] = self.clock.monotonic_s() + _PATIENCE_S
        elif value == STOP:
            self._streams_until_s.pop(connection, None)
        elif value == BATTERY:
            answer = encode_battery(BatteryAnswer(float(self.battery.shown_pct)))
            self.spawn(self.radio.notify_subscriber(connection, self.notify, answer))

"""Standard services that devices share: battery, device information, current time."""

from __future__ import annotations

from typing import Final

from bumble import att
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.errors import ProtocolError
from gateway.home.devices.sig import CurrentTime, decode_current_time, encode_battery, encode_current_time
from simulators.devices.base import readable
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock

_BATTERY, _BATTERY_LEVEL = "180F", "2A19"
_INFORMATION: Final = "180A"
_TEXTS: Final = {"model": "2A24", "serial": "2A25", "firmware": "2A26", "hardware": "2A27", "maker": "2A29"}
_TIME, _CURRENT_TIME = "1805", "2A2B"

DATA_FIELD_IGNORED: Final = 0x80
"""Application error of the Current Time Service: the value written cannot be taken."""


def battery_service(battery: Battery) -> Service:
    """Return the Battery Service (0x180F)."""
    return Service(_BATTERY, [readable(_BATTERY_LEVEL, lambda: encode_battery(battery.shown_pct))])


def information_service(*, model: str, serial: str, firmware: str, hardware: str, maker: str) -> Service:
    """Return the Device Information Service (0x180A)."""
    texts = {"model": model, "serial": serial, "firmware": firmware, "hardware": hardware, "maker": maker}

    def text(name: str) -> Characteristic[bytes]:
        return readable(_TEXTS[name], lambda: texts[name].encode())

    return Service(_INFORMATION, [text(name) for name in _TEXTS])


def time_service(clock: DeviceClock) -> Service:
    """Return the Current Time Service (0x1805), with a clock that can be set by writing."""

    def read(_connection: Connection) -> bytes:
        local = clock.local()
        return encode_current_time(CurrentTime(local, local.isoweekday() if clock.is_set else 0))

    def write(_connection: Connection, value: bytes) -> None:
        try:
            told = decode_current_time(value)
        except ProtocolError:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH) from None
        if told.local is None:
            raise att.ATT_Error(DATA_FIELD_IGNORED)
        clock.set(told.local)

    return Service(
        _TIME,
        [
            Characteristic(
                _CURRENT_TIME,
                Characteristic.Properties.READ | Characteristic.Properties.WRITE | Characteristic.Properties.NOTIFY,
                Characteristic.Permissions.READABLE | Characteristic.Permissions.WRITEABLE,
                CharacteristicValue(read=read, write=write),
            )
        ],
    )

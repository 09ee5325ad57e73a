"""Template of a virtual peripheral: a real GATT server on a finger. Copy to `simulators/devices/FAMILY.py`."""

from __future__ import annotations

from typing import ClassVar

from bumble.gatt import Service

from gateway.home.devices.reading import OximeterReading
from simulators.devices.common_services import information_service
from simulators.devices.fingertip import FingertipOximeter
from tests.integration.devices.template.protocol import NOTIFY, SERVICE, encode_reading


class ExampleOximeter(FingertipOximeter):
    """The peripheral."""

    name: ClassVar[str] = "Example"
    service: ClassVar[str] = SERVICE
    notify_uuid: ClassVar[str] = NOTIFY

    def services(self) -> list[Service]:
        """Its own service, and the standard one that tells the serial number."""
        information = information_service(
            model="EX-1", serial=self.serial, firmware="1", hardware="1", maker="Virtual Instruments"
        )
        return [*super().services(), information]

    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """One message."""
        return [encode_reading(reading)]

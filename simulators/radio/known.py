"""What an adapter knows of the devices it has heard, gathered from their advertising as BlueZ does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.uuids import normalize_uuid_16, normalize_uuid_32
from bumble import hci
from bumble.core import AdvertisingData

_Type = AdvertisingData.Type
_UUID_SIZES: dict[int, int] = {
    _Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Type.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    _Type.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    _Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA_SIZES: dict[int, int] = {
    _Type.SERVICE_DATA_16_BIT_UUID: 2,
    _Type.SERVICE_DATA_32_BIT_UUID: 4,
    _Type.SERVICE_DATA_128_BIT_UUID: 16,
}
_NAMES = (_Type.COMPLETE_LOCAL_NAME, _Type.SHORTENED_LOCAL_NAME)


@dataclass
class KnownDevice:
    """One device as the adapter knows it.

    Names, services and service data heard once stay known; manufacturer data is that of the last advertising that
    had any. So a name in a scan response is not lost when the next event goes without one.
    """

    adapter: str
    address: hci.Address
    rssi_dbm: int = -127
    name: str | None = None
    tx_power_dbm: int | None = None
    service_uuids: list[str] = field(default_factory=list)
    service_data: dict[str, bytes] = field(default_factory=dict)
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    structures: Sequence[tuple[int, bytes]] = ()
    data: bytes = b""

    @property
    def address_text(self) -> str:
        """The address as bleak spells it."""
        return self.address.to_string(False)

    @property
    def alias(self) -> str:
        """The name to show: the device's own, else its address with dashes."""
        return self.address_text.replace(":", "-") if self.name is None else self.name

    def hear(self, data: bytes, rssi_dbm: int) -> None:
        """Take in one advertising event as it came over the air, its scan response included."""
        self.rssi_dbm = rssi_dbm
        if data != self.data:
            self.data = data
            self.update(AdvertisingData.from_bytes(data).ad_structures)

    def update(self, structures: Sequence[tuple[int, bytes]]) -> None:
        """Take in the structures of one advertising event."""
        self.structures = structures
        manufacturer_data: dict[int, bytes] = {}
        for kind, data in structures:
            if (size := _UUID_SIZES.get(kind)) is not None:
                uuids = [uuid_text(data[start : start + size]) for start in range(0, len(data) - size + 1, size)]
                self.service_uuids += [uuid for uuid in uuids if uuid not in self.service_uuids]
            elif (size := _SERVICE_DATA_SIZES.get(kind)) is not None and len(data) >= size:
                self.service_data[uuid_text(data[:size])] = data[size:]
            elif kind in _NAMES:
                self.name = data.decode("utf-8", errors="replace")
            elif kind == _Type.MANUFACTURER_SPECIFIC_DATA and len(data) >= 2:
                manufacturer_data[int.from_bytes(data[:2], "little")] = data[2:]
            elif kind == _Type.TX_POWER_LEVEL and len(data) == 1:
                self.tx_power_dbm = int.from_bytes(data, "little", signed=True)
        self.manufacturer_data = manufacturer_data or self.manufacturer_data

    def advertisement_data(self) -> AdvertisementData:
        """All that is known, as bleak hands it to a detection callback."""
        return AdvertisementData(
            local_name=self.name,
            manufacturer_data=dict(self.manufacturer_data),
            service_data=dict(self.service_data),
            service_uuids=list(self.service_uuids),
            tx_power=self.tx_power_dbm,
            rssi=self.rssi_dbm,
            platform_data=(self.adapter, self.address_text),
        )

    def ble_device(self) -> BLEDevice:
        """Name the device for bleak. Without `path` in the details, so that nobody looks for it on D-Bus."""
        return BLEDevice(self.address_text, self.name, self.details())

    def details(self) -> dict[str, str]:
        """The backend's own part of a `BLEDevice`."""
        return {"source": self.adapter}


def uuid_text(little_endian: bytes) -> str:
    """Spell a UUID of 2, 4 or 16 bytes, as it comes over the air, in bleak's long form."""
    value = int.from_bytes(little_endian, "little")
    if len(little_endian) == 2:
        return normalize_uuid_16(value)
    if len(little_endian) == 4:
        return normalize_uuid_32(value)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

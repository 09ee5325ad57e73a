"""What a peripheral offers, discovered over the link and laid out as bleak does for BlueZ."""

from __future__ import annotations

from collections.abc import Callable

from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bumble import gatt_client

from simulators.radio.known import uuid_text

GAP_SERVICE = "00001800-0000-1000-8000-00805f9b34fb"
"""BlueZ keeps this service to itself (`profiles/gap/gas.c`) and shows it to nobody."""

_Characteristic = gatt_client.CharacteristicProxy[bytes]


async def discover(
    client: gatt_client.Client, wanted: set[str] | None, max_write_size: Callable[[], int]
) -> BleakGATTServiceCollection:
    """Discover services, characteristics and descriptors.

    Parameters
    ----------
    client
        Bumble's GATT client of the link.
    wanted
        UUIDs of the services to go into; None: all.
    max_write_size
        Gives the bytes that a write without response may carry now.

    Returns
    -------
    The services. `obj` of a characteristic or descriptor is bumble's; handles are those of BlueZ, which names a
    characteristic by the handle of its declaration, one below that of its value.
    """
    collection = BleakGATTServiceCollection()
    for found in await client.discover_services():
        uuid = uuid_text(bytes(found.uuid))
        if uuid == GAP_SERVICE or (wanted is not None and uuid not in wanted):
            continue
        service = BleakGATTService(found, found.handle, uuid)
        collection.add_service(service)
        for proxy in await client.discover_characteristics([], found):
            await _add_characteristic(collection, client, proxy, service, max_write_size)
    return collection


async def _add_characteristic(
    collection: BleakGATTServiceCollection,
    client: gatt_client.Client,
    proxy: _Characteristic,
    service: BleakGATTService,
    max_write_size: Callable[[], int],
) -> None:
    characteristic = BleakGATTCharacteristic(
        proxy,
        proxy.handle - 1,
        uuid_text(bytes(proxy.uuid)),
        sorted(gatt_char_props_to_strs(int(proxy.properties))),
        max_write_size,
        service,
    )
    collection.add_characteristic(characteristic)
    for descriptor in await client.discover_descriptors(proxy):
        collection.add_descriptor(
            BleakGATTDescriptor(descriptor, descriptor.handle, uuid_text(bytes(descriptor.type)), characteristic)
        )

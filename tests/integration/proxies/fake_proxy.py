"""An ESPHome Bluetooth proxy in another room: its native API in plain text, over TCP, on a virtual adapter.

The messages are the package's own protobuf definitions; the radio behind them is a `simulators.radio` adapter, so the
gateway talks to a virtual ring through the very protocol that a board on the wall speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aioesphomeapi import api_pb2 as pb
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from simulators.radio import Adapter

TYPES: Final = {message: number for number, message in MESSAGE_TYPE_TO_PROTO.items()}
FEATURES: Final = 1 | 2 | 4 | 32
"""Passive scan, active connections, remote caching, raw advertisements."""

MAC: Final = "02:00:00:00:AA:01"
SLOTS: Final = 3
MTU: Final = 247
CCCD: Final = "00002902-0000-1000-8000-00805f9b34fb"
_PROPERTIES: Final = {
    "broadcast": 1,
    "read": 2,
    "write-without-response": 4,
    "write": 8,
    "notify": 16,
    "indicate": 32,
}


def number_of(address: str) -> int:
    """A Bluetooth address as the API has it."""
    return int(address.replace(":", ""), 16)


class FakeProxy:
    """The board. `cut` ends its connections as a power cut does."""

    def __init__(self, adapter: Adapter) -> None:
        self.port = 0
        self.connections = 0
        self._adapter = adapter
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        session = _Session(self._adapter, reader, writer)
        self._sessions.add(session)
        try:
            await session.run()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._sessions.discard(session)
            await session.end()

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.writer.transport.abort()
        await asyncio.sleep(0.1)


class _Session:
    """One client's conversation."""

    def __init__(self, adapter: Adapter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader
        self._adapter = adapter
        self._clients: dict[int, BleakClient] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = False
        self._ended = False
        self._answers: dict[type[Any], Callable[[Any], None]] = {
            pb.HelloRequest: lambda _: self.send(
                pb.HelloResponse(api_version_major=1, api_version_minor=12, server_info="fake", name="bedroom")
            ),
            pb.AuthenticationRequest: lambda _: self.send(pb.AuthenticationResponse()),
            pb.PingRequest: lambda _: self.send(pb.PingResponse()),
            pb.DisconnectRequest: lambda _: self.send(pb.DisconnectResponse()),
            pb.DeviceInfoRequest: lambda _: self.send(
                pb.DeviceInfoResponse(
                    name="bedroom", mac_address=MAC, bluetooth_mac_address=MAC, bluetooth_proxy_feature_flags=FEATURES
                )
            ),
            pb.SubscribeBluetoothLEAdvertisementsRequest: lambda _: self.spawn(self._listen()),
            pb.SubscribeBluetoothConnectionsFreeRequest: lambda _: self._tell_free(),
            pb.BluetoothDeviceRequest: lambda message: self.spawn(self._device(message)),
            pb.BluetoothGATTGetServicesRequest: self._services,
            pb.BluetoothGATTReadRequest: lambda message: self.spawn(self._read(message)),
            pb.BluetoothGATTWriteRequest: lambda message: self.spawn(self._write(message)),
            pb.BluetoothGATTWriteDescriptorRequest: lambda message: self.send(
                pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle)
            ),
            pb.BluetoothGATTNotifyRequest: lambda message: self.spawn(self._notify(message)),
        }

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        self._ended = True
        if self._listening:
            await self._adapter.remove_listener(self._heard)
        for client in list(self._clients.values()):
            await client.disconnect()
        self.writer.close()

    async def run(self) -> None:
        while True:
            assert await self._varint() == 0, "plain text frames begin with 0"
            size, number = await self._varint(), await self._varint()
            kind = MESSAGE_TYPE_TO_PROTO[number]
            message = kind.FromString(await self._reader.readexactly(size))
            if (answer := self._answers.get(kind)) is not None:
                answer(message)

    async def _varint(self) -> int:
        value = shift = 0
        while True:
            [byte] = await self._reader.readexactly(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def send(self, message: Any) -> None:
        data = message.SerializeToString()
        self.writer.write(b"\0" + _encoded(len(data)) + _encoded(TYPES[type(message)]) + data)

    async def _listen(self) -> None:
        self._listening = True
        await self._adapter.add_listener(self._heard, active=True)

    def _heard(self, known: Any) -> None:
        one = pb.BluetoothLERawAdvertisement(
            address=number_of(known.address_text), rssi=known.rssi_dbm, address_type=1, data=known.data
        )
        self.send(pb.BluetoothLERawAdvertisementsResponse(advertisements=[one]))

    def _tell_free(self) -> None:
        taken = list(self._clients)
        self.send(pb.BluetoothConnectionsFreeResponse(free=SLOTS - len(taken), limit=SLOTS, allocated=taken))

    async def _device(self, message: Any) -> None:
        address = message.address
        if message.request_type == 1:
            if (client := self._clients.pop(address, None)) is not None:
                await client.disconnect()
            self._connection(address, connected=False)
            return
        text = ":".join(f"{address:012X}"[at : at + 2] for at in range(0, 12, 2))
        device = self._adapter.ble_device_from_address(text)
        try:
            if device is None:
                raise BleakError("not heard")
            client = BleakClient(
                device,
                backend=self._adapter.client_class,
                disconnected_callback=lambda _: self._gone(address),
            )
            await client.connect()
        except (BleakError, TimeoutError):
            self._connection(address, connected=False, error=0x3E)
            return
        if self._ended:
            await client.disconnect()
            return
        self._clients[address] = client
        self._connection(address, connected=True, mtu=MTU)

    def _gone(self, address: int) -> None:
        if self._clients.pop(address, None) is not None:
            self._connection(address, connected=False, error=0x08)

    def _connection(self, address: int, *, connected: bool, mtu: int = 0, error: int = 0) -> None:
        self.send(pb.BluetoothDeviceConnectionResponse(address=address, connected=connected, mtu=mtu, error=error))
        self._tell_free()

    def _services(self, message: Any) -> None:
        services = []
        for service in self._clients[message.address].services:
            found = [_characteristic(one) for one in service.characteristics]
            services.append(
                pb.BluetoothGATTService(uuid=_uuid(service.uuid), handle=service.handle, characteristics=found)
            )
        for service in services:
            self.send(pb.BluetoothGATTGetServicesResponse(address=message.address, services=[service]))
        self.send(pb.BluetoothGATTGetServicesDoneResponse(address=message.address))

    async def _read(self, message: Any) -> None:
        data = bytes(await self._clients[message.address].read_gatt_char(message.handle))
        self.send(pb.BluetoothGATTReadResponse(address=message.address, handle=message.handle, data=data))

    async def _write(self, message: Any) -> None:
        client = self._clients[message.address]
        await client.write_gatt_char(message.handle, message.data, response=message.response)
        if message.response:
            self.send(pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle))

    async def _notify(self, message: Any) -> None:
        client = self._clients[message.address]
        if message.enable:
            await client.start_notify(
                message.handle,
                lambda _, data: self.send(
                    pb.BluetoothGATTNotifyDataResponse(address=message.address, handle=message.handle, data=bytes(data))
                ),
            )
        else:
            try:
                await client.stop_notify(message.handle)
            except BleakError:
                return  # its link has just gone
        self.send(pb.BluetoothGATTNotifyResponse(address=message.address, handle=message.handle))


def _characteristic(one: BleakGATTCharacteristic) -> Any:
    properties = sum(_PROPERTIES[name] for name in one.properties)
    # BlueZ keeps the client configuration descriptor to itself; a board lists it, behind the value.
    configured = [pb.BluetoothGATTDescriptor(uuid=_uuid(CCCD), handle=one.handle + 2)] if properties & 48 else []
    return pb.BluetoothGATTCharacteristic(
        uuid=_uuid(one.uuid), handle=one.handle, properties=properties, descriptors=configured
    )


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _uuid(text: str) -> list[int]:
    number = int(text.replace("-", ""), 16)
    return [number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF]

"""Radios in other rooms: ESPHome Bluetooth proxies, as one more radio behind the same interface (extra `proxies`).

A proxy is a small board on the home's network that passes on what it hears and holds links for us. bleak-esphome gives
bleak's client over it; this module keeps the lines to the proxies and looks like a `Radio`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partialmethod
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice

from gateway.errors import ConfigurationError, DeviceUnreachableError
from gateway.home.collect.radio import BleakLink, Radio
from gateway.home.collect.recovery import NoRepairs, Repairs
from gateway.home.devices.driver import Sighting

if TYPE_CHECKING:
    from aioesphomeapi.client import APIClient
    from bleak_esphome.backend.client import ESPHomeClientData

PORT: Final = 6053
"""ESPHome's native API."""

CONNECT_S: Final = 15.0
AGAIN_S: Final = 30.0
"""Between tries at a proxy that is away: it reboots within ten seconds, a router within two minutes."""

MARGIN_DB: Final = 6
"""Another radio has to hear a device this much better to be preferred: less is a hand that was moved."""

WAYS: Final = 1024
"""Devices remembered; neighbours' telephones change their addresses every quarter of an hour."""

Heard = Callable[[Sighting, BLEDevice], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """Where a proxy is; `key` is its encryption key (base64), empty where its owner has set none."""

    host: str
    port: int = PORT
    key: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str, key: str = "") -> ProxyAddress:
        """Read ``host`` or ``host:port``.

        Raises
        ------
        ConfigurationError
            It is neither.
        """
        parts = urlsplit(f"//{text.strip()}")
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.path or parts.username is not None:
            raise ConfigurationError(f"a Bluetooth proxy is named host or host:port, not {text!r}")
        return cls(host, port or PORT, key)

    def __str__(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


class ProxyRadio:
    """All proxies of a home as one radio; see `gateway.home.collect.radio.Radio`.

    Raises
    ------
    ConfigurationError
        The packages of the extra `proxies` are not installed.
    """

    def __init__(self, proxies: tuple[ProxyAddress, ...]) -> None:
        try:
            import bleak_esphome  # noqa: F401 - only whether it is there
            from habluetooth import BluetoothManager, set_manager
        except ImportError as error:
            raise ConfigurationError(f"Bluetooth proxies need: pip install 'somnolink[proxies]' ({error})") from None
        self.repairs: Repairs = NoRepairs()
        self._proxies = proxies
        self._lines: dict[str, ESPHomeClientData] = {}
        # The package's scanners report to one. It is not set up, for that would take over this computer's own adapters.
        self._manager = type("Manager", (BluetoothManager,), {"_discover_service_info": lambda *_: None})()
        set_manager(self._manager)

    @asynccontextmanager
    async def scan(self, heard: Heard) -> AsyncIterator[None]:
        """Call `heard` with what any proxy hears, for the length of the block; one that is lost is connected again.

        Raises
        ------
        DeviceUnreachableError
            None of them can be reached.
        """

        up: asyncio.Queue[str | None] = asyncio.Queue()
        keepers = [asyncio.create_task(self._keep(proxy, heard, up)) for proxy in self._proxies]
        try:
            reasons = []
            while (reason := await up.get()) is not None:
                reasons.append(reason)
                if len(reasons) == len(self._proxies):
                    raise DeviceUnreachableError(f"no Bluetooth proxy can be reached: {'; '.join(reasons)}")
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    async def _keep(self, proxy: ProxyAddress, heard: Heard, up: asyncio.Queue[str | None]) -> None:
        """Hold the line to one proxy; tells `up` None when it is there, or why it is not."""
        from aioesphomeapi.client import APIClient
        from aioesphomeapi.core import APIConnectionError

        while True:
            lost = asyncio.Event()

            async def ended(_expected: bool, lost: asyncio.Event = lost) -> None:
                lost.set()

            client = APIClient(proxy.host, proxy.port, None, noise_psk=proxy.key or None, client_info="somnolink")
            try:
                async with asyncio.timeout(CONNECT_S):
                    await client.connect(on_stop=ended, login=True)
                async with self._line(client, heard):
                    log.info("listening through the Bluetooth proxy %s", proxy)
                    up.put_nowait(None)
                    await lost.wait()
                log.warning("the Bluetooth proxy %s is gone", proxy)
            except (APIConnectionError, TimeoutError, OSError) as error:
                log.warning("the Bluetooth proxy %s: %s", proxy, error or type(error).__name__)
                up.put_nowait(f"{proxy}: {error or type(error).__name__}")
            finally:
                await client.disconnect(force=True)
            await asyncio.sleep(AGAIN_S)

    @asynccontextmanager
    async def _line(self, client: APIClient, heard: Heard) -> AsyncIterator[None]:
        from bleak_esphome import connect_scanner

        data = connect_scanner(client, await client.device_info(), True)
        scanner = data.scanner
        assert scanner is not None, "connect_scanner makes one"
        unset = scanner.async_setup()
        unregister = self._manager.async_register_scanner(scanner)
        self._lines[scanner.source] = data
        # Beside the package's manager, which tells nobody of an advertisement that has not changed: a ring's never
        # does, and that it is heard again is what the collector waits for.
        client.subscribe_bluetooth_le_raw_advertisements(_Ears(scanner.source, heard).take)
        try:
            yield
        finally:
            del self._lines[scanner.source]
            data.bluetooth_device.async_set_unavailable()
            for callback in list(data.disconnect_callbacks):
                callback()
            unset()
            unregister()

    @asynccontextmanager
    async def connect(self, device: BLEDevice) -> AsyncIterator[BleakLink]:
        """Hold a link through the proxy that heard the device.

        Raises
        ------
        DeviceUnreachableError
            It could not be connected, or its proxy is gone.
        """
        async with self._by(device).connect(device) as link:
            yield link

    async def forget_bond(self, device: BLEDevice) -> None:
        """Throw the bond that a proxy has with a device away; `DeviceUnreachableError` where it refuses."""
        await self._by(device).forget_bond(device)

    def _by(self, device: BLEDevice) -> Radio:
        data = self._lines.get(device.details.get("source", ""))
        if data is None:
            raise DeviceUnreachableError(f"{device.address}: the Bluetooth proxy that heard it is gone")
        return Radio(_client_class(data))


class _RawAdvertisement(Protocol):
    """As the package's protobuf message has it."""

    address: int
    rssi: int
    address_type: int
    data: bytes


class _RawAdvertisements(Protocol):
    advertisements: Sequence[_RawAdvertisement]


class _Ears:
    """Puts together what one proxy hears of a device: its advertisement, and what it adds when asked."""

    def __init__(self, source: str, heard: Heard) -> None:
        from bluetooth_data_tools import parse_advertisement_data_bytes

        self._parse = parse_advertisement_data_bytes
        self._source = source
        self._heard = heard
        self._known: dict[int, tuple[str, frozenset[str], dict[int, bytes]]] = {}

    def take(self, message: _RawAdvertisements) -> None:
        """Tell of each advertisement in a message."""
        for one in message.advertisements:
            name, uuids, _, makers, _ = self._parse(bytes(one.data))
            old_name, old_uuids, old_makers = self._known.pop(one.address, ("", frozenset(), {}))
            known = (name or old_name, old_uuids | {uuid.lower() for uuid in uuids}, old_makers | makers)
            self._known[one.address] = known
            if len(self._known) > WAYS:
                del self._known[next(iter(self._known))]
            address = ":".join(f"{one.address:012X}"[at : at + 2] for at in range(0, 12, 2))
            details = {"source": self._source, "address_type": one.address_type}
            device = BLEDevice(address, known[0] or None, details)
            self._heard(Sighting(address, known[0], one.rssi, known[1], known[2]), device)


def _client_class(data: ESPHomeClientData) -> type[BaseBleakClient]:
    from bleak_esphome.backend.client import ESPHomeClient

    init = partialmethod(ESPHomeClient.__init__, client_data=data)
    return type("ProxyClient", (ESPHomeClient,), {"__init__": init})


class Radios:
    """Several radios as one: a device is reached by the one that heard it best of late.

    Parameters
    ----------
    first : Radio or ProxyRadio
        Whose repairs are the ladder's.
    """

    def __init__(self, first: Radio | ProxyRadio, *others: Radio | ProxyRadio) -> None:
        self._radios = (first, *others)
        self._ways: dict[str, tuple[int, Radio | ProxyRadio, BLEDevice]] = {}
        self.repairs: Repairs = first.repairs

    @asynccontextmanager
    async def scan(self, heard: Heard) -> AsyncIterator[None]:
        """Listen by all of them; one that does not work is left out.

        Raises
        ------
        DeviceUnreachableError
            None of them works.
        """
        async with AsyncExitStack() as stack:
            failures = []
            for radio in self._radios:
                try:
                    await stack.enter_async_context(radio.scan(self._by(radio, heard)))
                except DeviceUnreachableError as error:
                    failures.append(str(error))
                    log.warning("%s", error)
            if len(failures) == len(self._radios):
                raise DeviceUnreachableError("; ".join(failures))
            yield

    def _by(self, radio: Radio | ProxyRadio, heard: Heard) -> Heard:
        def forward(sighting: Sighting, device: BLEDevice) -> None:
            way = self._ways.get(sighting.address)
            if way is None or way[1] is radio or sighting.rssi_dbm > way[0] + MARGIN_DB:
                if len(self._ways) >= WAYS:
                    self._ways.pop(next(iter(self._ways)))
                self._ways[sighting.address] = (sighting.rssi_dbm, radio, device)
            heard(sighting, device)

        return forward

    @asynccontextmanager
    async def connect(self, device: BLEDevice) -> AsyncIterator[BleakLink]:
        """Hold a link by the best way there is.

        Raises
        ------
        DeviceUnreachableError
            It could not be connected. The way is forgotten: the next sighting tells another.
        """
        _, radio, heard = self._ways.get(device.address, (0, self._radios[0], device))
        try:
            async with radio.connect(heard) as link:
                yield link
        except DeviceUnreachableError:
            self._ways.pop(device.address, None)
            raise

    async def forget_bond(self, device: BLEDevice) -> None:
        """Throw the bond with a device away, on the radio that reaches it."""
        _, radio, heard = self._ways.get(device.address, (0, self._radios[0], device))
        await radio.forget_bond(heard)

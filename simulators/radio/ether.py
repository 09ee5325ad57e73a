"""The air of one simulation: peripherals, adapters, and the faults between them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import TracebackType

from bumble import hci
from bumble.device import Device, DeviceConfiguration

from simulators.radio.adapter import MTU_OFFER, Adapter
from simulators.radio.controller import RadioController
from simulators.radio.faults import Faults
from simulators.radio.host import RadioHost
from simulators.radio.link import SUPERVISION_TIMEOUT_S, AirLink

RSSI_DBM = -60
"""A bed's distance from a gateway in the same room."""


@dataclass
class _Peripheral:
    device: Device
    controller: RadioController
    faults: Faults


class Ether:
    """The air; to be made, used and closed on one event loop.

    Parameters
    ----------
    seed
        Decides on addresses and on random faults.
    supervision_timeout_s
        Seconds for which a link outlives the silence of one side.
    connection_interval_s
        Data crosses a link at multiples of this; 0: at once.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        supervision_timeout_s: float = SUPERVISION_TIMEOUT_S,
        connection_interval_s: float = 0.0,
    ) -> None:
        self._rng = random.Random(seed)
        self._link = AirLink(supervision_timeout_s=supervision_timeout_s, connection_interval_s=connection_interval_s)
        self._peripherals: list[_Peripheral] = []
        self._adapters: dict[str, Adapter] = {}

    async def __aenter__(self) -> Ether:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        for adapter in self._adapters.values():
            await adapter.settle()

    def close(self) -> None:
        """Take everything off the air for good: advertising stops, links end."""
        for adapter in self._adapters.values():
            adapter.unplug()
        for peripheral in self._peripherals:
            self._fall_still(peripheral)
        self._link.close()

    async def add_peripheral(
        self, address: str | None = None, *, name: str = "", rssi_dbm: int = RSSI_DBM, max_mtu: int = 517
    ) -> Device:
        """Put a peripheral on the air, powered on and silent.

        Parameters
        ----------
        address
            Its static random address; None: one from the seed.
        name
            The GAP device name. It is not advertised by itself.
        rssi_dbm
            How strongly adapters hear it, -127 to 20.
        max_mtu
            The largest ATT MTU it agrees to, 23 to 517.

        Returns
        -------
        Bumble's device: add services to it, set its advertising and scan response data, and let it advertise.
        """
        faults = Faults(self._rng, lambda silent: self._link.on_silence(controller, silent))
        controller = RadioController(
            name or "peripheral",
            self._link,
            public_address=self._public_address(),
            faults=faults,
            rssi_dbm=rssi_dbm,
        )
        device = await self._power_on(
            controller, name, address or self._static_address(), identity=hci.Address.RANDOM_DEVICE_ADDRESS
        )
        device.gatt_server.max_mtu = max_mtu
        self._peripherals.append(_Peripheral(device, controller, faults))
        return device

    async def adapter(self, name: str = "hci0", *, mtu_offer: int = MTU_OFFER) -> Adapter:
        """Get the adapter of that name, new at the first time, powered on."""
        if name not in self._adapters:
            controller = RadioController(name, self._link, public_address=self._public_address())
            device = await self._power_on(
                controller, name, self._static_address(), identity=hci.Address.PUBLIC_DEVICE_ADDRESS
            )
            self._adapters[name] = Adapter(name, device, controller, mtu_offer=mtu_offer)
        return self._adapters[name]

    def faults(self, peripheral: str | Device) -> Faults:
        """Get the faults of a peripheral, named by its present address or by its device."""
        return self._find(peripheral).faults

    def set_rssi(self, peripheral: str | Device, rssi_dbm: int) -> None:
        """Let adapters hear a peripheral at another strength, -127 to 20 dBm, from its next advertising on."""
        if not -127 <= rssi_dbm <= 20:
            raise ValueError(f"an RSSI lies within -127 and 20 dBm, not {rssi_dbm}")
        self._find(peripheral).controller.rssi_dbm = rssi_dbm

    async def reset_peripheral(self, peripheral: str | Device, *, address: str | None = None) -> None:
        """Let a peripheral restart: its links end by time-out, advertising stops, and it may come by a new address.

        Parameters
        ----------
        peripheral
            Its present address or its device.
        address
            The static random address it has from now on; None: the same.
        """
        found = self._find(peripheral)
        self._fall_still(found)
        device = found.device
        device.legacy_advertiser = None
        if address is not None:
            device.static_address = device.random_address = hci.Address(address)
        await device.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=device.random_address))

    def drop_link(self, peripheral: str | Device) -> None:
        """Lose all links of a peripheral now; both sides see it at once, with reason 0x08."""
        self._link.end_connections(self._find(peripheral).controller, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _find(self, peripheral: str | Device) -> _Peripheral:
        for candidate in self._peripherals:
            if peripheral is candidate.device:
                return candidate
            if isinstance(peripheral, str) and candidate.controller.random_address == hci.Address(peripheral):
                return candidate
        raise KeyError(f"no such peripheral: {peripheral}")

    def _fall_still(self, peripheral: _Peripheral) -> None:
        peripheral.controller.le_legacy_advertiser.stop()
        self._link.end_connections(peripheral.controller, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async def _power_on(self, controller: RadioController, name: str, address: str, *, identity: int) -> Device:
        random_address = hci.Address(address)
        config = DeviceConfiguration(
            name=name,
            address=random_address,
            identity_address_type=identity,
            irk=bytes(self._rng.randbytes(16)),
            # The adapter resolves no private addresses itself: bumble's host would scan for them without a time-out.
            address_resolution_offload=True,
        )
        device = Device(config=config, host=RadioHost(controller))
        await device.power_on()
        return device

    def _static_address(self) -> str:
        # The two top bits of a static random address are set (Core 5.4, Vol 6, Part B, 1.3.2.1).
        octets = bytes([0xC0 | self._rng.randrange(0x40), *self._rng.randbytes(5)])
        return octets.hex(":").upper()

    def _public_address(self) -> str:
        return bytes([0x00, *self._rng.randbytes(5)]).hex(":").upper()

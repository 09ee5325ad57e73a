"""The faults of the matrix, one function each: strike, last, end; and what the device could not say meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from simulators.devices import VirtualDevice
from simulators.firmware import FirmwareDevice
from tests.integration.faults.families import AnyDevice, Lost
from tests.integration.faults.household import Household
from tests.integration.home.boxes import mend, refuse

Fault = Callable[[Household, AnyDevice], Awaitable[Lost | None]]
OTHER_ADDRESS: Final = "C4:00:00:00:00:77"


async def adapter_unplugged(home: Household, _device: AnyDevice) -> Lost:
    """Somebody takes the stick out, and puts it back."""
    start = home.clock.utc_ms()
    home.adapter.unplug()
    await home.clock.sleep(120)
    home.adapter.plug_in()
    return Lost(start, home.clock.utc_ms() + 100_000)


async def adapter_wedged(home: Household, device: AnyDevice) -> Lost:
    """Its firmware hangs without a word: only switching it off and on helps."""
    return await _wedged(home, device, "power_cycle")


async def service_hangs(home: Household, device: AnyDevice) -> Lost:
    """Only restarting the Bluetooth service helps."""
    home.repairs.cure = "restart_service"
    return await _wedged(home, device, "restart_service")


async def _wedged(home: Household, device: AnyDevice, cure: str) -> Lost:
    start = home.clock.utc_ms()
    home.adapter.wedge()
    home.ether.drop_link(device.radio)
    await home.until(lambda: not home.adapter.wedged, 600)
    assert home.repairs.done[-1] == cure
    return Lost(start, home.clock.utc_ms())


async def service_restarted(home: Household, _device: AnyDevice) -> Lost:
    """BlueZ is updated: links end, what was discovered is forgotten, scanning stops without an error."""
    start = home.clock.utc_ms()
    home.adapter.unplug()
    home.adapter.plug_in()
    return Lost(start, start + 100_000)


async def out_of_range(home: Household, device: AnyDevice) -> Lost:
    """The wearer spends some minutes in another room."""
    start = home.clock.utc_ms()
    home.ether.faults(device.radio).silence()
    await home.clock.sleep(200)
    home.ether.faults(device.radio).come_back()
    return Lost(start, home.clock.utc_ms())


async def link_drops(home: Household, device: AnyDevice) -> Lost:
    """The link breaks again and again."""
    start = home.clock.utc_ms()
    for _ in range(5):
        home.ether.drop_link(device.radio)
        await home.clock.sleep(15)
    return Lost(start, home.clock.utc_ms())


async def connections_refused(home: Household, device: AnyDevice) -> Lost:
    """The link breaks, and the next attempts to connect fail."""
    start = home.clock.utc_ms()
    home.ether.faults(device.radio).refuse_connections(7)
    home.ether.drop_link(device.radio)
    await home.clock.sleep(30)
    return Lost(start, home.clock.utc_ms() + 30_000)


async def battery_empty(home: Household, device: AnyDevice) -> Lost:
    """It runs empty in the night, is charged a little, and goes on with a clock that was never set."""
    start = home.clock.utc_ms()
    if isinstance(device, FirmwareDevice):
        device.kill()
    else:
        await device.empty_battery()
    await home.clock.sleep(150)
    if isinstance(device, VirtualDevice):
        device.battery.charge()
    await device.start()
    return Lost(start, home.clock.utc_ms(), measured=False)


async def device_reset(home: Household, device: AnyDevice) -> Lost:
    """It restarts under another address, with its serial number and its memory, without its time.

    Our own keep their address: a watchdog ends their firmware.
    """
    start = home.clock.utc_ms()
    if isinstance(device, FirmwareDevice):
        await device.reboot()
    else:
        await device.reset(OTHER_ADDRESS)
    return Lost(start, home.clock.utc_ms(), measured=False)


async def host_rebooted(home: Household, _device: AnyDevice) -> Lost:
    """The gateway's computer is off for two minutes."""
    start = home.clock.utc_ms()
    await home.stop_gateway()
    await home.clock.sleep(120)
    home.start_gateway()
    return Lost(start, home.clock.utc_ms())


async def disk_full(home: Household, _device: AnyDevice) -> None:
    """The gateway's disk takes nothing for three minutes."""
    await refuse(home.outbox, "INSERT")
    await home.clock.sleep(180)
    await mend(home.outbox)


FAULTS: Final[tuple[Fault, ...]] = (
    adapter_unplugged,
    adapter_wedged,
    service_hangs,
    service_restarted,
    out_of_range,
    link_drops,
    connections_refused,
    battery_empty,
    device_reset,
    host_rebooted,
    disk_full,
)

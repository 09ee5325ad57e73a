"""The repairs of the recovery ladder on Linux: BlueZ over D-Bus, and the command that restarts its service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
from dataclasses import dataclass
from typing import Final

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from gateway.errors import DeviceError

SERVICE: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
"""Names of BlueZ's D-Bus interface (org.bluez.Adapter1(5), property `Powered`)."""

OFF_S: Final = 2.0
"""How long the adapter stays off: its firmware forgets its state within a second; twice that for USB sticks."""

CALL_S: Final = 15.0
"""A bluetoothd that hangs answers nothing; that is what the next rung is for."""

COMMAND_S: Final = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BlueZRepairs:
    """See `gateway.home.collect.recovery.Repairs`.

    Attributes
    ----------
    restart_command : str
        Restarts the Bluetooth service, such as ``systemctl restart bluetooth``; empty: this rung is left out. The
        gateway's user needs the right to run it.
    bus_address : str or None
        Of the D-Bus daemon; None: the system bus.
    """

    restart_command: str = ""
    bus_address: str | None = None

    async def power_cycle(self) -> None:
        """Set every adapter's `Powered` to false and, after `OFF_S`, to true.

        Raises
        ------
        DeviceError
            There is no D-Bus, no BlueZ or no adapter, or the adapter refuses.
        """
        try:
            async with asyncio.timeout(CALL_S + OFF_S):
                bus = await MessageBus(bus_type=BusType.SYSTEM, bus_address=self.bus_address).connect()
                try:
                    await _power_cycle(bus)
                finally:
                    bus.disconnect()
        except (OSError, TimeoutError, EOFError, DBusError) as error:
            why = str(error) or type(error).__name__
            raise DeviceError(f"the Bluetooth adapter could not be switched off and on: {why}") from None

    async def restart_service(self) -> None:
        """Run the command.

        Raises
        ------
        DeviceError
            It cannot be run, fails, or does not end.
        """
        if not self.restart_command:
            return
        what = f"the Bluetooth service could not be restarted ({self.restart_command})"
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(self.restart_command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            raise DeviceError(f"{what}: {error}") from None
        try:
            async with asyncio.timeout(COMMAND_S):
                _, told = await process.communicate()
        except TimeoutError:
            raise DeviceError(f"{what}: it did not end within {COMMAND_S:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                with contextlib.suppress(TimeoutError):  # what it has started may hold its pipe
                    async with asyncio.timeout(CALL_S):
                        await process.wait()
        if process.returncode != 0:
            lines = told.decode("utf-8", "replace").split("\n")
            raise DeviceError(f"{what}: {lines[0][:200] or f'exit status {process.returncode}'}")


async def _power_cycle(bus: MessageBus) -> None:
    objects = await _call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", [])
    adapters = sorted(path for path, interfaces in objects[0].items() if ADAPTER in interfaces)
    if not adapters:
        raise DBusError("org.bluez.Error.NotReady", "BlueZ knows no adapter")
    for powered in (False, True):
        for path in adapters:
            body = [ADAPTER, "Powered", Variant("b", powered)]
            await _call(bus, path, "org.freedesktop.DBus.Properties", "Set", "ssv", body)
        if not powered:
            await asyncio.sleep(OFF_S)
    log.info("switched off and on: %s", ", ".join(adapters))


async def _call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str, body: list[object]
) -> list[dict[str, dict[str, object]]]:
    reply = await bus.call(
        Message(destination=SERVICE, path=path, interface=interface, member=member, signature=signature, body=body)
    )
    if reply is None or reply.message_type is MessageType.ERROR:
        name = "org.freedesktop.DBus.Error.NoReply" if reply is None else reply.error_name
        raise DBusError(name or "org.bluez.Error.Failed", str(reply.body[0]) if reply and reply.body else str(name))
    return list(reply.body)

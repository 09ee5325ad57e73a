"""The repairs on Linux: against a D-Bus daemon of the test's own with adapters on it, and with real commands."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_property

from gateway.errors import DeviceError
from gateway.home.collect import bluez
from gateway.home.collect.bluez import BlueZRepairs
from tests.servers.bounded import killed_after

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="no dbus-daemon here (package dbus)")

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow own="*"/><allow receive_sender="*"/></policy></busconfig>
"""


@contextmanager
def bus_daemon(folder: Path) -> Iterator[str]:
    """A D-Bus daemon; its address."""
    config = folder / "bus.conf"
    config.write_text(CONFIG.format(path=folder / "bus"))
    process = subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        with killed_after(process, 30.0):
            address = process.stdout.readline().strip()
        yield address
    finally:
        process.terminate()
        process.wait(10)


class Adapter(ServiceInterface):
    """As much of BlueZ's adapter as a power cycle needs."""

    def __init__(self, name: str, told: list[tuple[str, bool]], *, refuses: bool = False) -> None:
        super().__init__("org.bluez.Adapter1")
        self.label, self.told, self.refuses = name, told, refuses
        self.on = True

    @dbus_property(name="Powered")
    def powered(self) -> "b":  # type: ignore[name-defined]  # noqa: F821, UP037 - D-Bus signatures, as the library has it
        return self.on

    @powered.setter
    def powered_set(self, value: "b") -> None:  # type: ignore[name-defined]  # noqa: F821, UP037
        if self.refuses:
            raise DBusError("org.bluez.Error.Failed", "rfkill")
        self.on = value
        self.told.append((self.label, value))


@asynccontextmanager
async def bluetoothd(address: str, adapters: list[Adapter]) -> AsyncIterator[None]:
    """Own BlueZ's name and export its adapters; the library answers for the object manager."""
    bus = await MessageBus(bus_address=address).connect()
    for adapter in adapters:
        bus.export(f"/org/bluez/{adapter.label}", adapter)
    await bus.request_name("org.bluez")
    try:
        yield
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(bluez, "OFF_S", 0.05)
    with bus_daemon(tmp_path) as found:
        yield found


async def test_every_adapter_is_switched_off_and_then_on(address: str) -> None:
    told: list[tuple[str, bool]] = []
    async with bluetoothd(address, [Adapter("hci0", told), Adapter("hci1", told)]):
        await BlueZRepairs(bus_address=address).power_cycle()
    assert told == [("hci0", False), ("hci1", False), ("hci0", True), ("hci1", True)]


async def test_an_adapter_that_refuses_is_one_clear_line(address: str) -> None:
    async with bluetoothd(address, [Adapter("hci0", [], refuses=True)]):
        with pytest.raises(DeviceError, match="could not be switched off and on: rfkill"):
            await BlueZRepairs(bus_address=address).power_cycle()


async def test_no_adapter_no_bluez_and_no_bus_are_clear_lines(address: str, tmp_path: Path) -> None:
    async with bluetoothd(address, []):
        with pytest.raises(DeviceError, match="off and on"):
            await BlueZRepairs(bus_address=address).power_cycle()
    with pytest.raises(DeviceError, match=r"off and on: .*org\.bluez"):
        await BlueZRepairs(bus_address=address).power_cycle()
    with pytest.raises(DeviceError, match="No such file"):
        await BlueZRepairs(bus_address=f"unix:path={tmp_path / 'none'}").power_cycle()


async def test_the_service_is_restarted_by_the_command(tmp_path: Path) -> None:
    mark = tmp_path / "restarted"
    await BlueZRepairs(f"touch {mark}").restart_service()
    assert mark.exists()
    await BlueZRepairs("").restart_service()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("sh -c 'echo not allowed >&2; echo more >&2; exit 4'", "not allowed$"),
        ("false", "exit status 1"),
        ("a-command-that-is-not-there", "No such file"),
        ("'", "No closing quotation"),
    ],
)
async def test_a_command_that_fails_says_why_in_one_line(command: str, why: str) -> None:
    with pytest.raises(DeviceError, match=why) as caught:
        await BlueZRepairs(command).restart_service()
    assert "\n" not in str(caught.value)


async def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluez, "COMMAND_S", 0.2)
    with pytest.raises(DeviceError, match="did not end"):
        await BlueZRepairs("sleep 600").restart_service()

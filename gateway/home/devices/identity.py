"""Who a device is, by the standard services: Device Information (0x180A) and Battery (0x180F)."""

from __future__ import annotations

from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices import sig
from gateway.home.devices.driver import Desk, Link

SIG_BASE: Final = "0000{:04x}-0000-1000-8000-00805f9b34fb"
MODEL, SERIAL, FIRMWARE, BATTERY, CURRENT_TIME = (
    SIG_BASE.format(number) for number in (0x2A24, 0x2A25, 0x2A26, 0x2A19, 0x2A2B)
)

PLACEHOLDERS: Final = frozenset(
    (
        "serialnumber",
        "serialno",
        "sn",
        "na",
        "none",
        "null",
        "unknown",
        "default",
        "12345678",
        "123456789",
        "1234567890",
    )
)
"""What reference designs ship as a serial number and vendors forget to fill in: two homes' devices would be one."""


def serial_of(text: str) -> str | None:
    """Return a serial number, or None where the text is none that tells two devices apart."""
    letters = "".join(char for char in text.lower() if char.isalnum())
    if letters in PLACEHOLDERS or len(set(letters)) < 2:
        return None
    return text


async def text_of(link: Link, desk: Desk, characteristic: str) -> str:
    """Read a Device Information string; empty where the device has none or it is no text."""
    if not link.has(characteristic):
        return ""
    data = await link.read(characteristic)
    try:
        return sig.decode_text(data)
    except ProtocolError as error:
        await desk.set_aside(data, str(error))
        return ""


async def introduce(link: Link, desk: Desk) -> None:
    """Introduce a device by its Device Information, and report its battery where it has that service.

    Raises
    ------
    DeviceError
        The link is gone.
    """
    await desk.introduce(
        serial=serial_of(await text_of(link, desk, SERIAL)),
        model=await text_of(link, desk, MODEL),
        firmware=await text_of(link, desk, FIRMWARE),
    )
    await report_battery(link, desk)


async def report_battery(link: Link, desk: Desk) -> None:
    """Report the battery where the device has the Battery Service."""
    if not link.has(BATTERY):
        return
    data = await link.read(BATTERY)
    try:
        desk.status(battery=float(sig.decode_battery(data)))
    except ProtocolError as error:
        await desk.set_aside(data, str(error))

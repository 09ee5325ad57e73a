"""Indications of virtual peripherals: was it confirmed, or is the link gone?"""

from __future__ import annotations

import asyncio

from bumble.device import Connection, Device
from bumble.gatt import Characteristic


async def indicated(radio: Device, connection: Connection, characteristic: Characteristic[bytes], value: bytes) -> bool:
    """Indicate and wait for the confirmation; False where none came before the link ended."""
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def disconnected(_reason: int) -> None:
        if not gone.done():
            gone.set_result(None)

    connection.on(Connection.EVENT_DISCONNECTION, disconnected)
    sending = asyncio.ensure_future(radio.indicate_subscriber(connection, characteristic, value))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        return sending.done() and not sending.cancelled() and sending.exception() is None and not gone.done()
    finally:
        sending.cancel()
        connection.remove_listener(Connection.EVENT_DISCONNECTION, disconnected)

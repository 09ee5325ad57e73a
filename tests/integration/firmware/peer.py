"""A gateway in a few lines, on plain bleak: what a peer may and may not get out of the firmware."""

from __future__ import annotations

import asyncio
import hmac
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from bleak import BleakClient, BleakScanner

from edge.common import control
from simulators.firmware import FirmwareDevice
from simulators.radio import Adapter

SERVICE, INFORMATION, STATUS, CLOCK, CONTROL, DATA = (
    f"e2a6000{number}-5b1d-4f0c-9a57-3c8f6d2b7e10" for number in range(1, 7)
)
NONCE = bytes(range(100, 116))


class Peer:
    """A connection to one device; subscribed to its control point and data from the beginning."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.responses: asyncio.Queue[bytes] = asyncio.Queue()
        self.frames: list[bytes] = []

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        await self.client.start_notify(CONTROL, lambda _, data: self.responses.put_nowait(bytes(data)))
        await self.client.start_notify(DATA, lambda _, data: self.frames.append(bytes(data)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.__aexit__(kind, error, trace)

    async def ask(self, request: bytes) -> bytes:
        """Write to the control point; return the response."""
        await self.client.write_gatt_char(CONTROL, request, response=True)
        async with asyncio.timeout(60):
            return await self.responses.get()

    async def enrol(self, secret: bytes) -> int:
        """Prove the secret; returns the result."""
        nonce = (await self.ask(bytes((control.CHALLENGE,))))[3:]
        proof = hmac.digest(secret, b"somnolink enrolment 1 gateway" + nonce + NONCE, "sha256")
        answer = await self.ask(bytes((control.PROVE,)) + NONCE + proof)
        if answer[2] == control.SUCCESS:
            assert answer[3:] == hmac.digest(secret, b"somnolink enrolment 1 device" + nonce + NONCE, "sha256")
        return answer[2]

    async def log_id(self) -> int:
        return int(struct.unpack("<BBBBI", (await self.client.read_gatt_char(INFORMATION))[:8])[4])

    async def status(self) -> tuple[int, ...]:
        """Boot, oldest, next, battery, faults, refused."""
        return struct.unpack("<HIIBBI", await self.client.read_gatt_char(STATUS))

    async def report(self, log: int, first: int, mode: int = control.UNTIL_END) -> bytes:
        return await self.ask(struct.pack("<BIIB", control.REPORT, log, first, mode))

    async def acknowledge(self, log: int, last: int) -> bytes:
        return await self.ask(struct.pack("<BII", control.ACKNOWLEDGE, log, last))

    def records(self, size: int) -> dict[int, bytes]:
        """Records that have arrived, by sequence."""
        found = {}
        for frame in self.frames:
            first = int.from_bytes(frame[1:5], "little")
            for place in range((len(frame) - 5) // size):
                found[first + place] = frame[5 + place * size : 5 + (place + 1) * size]
        return found


@asynccontextmanager
async def peer(device: FirmwareDevice, adapter: Adapter, *, pair: bool = False) -> AsyncIterator[Peer]:
    """Wait until it is heard, connect, and with `pair` bond."""
    found = await BleakScanner.find_device_by_address(device.address, timeout=900.0, backend=adapter.scanner_class)
    assert found is not None, "nobody heard it"
    async with Peer(BleakClient(found, backend=adapter.client_class, pair=pair)) as one:
        yield one


async def settle() -> None:
    """Let the firmware's main loop come round."""
    await asyncio.sleep(0.5)

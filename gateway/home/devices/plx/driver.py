"""SIG pulse oximeters (PLXS 1.0.1) on a link: stored spot-checks first, then the continuous stream."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import statistics
from datetime import UTC, datetime
from typing import Final

import numpy as np

from gateway.errors import DeviceError, ProtocolError
from gateway.home.devices import sig
from gateway.home.devices.driver import After, Desk, Driver, Link
from gateway.home.devices.oximetry import row_of
from gateway.home.devices.plx import protocol, racp
from gateway.wire.columns import columns_of

SIG_BASE: Final = "0000{:04x}-0000-1000-8000-00805f9b34fb"
MODEL, SERIAL, FIRMWARE, BATTERY, CURRENT_TIME = (
    SIG_BASE.format(number) for number in (0x2A24, 0x2A25, 0x2A26, 0x2A19, 0x2A2B)
)
CONTINUOUS, SPOT_CHECK, FEATURES, RECORD_ACCESS = (
    SIG_BASE.format(number)
    for number in (protocol.CONTINUOUS, protocol.SPOT_CHECK, protocol.FEATURES, protocol.RECORD_ACCESS)
)

INTERVALS_MS: Final = (250, 500, 1000, 2000, 4000)
"""Intervals that oximeters have. PLXS does not tell the interval, so it is measured."""

MEASURED: Final = 4
"""Notifications whose spacing tells the interval."""

RACP_S: Final = 30.0
"""A record access procedure without an answer for as long as an ATT transaction may take has failed."""

log = logging.getLogger(__name__)


class PlxDriver(Driver):
    """Any oximeter with the Pulse Oximeter Service."""

    family = "plx"
    services = frozenset({SIG_BASE.format(protocol.SERVICE)})

    async def visit(self, link: Link, desk: Desk) -> After:
        """Read who it is, take its stored spot-checks, then stream until the link ends."""
        await self._introduce(link, desk)
        if desk.mode != "live" and link.has(RECORD_ACCESS) and link.has(SPOT_CHECK):
            await self._pull(link, desk)
        if link.has(CONTINUOUS):
            await self._stream(link, desk)
            return After.WATCH
        return After.REST

    async def _introduce(self, link: Link, desk: Desk) -> None:
        async def text(characteristic: str) -> str:
            return sig.decode_text(await link.read(characteristic)) if link.has(characteristic) else ""

        await desk.introduce(serial=await text(SERIAL) or None, model=await text(MODEL), firmware=await text(FIRMWARE))
        if link.has(BATTERY):
            desk.status(battery=float(sig.decode_battery(await link.read(BATTERY))))
        if link.has(CURRENT_TIME):
            asked_ms = desk.clock.utc_ms()
            now = sig.decode_current_time(await link.read(CURRENT_TIME)).local
            answered_ms = desk.clock.utc_ms()
            if now is not None:
                # The time carries 1/256 s, so the journey is most of the doubt.
                await desk.note_anchor(_tick(now), (asked_ms + answered_ms) // 2, 50 + (answered_ms - asked_ms) // 2)

    async def _pull(self, link: Link, desk: Desk) -> None:
        """Take all stored spot-checks and delete them on the device once they are on our disk."""
        if not await desk.accepts_stored():
            return
        async with link.notifications(SPOT_CHECK) as records, link.notifications(RECORD_ACCESS) as control:
            answer = await _procedure(link, control, racp.REPORT_ALL)
            if not (isinstance(answer, racp.Response) and answer.succeeded):
                return
            raw = []
            while not records.empty():
                data = records.get_nowait()
                if data is None:
                    raise DeviceError(f"{link.address}: the link is gone")
                raw.append(data)
            if await self._deliver(desk, raw):
                await _procedure(link, control, racp.DELETE_ALL)

    async def _deliver(self, desk: Desk, raw: list[bytes]) -> bool:
        """Hand the spot-checks over; True if all are on disk, so that the device may forget them."""
        dated = []
        for data in raw:
            reading = protocol.decode_spot_check(data).reading()
            if reading.timestamp is None:
                log.warning("a stored spot-check without a time cannot be dated: it stays on the device")
                return False
            dated.append((_tick(reading.timestamp), row_of(reading)))
        dated.sort(key=lambda pair: pair[0])
        # Named by its content: the same records again (the deletion was lost) are the same item.
        name = "spot-" + hashlib.sha256(b"".join(sorted(raw))).hexdigest()[:24]
        if not (await desk.item(name)).done:
            ticks = np.array([tick for tick, _ in dated], dtype=np.int64)
            columns = columns_of("oximetry", [row for _, row in dated])
            await desk.deliver(name, "oximetry", columns, tick0_ms=int(ticks[0]), offsets_ms=ticks - ticks[0])
        return True

    async def _stream(self, link: Link, desk: Desk) -> None:
        """Pass on the continuous measurement until the link is lost, which is how such a night ends."""
        async with link.notifications(CONTINUOUS) as queue:
            first: list[tuple[int, dict[str, float]]] = []
            while len(first) < MEASURED:
                row = await _next_row(queue)
                if row is None:
                    return
                first.append((desk.clock.utc_ms(), row))
            async with desk.stream("oximetry", interval_ms([at for at, _ in first])) as stream:
                for at_ms, row in first:
                    stream.add(row, at_ms)
                while (row := await _next_row(queue)) is not None:
                    stream.add(row)


async def _next_row(queue: asyncio.Queue[bytes | None]) -> dict[str, float] | None:
    """The next measurement as a row; None when the link is lost. What is none is logged and left out."""
    while (data := await queue.get()) is not None:
        try:
            return row_of(protocol.decode_continuous(data).reading())
        except ProtocolError as error:
            log.warning("not a continuous measurement: %s", error)
    return None


async def _procedure(link: Link, control: asyncio.Queue[bytes | None], request: racp.Request) -> racp.Message:
    """Run one record access procedure.

    Raises
    ------
    DeviceError
        No answer, or the link is gone.
    """
    await link.write(RECORD_ACCESS, racp.encode(request), response=True)
    try:
        async with asyncio.timeout(RACP_S):
            data = await control.get()
    except TimeoutError:
        raise DeviceError(f"{link.address}: record access was not answered") from None
    if data is None:
        raise DeviceError(f"{link.address}: the link is gone")
    return racp.decode(data)


def interval_ms(arrivals_ms: list[int]) -> int:
    """Return the interval, of those that oximeters have, that the spacing of arrivals shows."""
    spacing = statistics.median(after - before for before, after in itertools.pairwise(arrivals_ms))
    return min(INTERVALS_MS, key=lambda interval: abs(interval - spacing))


def _tick(local: datetime) -> int:
    """The device's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)

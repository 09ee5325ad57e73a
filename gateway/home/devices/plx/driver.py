"""SIG pulse oximeters (PLXS 1.0.1) on a link: stored spot-checks first, then the continuous stream."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import statistics
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

import numpy as np

from gateway.errors import DeviceError, ProtocolError, TransferError
from gateway.home.devices import sig
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link
from gateway.home.devices.oximetry import row_of
from gateway.home.devices.plx import protocol, racp
from gateway.wire.columns import columns_of
from gateway.wire.messages import Kind

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

USER_FACING_TIME: Final = 2
"""Filter type of a record access operand: the records have a time stamp and no number."""

REPORTS: Final = 5
"""Reports in one visit of a device that stores new spot-checks while it reports the old ones."""

RUN_MS: Final = 120_000
"""Stored spot-checks further apart than this are not of one recording."""

QUIET_S: Final = 30.0
"""An oximeter that only makes spot-checks has said what it has when nothing came for this long."""

SpotQueue = asyncio.Queue[bytes | None]

log = logging.getLogger(__name__)


class PlxDriver(Driver):
    """Any oximeter with the Pulse Oximeter Service."""

    family = "plx"
    services = frozenset({SIG_BASE.format(protocol.SERVICE)})
    kinds = frozenset[Kind]({"oximetry", "device"})
    capabilities = frozenset({Capability.LIVE, Capability.STORED, Capability.SPOT})
    dating = frozenset({Dating.ARRIVAL, Dating.ANCHORS})
    acknowledgement = Acknowledgement.DELETE

    async def visit(self, link: Link, desk: Desk) -> After:
        """Read who it is, take its stored spot-checks, then stream until the link ends."""
        await self._introduce(link, desk)
        async with AsyncExitStack() as stack:
            spots: SpotQueue = asyncio.Queue()
            if link.has(SPOT_CHECK):
                # For the whole visit: a spot-check that nobody listens to is stored, and would come again as stored.
                spots = await stack.enter_async_context(link.notifications(SPOT_CHECK))
                if desk.mode != "live" and link.has(RECORD_ACCESS) and await desk.accepts_stored():
                    await self._pull(link, desk, spots)
            if link.has(CONTINUOUS):
                await self._stream(link, desk, spots)
                return After.WATCH
            if link.has(SPOT_CHECK):
                await self._wait_for_spots(desk, spots)
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

    async def _pull(self, link: Link, desk: Desk, spots: SpotQueue) -> None:
        """Take all stored spot-checks and delete them on the device once they are on our disk."""
        async with link.notifications(RECORD_ACCESS) as control:
            for _ in range(REPORTS):
                answer = await _procedure(link, control, racp.REPORT_ALL)
                # Indications keep their order: what was reported is here before the answer is.
                reported = _drain(spots)
                if answer != _done(racp.Op.REPORT):
                    await self._keep_live(desk, reported)
                    return
                if not await self._deliver(desk, reported):
                    return
                if await self._delete(link, control, reported):
                    return
            log.warning("%s stores faster than it reports: its spot-checks stay until the next visit", link.address)

    async def _delete(self, link: Link, control: asyncio.Queue[bytes | None], reported: list[bytes]) -> bool:
        """Delete what was reported, and nothing that came since; False if that needs another report."""
        times = [protocol.decode_spot_check(data).timestamp for data in reported]
        newest = max((time for time in times if time is not None), default=None)
        if newest is not None:
            until = bytes((USER_FACING_TIME,)) + sig.encode_date_time(newest)
            request = racp.Request(racp.Op.DELETE, racp.Operator.LESS_OR_EQUAL, until)
            if await _procedure(link, control, request) == _done(racp.Op.DELETE):
                return True
        # It knows no comparison (PLXS 1.0.1 demands "all records" only).
        stored = [data for data in reported if _from_storage(data)] or reported
        if await _procedure(link, control, racp.COUNT_ALL) != racp.Count(len(stored)):
            return False
        await _procedure(link, control, racp.DELETE_ALL)
        return True

    async def _deliver(self, desk: Desk, raw: list[bytes]) -> bool:
        """Hand spot-checks over; True if all are on disk, so that the device may forget them."""
        dated: list[tuple[int, bytes]] = []
        for data in raw:
            timestamp = protocol.decode_spot_check(data).timestamp
            if timestamp is None:
                log.warning("a stored spot-check without a time cannot be dated: it stays on the device")
                return False
            dated.append((_tick(timestamp), data))
        for run in _runs(sorted(dated)):
            # Named by its content: the same records again (the deletion was lost) are the same item.
            name = "spot-" + hashlib.sha256(b"".join(data for _, data in run)).hexdigest()[:24]
            if not (await desk.item(name)).done:
                ticks = np.array([tick for tick, _ in run], dtype=np.int64)
                columns = columns_of("oximetry", [_row_of_spot(data) for _, data in run])
                await desk.deliver(name, "oximetry", columns, tick0_ms=int(ticks[0]), offsets_ms=ticks - ticks[0])
        return True

    async def _keep_live(self, desk: Desk, raw: list[bytes]) -> None:
        """Hand over spot-checks that came as they were made: by their own time, or by ours where they have none."""
        for data in raw:
            try:
                dated = protocol.decode_spot_check(data).timestamp is not None and await self._deliver(desk, [data])
            except TransferError:
                dated = False  # the device's clock was never read
            if not dated:
                async with desk.stream("oximetry", 1000) as stream:
                    stream.add(_row_of_spot(data))

    async def _wait_for_spots(self, desk: Desk, spots: SpotQueue) -> None:
        """Take spot-checks as they are made, until the link ends or none has come for a while."""
        try:
            while True:
                async with asyncio.timeout(QUIET_S):
                    data = await spots.get()
                if data is None:
                    return
                await self._keep_live(desk, _spot_checks([data]))
        except TimeoutError:
            return

    async def _stream(self, link: Link, desk: Desk, spots: SpotQueue) -> None:
        """Pass on the continuous measurement until the link is lost, which is how such a night ends."""
        await self._keep_live(desk, _drain(spots))
        try:
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
                        # A spot-check made meanwhile is of the same finger in the same second: it would only put a
                        # second sample beside this one.
                        _drain(spots)
        finally:
            # Made while no continuous measurement came.
            await self._keep_live(desk, _drain(spots))


def _drain(spots: SpotQueue) -> list[bytes]:
    """All spot-checks that are there; the end of the link is left to whoever talks on it."""
    values = []
    while not spots.empty():
        values.append(spots.get_nowait())
    return _spot_checks(data for data in values if data is not None)


def _spot_checks(values: Iterable[bytes]) -> list[bytes]:
    """Those that are spot-checks; what is none is logged and left out."""
    good = []
    for data in values:
        try:
            protocol.decode_spot_check(data)
        except ProtocolError as error:
            log.warning("not a spot-check: %s", error)
        else:
            good.append(data)
    return good


def _row_of_spot(data: bytes) -> dict[str, float]:
    return row_of(protocol.decode_spot_check(data).reading())


def _from_storage(data: bytes) -> bool:
    status = protocol.decode_spot_check(data).measurement_status
    return status is not None and protocol.MeasurementStatus.FROM_STORAGE in status


def _runs(dated: list[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    """Cut where nothing was measured: a stored session replaces what was live over the whole time that it covers."""
    runs: list[list[tuple[int, bytes]]] = []
    for record in dated:
        if runs and record[0] - runs[-1][-1][0] <= RUN_MS:
            runs[-1].append(record)
        else:
            runs.append([record])
    return runs


def _done(op: racp.Op) -> racp.Response:
    return racp.Response(op, racp.Result.SUCCESS)


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
            while (data := await control.get()) is not None:
                answer = racp.decode(data)
                # The answer to an earlier request that came too late is not this one's.
                counted = isinstance(answer, racp.Count) and request.op == racp.Op.COUNT
                if counted or (isinstance(answer, racp.Response) and answer.op == request.op):
                    return answer
    except TimeoutError:
        raise DeviceError(f"{link.address}: record access was not answered") from None
    raise DeviceError(f"{link.address}: the link is gone")


def interval_ms(arrivals_ms: list[int]) -> int:
    """Return the interval, of those that oximeters have, that the spacing of arrivals shows."""
    spacing = statistics.median(after - before for before, after in itertools.pairwise(arrivals_ms))
    return min(INTERVALS_MS, key=lambda interval: abs(interval - spacing))


def _tick(local: datetime) -> int:
    """The device's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)

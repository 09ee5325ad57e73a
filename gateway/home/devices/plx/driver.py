"""SIG pulse oximeters (PLXS 1.0.1) on a link: stored spot-checks first, then the continuous stream."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

import numpy as np

from gateway.errors import DeviceError, ProtocolError, TransferError
from gateway.home.devices import identity, live, sig
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link
from gateway.home.devices.identity import CURRENT_TIME, SIG_BASE
from gateway.home.devices.notified import Messages, Queue, SilentError
from gateway.home.devices.oximetry import row_of
from gateway.home.devices.plx import protocol, racp
from gateway.home.devices.reading import OximeterReading
from gateway.wire.columns import columns_of
from gateway.wire.messages import Kind

CONTINUOUS, SPOT_CHECK, FEATURES, RECORD_ACCESS = (
    SIG_BASE.format(number)
    for number in (protocol.CONTINUOUS, protocol.SPOT_CHECK, protocol.FEATURES, protocol.RECORD_ACCESS)
)

RACP_S: Final = 30.0
"""A record access procedure without an answer for as long as an ATT transaction may take has failed."""

USER_FACING_TIME: Final = 2
"""Filter type of a record access operand: the records have a time stamp and no number."""

REPORTS: Final = 5
"""Reports in one visit of a device that stores new spot-checks while it reports the old ones."""

STAMPED_MS: Final = 1000
"""Stored spot-checks are stamped in whole seconds; the clock itself is read to 1/256 s."""

RUN_MS: Final = 120_000
"""Stored spot-checks further apart than this are not of one recording."""

HANDED_OVER: Final = "handed-over"
"""Name in the ledger of the marks of spot-checks that are on our disk."""

MARKS: Final = 8192
_MARK_BYTES: Final = 8

QUIET_S: Final = 30.0
"""An oximeter that only makes spot-checks has said what it has when nothing came for this long."""

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
            spots: Queue = asyncio.Queue()
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
        await identity.introduce(link, desk)
        if link.has(CURRENT_TIME):
            asked_ms = desk.clock.utc_ms()
            data = await link.read(CURRENT_TIME)
            answered_ms = desk.clock.utc_ms()
            try:
                now = sig.decode_current_time(data).local
            except ProtocolError as error:
                await desk.set_aside(data, str(error))
                return
            if now is not None:
                doubt_ms = STAMPED_MS + 50 + (answered_ms - asked_ms) // 2
                await desk.note_anchor(_tick(now), (asked_ms + answered_ms) // 2, doubt_ms)

    async def _pull(self, link: Link, desk: Desk, spots: Queue) -> None:
        """Take all stored spot-checks and delete them on the device once they are on our disk."""
        async with link.notifications(RECORD_ACCESS) as control:
            for _ in range(REPORTS):
                answer = await _procedure(link, desk, control, racp.REPORT_ALL)
                # Indications keep their order: what was reported is here before the answer is.
                reported = await _drain(desk, spots)
                if answer != _done(racp.Op.REPORT):
                    await self._keep_live(desk, reported)
                    return
                if not await self._deliver(desk, reported):
                    return
                if await self._delete(link, desk, control, reported):
                    return
            log.warning("%s stores faster than it reports: its spot-checks stay until the next visit", link.address)

    async def _delete(
        self, link: Link, desk: Desk, control: asyncio.Queue[bytes | None], reported: list[bytes]
    ) -> bool:
        """Delete what was reported, and nothing that came since; False if that needs another report."""
        times = [protocol.decode_spot_check(data).timestamp for data in reported]
        newest = max((time for time in times if time is not None), default=None)
        if newest is not None:
            until = bytes((USER_FACING_TIME,)) + sig.encode_date_time(newest)
            request = racp.Request(racp.Op.DELETE, racp.Operator.LESS_OR_EQUAL, until)
            if await _procedure(link, desk, control, request) == _done(racp.Op.DELETE):
                return True
        # It knows no comparison (PLXS 1.0.1 demands "all records" only).
        stored = [data for data in reported if _from_storage(data)] or reported
        if await _procedure(link, desk, control, racp.COUNT_ALL) != racp.Count(len(stored)):
            return False
        await _procedure(link, desk, control, racp.DELETE_ALL)
        return True

    async def _deliver(self, desk: Desk, raw: list[bytes]) -> bool:
        """Hand spot-checks over; True if all are on disk, so that the device may forget them."""
        dated: dict[bytes, tuple[int, bytes]] = {}
        for data in raw:
            timestamp = protocol.decode_spot_check(data).timestamp
            if timestamp is None:
                log.warning("a stored spot-check without a time cannot be dated: it stays on the device")
                return False
            dated[_mark(data)] = (_tick(timestamp), data)
        # What the device did not delete yet, because the link was lost, it reports again, with others or alone.
        had = (await desk.item(HANDED_OVER)).received
        known = {had[at : at + _MARK_BYTES] for at in range(0, len(had), _MARK_BYTES)}
        fresh = {mark: record for mark, record in dated.items() if mark not in known}
        for run in _runs(sorted(fresh.values())):
            # Named by its content: the same records again (a crash before the next line but one) are the same item.
            name = "spot-" + hashlib.sha256(b"".join(data for _, data in run)).hexdigest()[:24]
            if not (await desk.item(name)).done:
                ticks = np.array([tick for tick, _ in run], dtype=np.int64)
                columns = columns_of("oximetry", [_row_of_spot(data) for _, data in run])
                await desk.deliver(name, "oximetry", columns, tick0_ms=int(ticks[0]), offsets_ms=ticks - ticks[0])
        if fresh:
            await desk.keep_partial(HANDED_OVER, (had + b"".join(fresh))[-MARKS * _MARK_BYTES :])
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

    async def _wait_for_spots(self, desk: Desk, spots: Queue) -> None:
        """Take spot-checks as they are made, until the link ends or none has come for a while."""
        try:
            while True:
                async with asyncio.timeout(QUIET_S):
                    data = await spots.get()
                if data is None:
                    return
                await self._keep_live(desk, await _spot_checks(desk, [data]))
        except TimeoutError:
            return

    async def _stream(self, link: Link, desk: Desk, spots: Queue) -> None:
        """Pass on the continuous measurement until the link is lost, which is how such a night ends."""
        await self._keep_live(desk, await _drain(desk, spots))
        try:
            async with link.notifications(CONTINUOUS) as queue:
                messages = Messages(link, desk, queue, protocol.decode_continuous)

                async def next_reading() -> OximeterReading:
                    measurement = await messages.next()
                    # A spot-check made meanwhile is of the same finger in the same second: it would only put a second
                    # sample beside this one.
                    await _drain(desk, spots)
                    return measurement.reading()

                await live.pass_on(next_reading, desk)
        except SilentError:
            return  # some send nothing without a finger: the next visit listens again
        finally:
            # Made while no continuous measurement came.
            await self._keep_live(desk, await _drain(desk, spots))


async def _drain(desk: Desk, spots: Queue) -> list[bytes]:
    """All spot-checks that are there; the end of the link is left to whoever talks on it."""
    values = []
    while not spots.empty():
        values.append(spots.get_nowait())
    return await _spot_checks(desk, (data for data in values if data is not None))


async def _spot_checks(desk: Desk, values: Iterable[bytes]) -> list[bytes]:
    """Those that are spot-checks; what is none is set aside."""
    good = []
    for data in values:
        try:
            protocol.decode_spot_check(data)
        except ProtocolError as error:
            await desk.set_aside(data, str(error))
        else:
            good.append(data)
    return good


def _mark(data: bytes) -> bytes:
    """What tells a spot-check with a time from others, live or stored: its values and its time."""
    return hashlib.sha256(data[1:12]).digest()[:_MARK_BYTES]


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


async def _procedure(link: Link, desk: Desk, control: Queue, request: racp.Request) -> racp.Message:
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
                try:
                    answer = racp.decode(data)
                except ProtocolError as error:
                    await desk.set_aside(data, str(error))
                    continue
                # The answer to an earlier request that came too late is not this one's.
                counted = isinstance(answer, racp.Count) and request.op == racp.Op.COUNT
                if counted or (isinstance(answer, racp.Response) and answer.op == request.op):
                    return answer
    except TimeoutError:
        raise DeviceError(f"{link.address}: record access was not answered") from None
    raise DeviceError(f"{link.address}: the link is gone")


def _tick(local: datetime) -> int:
    """The device's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)

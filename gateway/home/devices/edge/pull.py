"""The ways of a device's log to our disk: all that is there, and what is added while the link is up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from gateway.errors import DeviceError, ProtocolError, TransferError
from gateway.home.devices.driver import Desk, Readings, Records
from gateway.home.devices.edge import control
from gateway.home.devices.edge.control import Mode, Op, Report, Result, Status
from gateway.home.devices.edge.peer import Peer
from gateway.home.devices.edge.reception import Reception
from gateway.home.devices.edge.records import LAYOUTS, read, record_bytes
from gateway.wire.messages import Kind

KEEP_EVERY: Final = 64
"""Notifications between two commits: 15 KiB. What is in hand when the link goes is committed too."""

QUIET_S: Final = 1.0
"""Nothing for so long in a report: look whether it has ended."""

SILENT_S: Final = 30.0
"""Nothing for so long in a report that has not ended: the device has stopped (as an ATT transaction would time out)."""

TRIES: Final = 5
"""Reports in a row that bring nothing new though the device says that it sent something."""

HELD_S: Final = 10.0
"""What a report that follows brings is put on disk together for so long, an epoch of the bed's analysis: four frames a
commit spare the memory card. Until then the device has it, so a gateway that loses power loses nothing."""

ACKNOWLEDGE_EVERY: Final = 3
"""Commits between two acknowledgements while following: half a minute."""

ANCHOR_EVERY_S: Final = 1_800.0
"""While a link is held: over half an hour a clock off by 100 ppm slips by 0.2 s at the most."""

log = logging.getLogger(__name__)


class LogPull:
    """Takes one device's log; see `Peer`.

    Parameters
    ----------
    kind : Kind
        What its records say.
    status : Status
        As it was read at the start of the visit.
    """

    def __init__(self, peer: Peer, desk: Desk, kind: Kind, status: Status) -> None:
        self._peer = peer
        self._desk = desk
        self._kind: Kind = kind
        self._log = peer.information.log
        self._record_bytes = peer.information.record_bytes
        self._status = status
        self._end = 0

    async def all(self) -> None:
        """Pull all that the log held at the start of the visit, free it on the device, hand it on.

        What has arrived is on disk, and handed on as far as it can be dated, also when the link is lost on the way.

        Raises
        ------
        DeviceError
            The link is gone, or the device does not answer.
        OutboxError
            The disk refuses: what was not kept stays on the device.
        """
        first = await self._begin()
        limit = self._status.next
        tries = 0
        try:
            while self._end < limit:
                before = self._end
                await self._report(first, limit)
                tries = 0 if self._end > before else tries + 1
                if tries == TRIES:
                    raise TransferError("the device sends records that do not arrive")
        except DeviceError:
            await self._desk.deliver_records(self._kind, read, complete=False)
            raise
        await self._desk.deliver_records(self._kind, read, complete=True)

    async def _begin(self) -> int:
        """Let the device free what is on our disk already; returns the first sequence to ask for."""
        known = await self._desk.position(self._log)
        if known > self._status.next:
            # Its flash has lost its newest page: sequences from here on are other records than those we have.
            log.warning("the device's log ends at %d, before what was pulled from it (%d)", self._status.next, known)
            known = self._status.next
            await self._desk.keep_records(self._log, (), known)
        if known > self._status.oldest:
            await self._peer.acknowledge(known)
        self._end = max(known, self._status.oldest)
        return self._end

    async def _report(self, origin: int, limit: int) -> None:
        """One report to the end, or to a break."""
        peer = self._peer
        reception = Reception(self._end)
        try:
            await peer.write(control.request_report(self._log, self._end, Mode.UNTIL_END))
            await self._receive(reception, origin, limit)
            report = await self._account(reception, limit)
            await self._settle(reception, report)
        except DeviceError:
            await self._feed(reception, peer.arrived())
            await self._keep(reception)
            raise
        await self._keep(reception)
        await peer.acknowledge(self._end)
        self._progress(origin, limit)

    async def _receive(self, reception: Reception, origin: int, limit: int) -> None:
        """Take what comes until the report ends, or has a break."""
        peer = self._peer
        fed = 0
        silent_s = 0.0
        while reception.next < limit and not reception.broken:
            data = await peer.data(QUIET_S)
            if data is None:
                if await peer.has_response(Op.REPORT):
                    return
                silent_s += QUIET_S
                if silent_s >= SILENT_S:
                    raise DeviceError("the device has stopped in the middle of a report")
                continue
            silent_s = 0.0
            await self._feed(reception, [data])
            fed += 1
            if fed % KEEP_EVERY == 0:
                await self._keep(reception)
                await peer.acknowledge(self._end)
                self._progress(origin, limit)

    async def _account(self, reception: Reception, limit: int) -> Report:
        """The device's account of a report that has come to its end, or is ended here to have it."""
        peer = self._peer
        if reception.broken and not await peer.has_response(Op.REPORT):
            aborted = await peer.ask(control.request_abort())
            if aborted.done:
                return await peer.sense(control.decode_report, aborted.value)
        ended = await peer.response(Op.REPORT)
        if ended.result == Result.NO_RECORDS:
            # What there was when the report began is void. What has come since is not, so not all of the count.
            counted = await peer.ask(control.request_count(self._log, self._end))
            count = await peer.sense(control.decode_count, counted.value)
            return Report(min(limit, count.first + count.sequences), 0)
        if ended.result == Result.NOT_COMPLETED:
            raise DeviceError("the connection's MTU holds no record")
        if not ended.done:
            raise DeviceError(f"a report was refused with {ended.result:#04x}")
        return await peer.sense(control.decode_report, ended.value)

    async def _settle(self, reception: Reception, report: Report) -> None:
        """Hold what has arrived against what was sent."""
        await self._feed(reception, self._peer.arrived())
        if reception.settle(report.sent):
            reception.next = max(reception.next, report.next)

    async def follow(self) -> None:
        """Pass on what the device records while the link is up; ends with the link.

        Raises
        ------
        LinkGoneError
            At the end. What had arrived is on disk.
        DeviceError
            The device does not answer, or has stopped.
        """
        peer = self._peer
        anchor_due_s = self._desk.clock.monotonic_s() + ANCHOR_EVERY_S
        while True:
            reception = Reception(self._end)
            try:
                began = await peer.ask(control.request_report(self._log, self._end, Mode.FOLLOW))
                if not began.done:
                    raise DeviceError(f"following was refused with {began.result:#04x}")
                anchor_due_s = await self._stream(reception, anchor_due_s)
                aborted = await peer.ask(control.request_abort())
                await self._settle(reception, await peer.sense(control.decode_report, aborted.value))
            except DeviceError:
                await self._feed(reception, peer.arrived())
                await self._pass_on(reception)
                raise
            await self._pass_on(reception)

    async def _stream(self, reception: Reception, anchor_due_s: float) -> float:
        """Take what comes until there is a break; returns when the next anchor is due."""
        peer, clock = self._peer, self._desk.clock
        commits = 0
        commit_due_s: float | None = None
        while not reception.broken:
            due_s = anchor_due_s if commit_due_s is None else min(commit_due_s, anchor_due_s)
            data = await peer.data(min(SILENT_S, max(0.0, due_s - clock.monotonic_s())))
            now_s = clock.monotonic_s()
            if data is not None:
                await self._feed(reception, [data, *peer.arrived()])
                commit_due_s = commit_due_s or now_s + HELD_S
            elif now_s < due_s and (await peer.status()).next > reception.next and not peer.has_data:
                raise DeviceError("the device has stopped sending what it records")
            if commit_due_s is not None and now_s >= commit_due_s:
                commit_due_s = None
                await self._pass_on(reception)
                commits += 1
                if commits % ACKNOWLEDGE_EVERY == 0:
                    await peer.acknowledge(self._end)
            if now_s >= anchor_due_s:
                anchor_due_s = now_s + ANCHOR_EVERY_S
                await peer.anchor()
                await peer.status()
                await self._desk.report()
        return anchor_due_s

    async def _feed(self, reception: Reception, arrived: Sequence[bytes]) -> None:
        for data in arrived:
            try:
                notification = control.decode_notification(data)
                reception.feed(notification, record_bytes(notification.layout, self._record_bytes))
            except ProtocolError as error:
                await self._desk.set_aside(data, str(error))

    async def _keep(self, reception: Reception) -> None:
        """Put what is in order on disk."""
        if reception.next != self._end:
            good = [records for records, _ in await self._sound(reception.take())]
            await self._desk.keep_records(self._log, good, reception.next)
            self._end = reception.next

    async def _pass_on(self, reception: Reception) -> None:
        """Put what is in order on its way. It is of one layout: another one needs new firmware, so a new link."""
        if reception.next == self._end:
            return
        good = await self._sound(reception.take())
        for _, readings in good:
            await self._desk.pass_on(self._kind, readings, self._log, reception.next)
        if not good:
            await self._desk.keep_records(self._log, (), reception.next)
        self._end = reception.next

    async def _sound(self, runs: Sequence[Records]) -> list[tuple[Records, Readings]]:
        """Those that can be read, and what they say; what cannot is set aside, so that it blocks nothing."""
        good: list[tuple[Records, Readings]] = []
        for run in runs:
            layout = LAYOUTS.get(run.layout)
            if layout is None or layout.kind != self._kind:
                await self._desk.set_aside(run.data, f"{run.count} records of layout {run.layout}, unknown here")
                continue
            size = layout.record_bytes
            decoded = layout.decode(run.data)
            refused = frozenset(decoded.refused)
            for data in refused:
                await self._desk.set_aside(data, f"no record of layout {run.layout}")
            if refused:
                rows = (run.data[at : at + size] for at in range(0, len(run.data), size))
                left = [row for row in rows if row not in refused]
                run = Records(run.layout, len(left), b"".join(left))
            if run.count:
                good.append((run, decoded.readings))
        return good

    def _progress(self, origin: int, limit: int) -> None:
        size = self._record_bytes
        self._desk.progress("records", (min(self._end, limit) - origin) * size, (limit - origin) * size)

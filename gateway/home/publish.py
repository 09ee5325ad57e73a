"""From the outbox to the broker and, on the service's word, out of the outbox."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Final

from gateway.clock import Clock
from gateway.errors import BrokerError, BrokerRefusalError, OutboxError, WireError
from gateway.home.outbox import Outbox, Waiting
from gateway.wire import topics
from gateway.wire.client import BrokerAddress, Connection, Message, Will
from gateway.wire.codec import GatewayStatus, decode_acks, decode_service_status, encode_status

PACK_BATCHES: Final = 64
PACK_BYTES: Final = 128 * 1024
"""A message holds batches of one device and kind that wait together, up to these bounds: after an outage the backlog
moves in few messages, while a live batch that finds nothing under way leaves at once."""

WINDOW_BATCHES: Final = 512
"""Batches under way and unconfirmed. In messages that is far below the 1,000 that Mosquitto queues by default."""

CONFIRM_S: Final = 120.0
"""Unconfirmed for this long, a batch is sent again: longer than any restart of broker or service takes."""

HOLD_S: Final = 110.0
"""Simulated time waits when a confirmation is this late: the peers run in real time."""

BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MOST_S: Final = 60.0
"""Between tries at a broker that is away: the backlog is safe, and a thousand homes shall not storm a restart."""

STATUS_EVERY_S: Final = 60.0
"""How often the retained status is told anew while connected."""

log = logging.getLogger(__name__)


class Publisher:
    """Sends what waits, keeps a bounded window under way, drops what the service confirms.

    Parameters
    ----------
    status : callable
        Makes the status to be retained; called on the event loop.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        address: BrokerAddress,
        gateway: str,
        status: Callable[[], GatewayStatus],
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._address = address
        self._gateway = topics.check_name(gateway, "gateway")
        self._status = status
        self._wake = asyncio.Event()
        self._inbox: deque[Message | None] = deque()
        self._under_way: dict[tuple[str, str, int, int], float] = {}
        self._cursor = 0
        self._unsent = PACK_BATCHES
        self._service = ""
        self.connected = False
        self.resent = 0
        self.problem: str | None = None
        self.refused = False

    def notice(self, batches: int) -> None:
        """Take note that so many new batches wait."""
        self._unsent += batches
        if not self._under_way or self._unsent >= PACK_BATCHES:
            self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled; a broker that is away is tried again with a back-off."""
        wait_s = BACKOFF_FIRST_S
        while True:
            try:
                await self._connected_run()
                wait_s = BACKOFF_FIRST_S
            except (BrokerError, OutboxError) as error:
                # A full disk takes no deletion either; it mends, and what is unconfirmed is sent again then.
                if self.problem is None:
                    log.warning("%s; what is collected waits in the outbox", error)
                self.problem = str(error)
                self.refused = isinstance(error, BrokerRefusalError)
            await self._clock.sleep(wait_s * random.uniform(0.8, 1.2))
            wait_s = min(BACKOFF_MOST_S, 2 * wait_s)

    async def _connected_run(self) -> None:
        """One connection, from its opening to its loss."""
        loop = asyncio.get_running_loop()

        def enter(message: Message | None) -> None:
            self._inbox.append(message)
            self._wake.set()

        connection = Connection(
            self._address,
            f"somnolink-{self._gateway}",
            on_message=lambda message: _post(loop, enter, message),
            on_lost=lambda _reason: _post(loop, enter, None),
            will=Will(topics.status(self._gateway), encode_status(GatewayStatus(online=False))),
        )
        self._inbox.clear()
        self._forget()
        subscriptions = [topics.ack(self._gateway), topics.command(self._gateway), topics.SERVICE_STATUS]
        try:
            await loop.run_in_executor(None, connection.open, subscriptions)
            log.info("connected to the broker at %s", self._address)
            self.connected, self.problem, self.refused = True, None, False
            await self._serve(connection)
        finally:
            self.connected = False
            # Its thread may be in the middle of a call to the loop: do not block the loop while it ends.
            await asyncio.shield(loop.run_in_executor(None, self._say_goodbye, connection))

    def _say_goodbye(self, connection: Connection) -> None:
        try:
            connection.publish(topics.status(self._gateway), encode_status(GatewayStatus(online=False)), retain=True)
        except BrokerError:
            log.debug("the will speaks for us")
        connection.close()

    async def _serve(self, connection: Connection) -> None:
        told_s = -STATUS_EVERY_S
        while True:
            now_s = self._clock.monotonic_s()
            if now_s - told_s >= STATUS_EVERY_S:
                connection.publish(topics.status(self._gateway), encode_status(self._status()), retain=True)
                told_s = now_s
            self._wake.clear()
            if not await self._receive():
                log.warning("connection to the broker at %s lost", self._address)
                return
            self._send_late_again(now_s)
            if await self._send(connection):
                continue
            await self._rest(told_s + STATUS_EVERY_S)

    async def _rest(self, until_s: float) -> None:
        """Wait for something to do; simulated time waits too while a confirmation is late."""
        now_s = self._clock.monotonic_s()
        oldest_s = next(iter(self._under_way.values()), None)
        late = oldest_s is not None and now_s - oldest_s >= HOLD_S
        if oldest_s is not None:
            until_s = min(until_s, oldest_s + (CONFIRM_S if late else HOLD_S))
        try:
            with self._clock.busy() if late else nullcontext():
                async with asyncio.timeout(max(0.001, until_s - now_s)):
                    await self._wake.wait()
        except TimeoutError:
            return

    async def _receive(self) -> bool:
        """Deal with what came in; False when the connection is gone."""
        acks = []
        alive = True
        while self._inbox:
            message = self._inbox.popleft()
            if message is None:
                alive = False
                continue
            try:
                if message.topic == topics.SERVICE_STATUS:
                    self._meet(decode_service_status(message.payload).instance, was_there=message.retained)
                elif message.topic == topics.ack(self._gateway):
                    acks += decode_acks(message.payload)
            except WireError as error:
                log.warning("%s: %s", message.topic, error)
        if acks:
            await self._outbox.confirm(acks)
            for ack in acks:
                for seq in ack.seqs:
                    self._under_way.pop((ack.device, ack.session, ack.revision, seq), None)
                if ack.up_to is not None:
                    session = (ack.device, ack.session, ack.revision)
                    for name in [n for n in self._under_way if n[:3] == session and n[3] <= ack.up_to]:
                        del self._under_way[name]
        return alive

    def _meet(self, instance: str, *, was_there: bool) -> None:
        """A service that came after what is under way was sent has not seen it; one that was there has."""
        if instance and instance != self._service and not was_there and self._under_way:
            log.info("the service has started anew: sending what it has not confirmed")
            self._start_over()
        self._service = instance or self._service

    def _send_late_again(self, now_s: float) -> None:
        oldest_s = next(iter(self._under_way.values()), None)
        if oldest_s is not None and now_s - oldest_s >= CONFIRM_S:
            log.warning("%d batches are unconfirmed for %.0f s: sending them again", len(self._under_way), CONFIRM_S)
            self._start_over()

    def _start_over(self) -> None:
        self.resent += len(self._under_way)
        self._forget()

    def _forget(self) -> None:
        """Begin at the head of the outbox again; a full pack may wait there, so it is looked at at once."""
        self._under_way.clear()
        self._cursor = 0
        self._unsent = PACK_BATCHES

    async def _send(self, connection: Connection) -> bool:
        """Send what waits and fits the window; True if anything was sent.

        While messages are under way, less than a full pack waits for their confirmation, as Nagle's rule has it for
        TCP: many small messages would cost the broker more than the wait costs anyone.
        """
        room = WINDOW_BATCHES - len(self._under_way)
        if room <= 0:
            return False
        if self._unsent == 0 or (self._under_way and self._unsent < PACK_BATCHES):
            return False
        unsent, self._unsent = self._unsent, 0
        waiting = await self._outbox.next(self._cursor, room)
        if len(waiting) == room:
            self._unsent += max(unsent - room, PACK_BATCHES)
        now_s = self._clock.monotonic_s()
        for pack in packs(waiting):
            first = pack[0]
            topic = topics.batch(self._gateway, first.device, first.kind)
            connection.publish(topic, b"".join(batch.payload for batch in pack))
            for batch in pack:
                self._under_way[batch.name] = now_s
        if waiting:
            self._cursor = waiting[-1].row
        return bool(waiting)

    async def until_empty(self, poll_s: float = 0.2) -> None:
        """Return when the service has confirmed all that was put in before."""
        while True:
            try:
                if (await self._outbox.use()).batches == 0:
                    return
            except OutboxError as error:
                log.warning("%s", error)
            await self._clock.sleep(poll_s)


def packs(waiting: Sequence[Waiting]) -> list[list[Waiting]]:
    """Put batches of one device and kind together, order kept within each, up to the bounds of a message."""
    made: list[list[Waiting]] = []
    open_packs: dict[tuple[str, str], tuple[list[Waiting], int]] = {}
    for batch in waiting:
        key = (batch.device, batch.kind)
        pack, size = open_packs.get(key, ([], 0))
        if not pack or len(pack) == PACK_BATCHES or size + len(batch.payload) > PACK_BYTES:
            pack, size = [], 0
            made.append(pack)
        pack.append(batch)
        open_packs[key] = (pack, size + len(batch.payload))
    return made


def _post(loop: asyncio.AbstractEventLoop, enter: Callable[[Message | None], None], message: Message | None) -> None:
    """Hand a message from the network thread to the event loop; nobody wants it once that is closed."""
    try:
        loop.call_soon_threadsafe(enter, message)
    except RuntimeError:
        log.debug("a message came after the end")

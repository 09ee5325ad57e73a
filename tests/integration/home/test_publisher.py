"""From the outbox over a real broker to a service that confirms: once, in order, in few messages, over outages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.home import publish
from gateway.home.outbox import Outbox
from gateway.home.publish import Publisher
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import Connection, Message
from gateway.wire.codec import GatewayStatus, ServiceStatus, decode_message, encode_acks, encode_status
from gateway.wire.messages import Ack, Batch
from simulators.timeloop import SimulatedClock, run
from tests.integration.home.boxes import T0, make

GATEWAY = "home"


@dataclass
class Clinic:
    """What the service does with what it hears, and nothing else of it."""

    clock: SimulatedClock
    broker: EmbeddedBroker
    result: str = "stored"
    mute: bool = False
    messages: list[list[Batch]] = field(default_factory=list)
    statuses: list[dict[str, object]] = field(default_factory=list)
    connection: Connection | None = None

    def open(self, instance: str) -> None:
        self.connection = Connection(
            self.broker.address(SERVICE_USER), f"clinic-{instance}", on_message=self.hear, on_lost=lambda _: None
        )
        self.connection.open([topics.ALL_BATCHES, topics.ALL_STATUS])
        status = encode_status(ServiceStatus(True, instance, 1))
        self.connection.publish(topics.SERVICE_STATUS, status, retain=True)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def hear(self, message: Message) -> None:
        if message.topic.endswith("/status"):
            if message.topic == topics.status(GATEWAY):
                self.statuses.append(json.loads(message.payload))
            return
        batches, refused = decode_message(message.payload)
        assert not refused
        self.messages.append(batches)
        if not self.mute and self.connection is not None:
            acks = [Ack(b.device, b.session, self.result, seqs=(b.seq,)) for b in batches]  # type: ignore[arg-type]
            self.connection.publish(topics.ack(GATEWAY), encode_acks(acks))

    @property
    def seqs(self) -> list[int]:
        return [batch.seq for message in self.messages for batch in message]


@dataclass
class Scene:
    clock: SimulatedClock
    outbox: Outbox
    publisher: Publisher
    clinic: Clinic

    async def until(self, condition: Callable[[], bool]) -> None:
        """Peers run on threads of their own, in real time: simulated time is held while they work."""
        with self.clock.busy():
            for _ in range(1000):
                if condition():
                    return
                await asyncio.to_thread(asyncio_pause)
        raise AssertionError("it did not happen in time")

    async def empty(self) -> bool:
        return (await self.outbox.use()).batches == 0


def asyncio_pause() -> None:
    import time

    time.sleep(0.01)


@asynccontextmanager
async def scene(clock: SimulatedClock, folder: Path, broker: EmbeddedBroker, instance: str | None = "one") -> AsyncIterator[Scene]:  # fmt: skip  # noqa: E501
    outbox = Outbox(folder / "outbox.db", clock)
    clinic = Clinic(clock, broker)
    if instance is not None:
        await asyncio.to_thread(clinic.open, instance)
    publisher = Publisher(
        outbox, clock, broker.address(GATEWAY), GATEWAY, lambda: GatewayStatus(True, clock.utc_ms(), pending=3)
    )
    outbox.on_put = publisher.notice
    task = asyncio.create_task(publisher.run())
    made = Scene(clock, outbox, publisher, clinic)
    try:
        await made.until(lambda: publisher.connected)
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(clinic.close)
        outbox.close()


def in_simulation(folder: Path, work: Callable[[Scene], object], instance: str | None = "one") -> None:
    with EmbeddedBroker([GATEWAY, SERVICE_USER]) as broker:

        async def main(clock: SimulatedClock) -> None:
            async with scene(clock, folder, broker, instance) as made:
                await work(made)  # type: ignore[misc]  # a coroutine function

        run(main, epoch_ms=T0)


def test_each_batch_is_sent_once_in_order_and_leaves_the_outbox_on_the_services_word(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        for seq in range(40):
            await side.outbox.put([make(seq)])
            await side.until(lambda seq=seq: seq in side.clinic.seqs and not side.publisher._under_way)  # type: ignore[misc]
        await side.publisher.until_empty()
        assert side.clinic.seqs == list(range(40))
        assert len(side.clinic.messages) == 40  # a live batch that finds nothing under way leaves at once
        assert side.publisher.resent == 0

    in_simulation(tmp_path, work)


def test_a_backlog_goes_in_few_messages_within_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "WINDOW_BATCHES", 128)

    async def work(side: Scene) -> None:
        side.clinic.mute = True
        await side.outbox.put([make(seq) for seq in range(600)])
        await side.until(lambda: len(side.clinic.seqs) >= 128)
        assert side.clinic.seqs == list(range(128))
        assert [len(message) for message in side.clinic.messages] == [64, 64]
        assert len(side.publisher._under_way) == 128
        side.clinic.mute = False
        first = [Ack(make(0).device, "s", "stored", up_to=127)]
        assert side.clinic.connection is not None
        side.clinic.connection.publish(topics.ack(GATEWAY), encode_acks(first))
        await side.publisher.until_empty()
        assert side.clinic.seqs == list(range(600))
        assert len(side.clinic.messages) <= 12
        assert side.publisher.resent == 0

    in_simulation(tmp_path, work)


def test_small_batches_wait_for_the_word_on_those_under_way(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        side.clinic.mute = True
        await side.outbox.put([make(0)])
        await side.until(lambda: side.clinic.seqs == [0])
        for seq in range(1, 30):
            await side.outbox.put([make(seq)])
        await side.clock.sleep(1)
        assert side.clinic.seqs == [0]
        side.clinic.mute = False
        assert side.clinic.connection is not None
        ack = [Ack(make(0).device, "s", "stored", seqs=(0,))]
        side.clinic.connection.publish(topics.ack(GATEWAY), encode_acks(ack))
        await side.publisher.until_empty()
        assert [len(message) for message in side.clinic.messages] == [1, 29]

    in_simulation(tmp_path, work)


def test_what_was_sent_to_nobody_is_sent_again_to_the_service_that_comes(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        await side.outbox.put([make(0), make(1)])
        await side.until(lambda: len(side.publisher._under_way) == 2)
        await asyncio.to_thread(side.clinic.open, "first")
        await side.publisher.until_empty()
        assert side.clinic.seqs == [0, 1]
        assert side.publisher.resent == 2

    in_simulation(tmp_path, work, instance=None)


def test_another_instance_of_the_service_gets_what_the_old_one_did_not_confirm(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        side.clinic.mute = True
        await side.outbox.put([make(0)])
        await side.until(lambda: side.clinic.seqs == [0])
        await asyncio.to_thread(side.clinic.close)
        side.clinic.mute = False
        await asyncio.to_thread(side.clinic.open, "two")
        await side.publisher.until_empty()
        assert side.clinic.seqs == [0, 0]
        # the same instance once more is no news
        status = encode_status(ServiceStatus(True, "two", 2))
        assert side.clinic.connection is not None
        side.clinic.connection.publish(topics.SERVICE_STATUS, status, retain=True)
        await side.outbox.put([make(1)])
        await side.publisher.until_empty()
        assert side.clinic.seqs == [0, 0, 1]

    in_simulation(tmp_path, work)


def test_a_word_that_is_lost_is_asked_for_again_after_the_time_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "HOLD_S", 1e9)  # nobody will answer: simulated time need not wait for it

    async def work(side: Scene) -> None:
        side.clinic.mute = True
        await side.outbox.put([make(0)])
        await side.until(lambda: side.clinic.seqs == [0])
        await side.clock.sleep(publish.CONFIRM_S - 30)
        assert side.clinic.seqs == [0]
        side.clinic.mute = False
        await side.clock.sleep(100)
        await side.until(lambda: side.clinic.seqs == [0, 0])
        await side.publisher.until_empty()
        assert side.publisher.resent == 1

    in_simulation(tmp_path, work)


def test_what_the_service_sets_aside_is_let_go_and_counted(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        side.clinic.result = "set_aside"
        await side.outbox.put([make(0), make(1)])
        await side.publisher.until_empty()
        assert (await side.outbox.use()).counters == {"set_aside_by_service": 2}

    in_simulation(tmp_path, work)


def test_words_that_are_none_are_passed_over(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        connection = side.clinic.connection
        assert connection is not None
        for topic in (topics.ack(GATEWAY), topics.SERVICE_STATUS, topics.command(GATEWAY)):
            connection.publish(topic, b"\xff no word")
        await side.outbox.put([make(0)])
        await side.publisher.until_empty()
        assert side.publisher.connected

    in_simulation(tmp_path, work)


def test_presence_is_told_anew_and_the_goodbye_is_said(tmp_path: Path) -> None:
    async def work(side: Scene) -> None:
        for _ in range(4):
            await side.clock.sleep(61)
            await side.until(lambda: True)
        await side.until(lambda: len(side.clinic.statuses) >= 3)
        assert {(status["online"], status["pending"]) for status in side.clinic.statuses} == {(True, 3)}

    with EmbeddedBroker([GATEWAY, SERVICE_USER]) as broker:
        watcher: list[Message] = []
        other = Connection(broker.address(SERVICE_USER), "w", on_message=watcher.append, on_lost=lambda _: None)
        other.open([topics.ALL_STATUS])

        async def main(clock: SimulatedClock) -> None:
            async with scene(clock, tmp_path, broker) as made:
                await work(made)

        run(main, epoch_ms=T0)
        for _ in range(500):
            if watcher and json.loads(watcher[-1].payload).get("online") is False:
                break
            asyncio_pause()
        assert json.loads([m for m in watcher if m.topic == topics.status(GATEWAY)][-1].payload)["online"] is False
        other.close()


def test_a_broker_away_for_eight_hours_costs_nothing(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        first = await asyncio.to_thread(EmbeddedBroker([GATEWAY, SERVICE_USER]).__enter__)
        address = first.address(GATEWAY)
        async with scene(clock, tmp_path, first) as side:
            await side.outbox.put([make(0)])
            await side.publisher.until_empty()
            await asyncio.to_thread(side.clinic.close)
            await asyncio.to_thread(first.__exit__)
            await side.until(lambda: not side.publisher.connected)
            for seq in range(1, 481):
                await side.outbox.put([make(seq)])
                await clock.sleep(60)
            assert (await side.outbox.use()).batches == 480
            assert "no broker" in (side.publisher.problem or "")
            again = EmbeddedBroker([GATEWAY, SERVICE_USER], address.port)
            again._passwords = first._passwords  # a broker with a password file keeps it over a restart
            with_broker = await asyncio.to_thread(again.__enter__)
            side.clinic.broker = with_broker
            await asyncio.to_thread(side.clinic.open, "two")
            await clock.sleep(2 * publish.BACKOFF_MOST_S)
            await side.until(lambda: side.publisher.connected)
            await side.publisher.until_empty()
            assert sorted(side.clinic.seqs) == list(range(481))  # each once
            assert side.clinic.seqs == list(range(481))
            assert len(side.clinic.messages) <= 1 + 480 // 64 + 2
            assert side.publisher.problem is None
        await asyncio.to_thread(again.__exit__)

    run(main, epoch_ms=T0)

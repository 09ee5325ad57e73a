"""The worker: groups of messages in, one commit each, acknowledgements out."""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from gateway.clock import Clock
from gateway.errors import StoreError, StoreRejectedError, StoreUnavailableError
from gateway.service.alerts.engine import AlertEngine
from gateway.service.erasure.times import ErasedTimes
from gateway.service.ingest.bed import BedNights
from gateway.service.ingest.device_states import TELLING, told_by
from gateway.service.ingest.group import Group, authorise, open_group, refuse_erased, reject_infinite
from gateway.service.ingest.nights import Nights
from gateway.service.ingest.presence import Presence
from gateway.service.ingest.waiting import WaitingMessages
from gateway.service.ingest.wear import WearNights
from gateway.service.records import Contact, DeviceState, Records
from gateway.service.records.states import merged
from gateway.service.store.base import SampleStore
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import encode_acks
from gateway.wire.messages import Batch

GROUP: Final = 512
"""At most this many messages share a commit."""

TICK_S: Final = 0.2
RETRY_FIRST_S: Final = 0.2
RETRY_MOST_S: Final = 10.0
"""Between tries at a store that is away."""

CONTACT_EVERY_MS: Final = 30_000
"""A device's last contact is written at most this often."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counters:
    """What ingest has done since it started; for metrics."""

    messages: int = 0
    batches: int = 0
    samples: int = 0
    repeated: int = 0
    set_aside: int = 0
    erased: int = 0
    groups: int = 0
    store_retries: int = 0
    failed_groups: int = 0


class Reply(Protocol):
    """How the worker answers; must not raise, for the connection that a group came by may be gone by then."""

    def answer(self, acks: Mapping[str, bytes], messages: Sequence[Message]) -> None:
        """Publish acknowledgements, by gateway, and let the broker forget the messages."""


class Ingest:
    """Takes messages from a network thread and works them off on a thread of its own.

    Parameters
    ----------
    reply : Reply
        Sends acknowledgements, to the gateways and to the broker.
    auto_enrol : bool
        Whether the first gateway that speaks for an unknown device becomes its owner.
    zone : str
        IANA name of the zone given to a device enrolled so.
    """

    def __init__(
        self,
        records: Records,
        store: SampleStore,
        clock: Clock,
        reply: Reply,
        *,
        auto_enrol: bool,
        zone: str,
    ) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._reply = reply
        self._auto_enrol = auto_enrol
        self._zone = zone
        self._waiting = WaitingMessages()
        self._imported: queue.SimpleQueue[Sequence[tuple[Batch, str]]] = queue.SimpleQueue()
        self._inside: queue.SimpleQueue[tuple[Callable[[], bool], Future[bool]]] = queue.SimpleQueue()
        self._erased = ErasedTimes(records)
        self._alerts = AlertEngine(records, store, clock)
        self._presence = Presence(records, clock, self._alerts)
        self._nights = Nights(records, store, clock, self._alerts)
        self._wear = WearNights(records, store, clock, self._alerts, erased=self._erased.holds)
        self._bed = BedNights(records, store, clock, self._alerts)
        self._contacts: dict[str, int] = {}
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._settle = False
        self._thread = threading.Thread(target=self._work, name="ingest", daemon=True)
        self.counters = Counters()
        self.problem: str | None = None

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return len(self._waiting)

    @property
    def alerts(self) -> AlertEngine:
        """The rules, for metrics."""
        return self._alerts

    @property
    def presence(self) -> Presence:
        """What gateways say of themselves, for metrics."""
        return self._presence

    @property
    def failed_nights(self) -> int:
        """Analyses of nights that failed by a fault of ours."""
        return sum(analysis.faults.count for analysis in (self._nights, self._wear, self._bed))

    @property
    def nights(self) -> Nights:
        """The analytics, for metrics."""
        return self._nights

    def start(self) -> None:
        """Begin to work."""
        self._erased.refresh()
        for analysis in (self._nights, self._wear, self._bed):
            analysis.recover()
        self._alerts.recover()
        self._thread.start()

    def offer(self, message: Message) -> None:
        """Hand a message over; blocks while the queue is full, which slows the broker down."""
        self.offer_all([message])

    def offer_all(self, messages: list[Message]) -> None:
        """Hand messages over as they came; one hand for many costs a fraction."""
        self._waiting.offer(messages, self._stop)

    def analyse(self, stored: Sequence[tuple[Batch, str]]) -> None:
        """Have batches analysed that the store has from a file, each with its device's zone; returns at once.

        That their nights are to be run again is on disk already: what waits here is not lost by a stop.
        """
        self._imported.put(stored)

    def inside(self, call: Callable[[], bool]) -> bool:
        """Call something on the worker's thread, between groups, where no analysis runs; returns what it returned.

        Raises
        ------
        StoreUnavailableError
            The worker has ended, or ends before it comes to this. Whatever `call` raises is raised too.
        """
        done: Future[bool] = Future()
        self._inside.put((call, done))
        while True:
            try:
                return done.result(timeout=TICK_S)
            except TimeoutError:
                if done.done() or not self._thread.is_alive():
                    raise StoreUnavailableError("the intake has ended") from None

    def forget(self, patient: str, devices: set[str]) -> None:
        """Let go of an erased patient, and take the nights of devices up anew, as the records have them now.

        For the worker's thread: call it by `inside`.
        """
        self._erased.refresh()
        self._alerts.forget(patient)
        for device in sorted(devices):
            for analysis in (self._nights, self._wear, self._bed):
                analysis.forget(device)

    def stop(self) -> None:
        """Finish the group in hand and end. What waits unread stays with the broker and the gateways."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def settle(self, timeout_s: float = 60.0) -> None:
        """Return when all that was offered is worked off and every night's result is written and closed."""
        self._settled.clear()
        self._settle = True
        if not self._settled.wait(timeout_s):
            raise StoreUnavailableError(f"results were not settled within {timeout_s:.0f} s: {self.problem or 'busy'}")

    def _work(self) -> None:
        # The next group is not decoded while one is being committed: taking turns with the store's thread for Python's
        # one lock costs more than waiting for the disk.
        next_tick_s = 0.0
        while not self._stop.is_set():
            messages = self._waiting.take(GROUP, TICK_S)
            if messages:
                self._guarded(functools.partial(self._work_off, messages))
            now_s = time.monotonic()
            if now_s >= next_tick_s or self._settle:
                self._tick(idle=not self._waiting)
                next_tick_s = now_s + TICK_S

    def _work_off(self, messages: list[Message]) -> None:
        self._finish(*self._open(messages))

    def _guarded(self, work: Callable[[], T]) -> T | None:
        """Work on a group; one that fails is left unanswered, so that its gateways send it again, and others go on."""
        try:
            return work()
        except StoreUnavailableError as error:
            log.warning("%s; what is not stored yet stays with the gateways", error)  # only once `stop` was called
        except Exception as error:
            self.counters.failed_groups += 1
            self.problem = f"a group of messages could not be worked off: {error}"
            log.exception("a group of messages could not be worked off; it is not acknowledged")
        return None

    def _tick(self, *, idle: bool) -> None:
        self._take_calls()
        self._take_imported()
        settle = self._settle and idle
        try:
            for analysis in (self._nights, self._wear, self._bed):
                analysis.tick(settle=settle)
            self._alerts.tick(settle=settle)
        except StoreError as error:
            self._report(error)
            return
        except Exception as error:  # a fault of ours; the thread must live, for nothing is taken in without it
            log.log(logging.DEBUG if self.problem == str(error) else logging.ERROR, "timed work failed", exc_info=True)
            self.problem = str(error)
            return
        if settle:
            self._settle = False
            self._settled.set()

    def _take_calls(self) -> None:
        while not self._inside.empty():
            call, done = self._inside.get()
            try:
                done.set_result(call())
            except Exception as error:  # it is the caller's
                done.set_exception(error)

    def _take_imported(self) -> None:
        while not self._imported.empty():
            stored = self._imported.get()
            for analysis in (self._nights, self._wear, self._bed):
                self._guarded(functools.partial(self._retrying, functools.partial(analysis.feed, stored)))

    def _open(self, messages: list[Message]) -> tuple[Group, Future[int] | None]:
        """Decode, check and submit a group."""
        batches = []
        for message in messages:
            if message.topic == topics.SERVICE_STATUS:
                continue  # our own word, which the wildcard brings back
            if message.topic.endswith("/status"):
                self._retrying(functools.partial(self._presence.take, message))
            else:
                batches.append(message)
        group = open_group(batches, self._clock.utc_ms())
        group.messages = messages
        pairs = {(arrived.gateway, arrived.batch.device) for arrived in group.good}
        if pairs:
            verdicts = self._retrying(
                lambda: self._records.devices.authorise(
                    pairs, auto_enrol=self._auto_enrol, zone=self._zone, at_ms=group.received_ms
                )
            )
            authorise(group, verdicts)
            self._retrying(self._erased.refresh)
            self.counters.erased += refuse_erased(group, self._erased.rest)
        if not group.good:
            return group, None
        try:
            return group, self._store.submit([arrived.batch for arrived in group.good])
        except StoreError as error:
            failed: Future[int] = Future()
            failed.set_exception(error)
            return group, failed

    def _finish(self, group: Group, commit: Future[int] | None) -> None:
        """See a group onto the disk, run the analytics, answer."""
        if commit is not None:
            self._commit(group, commit)
        if group.rejected:
            self._retrying(lambda: self._records.set_aside.add(group.rejected))
        zones = {device: entry.zone for device, entry in group.devices.items()}
        zoned = [(arrived.batch, zones[arrived.batch.device]) for arrived in group.good]
        for analysis in (self._nights, self._wear, self._bed):
            self._retrying(functools.partial(analysis.feed, zoned))
        self._retrying(lambda: self._alerts.feed((a.batch, group.devices[a.batch.device]) for a in group.good))
        self._retrying(lambda: self._note_contacts(group))
        for arrived in group.good:
            group.answer(arrived.gateway, arrived.batch.name, "stored")
        self._reply.answer({gateway: encode_acks(acks) for gateway, acks in group.acks().items()}, group.messages)
        counters = self.counters
        counters.groups += 1
        counters.messages += len(group.messages)
        counters.batches += len(group.good)
        counters.samples += sum(arrived.batch.size for arrived in group.good)
        counters.set_aside += len(group.rejected)

    def _commit(self, group: Group, commit: Future[int] | None) -> None:
        """Wait for the commit, or ask for it; a store that is away is tried again, a bad batch is set aside."""
        batches = [arrived.batch for arrived in group.good]
        pending = commit

        def attempt() -> int:
            nonlocal pending
            if pending is not None:
                first, pending = pending, None
                return first.result()
            return self._store.append(batches)

        try:
            self.counters.repeated += len(batches) - self._retrying(attempt)
        except StoreRejectedError:
            if not reject_infinite(group):
                self._commit_singly(group)
            elif group.good:
                self._commit(group, None)

    def _commit_singly(self, group: Group) -> None:
        """One batch of the group is not to be stored: find it, set it aside, keep the others."""
        kept = []
        for arrived in group.good:
            try:
                new = self._retrying(functools.partial(self._store.append, [arrived.batch]))
            except StoreRejectedError as error:
                group.reject_batch(arrived, "store_rejected", str(error))
            else:
                self.counters.repeated += 1 - new
                kept.append(arrived)
        group.good = kept

    def _note_contacts(self, group: Group) -> None:
        contacts = []
        states: dict[str, DeviceState] = {}
        for arrived in group.good:
            batch = arrived.batch
            battery = batch.columns.get("battery") if batch.kind == "device" else None
            due = group.received_ms - self._contacts.get(batch.device, 0) >= CONTACT_EVERY_MS
            if battery is not None or due:
                self._contacts[batch.device] = group.received_ms
                level = None if battery is None or battery[-1] != battery[-1] else float(battery[-1])
                contacts.append(Contact(batch.device, group.received_ms, battery_pct=level))
            if due or batch.kind in TELLING:
                told = told_by(batch, group.received_ms)
                states[batch.device] = merged(states[batch.device], told) if batch.device in states else told
        self._records.devices.contact(contacts)
        self._records.states.put_devices(list(states.values()))

    def _retrying(self, call: Callable[[], T]) -> T:
        """Call until the store or the records are there; nothing else is taken in meanwhile."""
        wait_s = RETRY_FIRST_S
        while True:
            try:
                result = call()
            except StoreUnavailableError as error:
                self._report(error)
                self.counters.store_retries += 1
                if self._stop.wait(wait_s):
                    raise
                wait_s = min(RETRY_MOST_S, wait_s * 2)
            else:
                self.problem = None
                return result

    def _report(self, error: StoreError) -> None:
        if self.problem != str(error):
            log.error("%s; the intake waits", error)
        self.problem = str(error)

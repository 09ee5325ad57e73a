"""Visits each known device when it is heard: one task a device, back-off after failures, rest after a pull."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from bleak.backends.device import BLEDevice

from gateway.clock import Clock
from gateway.errors import ConfigurationError, DeviceError, OutboxError, SomnolinkError
from gateway.home.collect.desk import Known, VisitDesk
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.collect.host_clock import StepWatch
from gateway.home.collect.radio import AnyRadio, BleakLink
from gateway.home.collect.recovery import Ladder, Rung
from gateway.home.devices.driver import After, Driver, Mode, Sighting
from gateway.home.devices.registry import match
from gateway.home.outbox import Outbox

BACKOFF_FIRST_S: Final = 2.0
"""After a first failure: long enough for a peripheral to advertise again, short enough to lose little of a stream."""

BACKOFF_MOST_S: Final = 300.0
"""A device that keeps failing is tried every five minutes: it costs its battery little, and mends within one night."""

REST_S: Final = 600.0
"""After a pull with nothing left: a ring that is visited all the time cannot sleep."""

RECORDING_S: Final = 120.0
RECORDING_VISITS: Final = 4
"""Between visits while a device records, and the visits after that in which its recording is looked for: a ring closes
the file two minutes after it came off and sleeps five minutes later, so a rest would miss it."""

SELDOM_S: Final = 3_600.0
"""Between contacts with a device that lives on a small cell: an hour more or less is nothing to a wear report, and 17
contacts a day in its case cost an nRF52-class recorder 0.02 mAh (docs/power.md)."""

STRANGER_S: Final = 60.0
"""How often is looked whether an enrolment secret has been entered for a device that wants one."""

LOOK_S: Final = 30.0
"""How often the scanner and the links are looked after."""

IDLE_LINK_S: Final = 600.0
"""A link on which nothing came or went for so long is given up: the adapter may have lost it without a word."""

PLACES: Final = 256
"""Addresses remembered; a device that changes its address often would fill the memory."""

SCAN_RETRY_S: Final = 10.0
"""Between tries at a scanner that does not start: BlueZ needs a few seconds to come back after a restart."""

ENDING_S: Final = 75.0
"""In which a visit that was told to end does, though the radio hangs: its two last calls have 30 s each."""

TROUBLED: Final = 3
"""Failed visits in a row after which a person is told: one or two happen to every device in every night."""

LIVE_MS: Final = 4_000
"""How often a ring is asked while it streams, unless set otherwise: as often as it stores, which its battery lasts."""

Progress = Callable[[str, str, int, int], None]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    """What is under way at one address."""

    task: asyncio.Task[None] | None = None
    not_before_s: float = 0.0
    failures: int = 0
    expected: int = 0
    heard_s: float = 0.0
    link: BleakLink | None = None


class Collector:
    """Scans for ever and keeps one visit at a time at each device.

    Parameters
    ----------
    progress : callable
        Called with (device, what, bytes done, bytes in all) during long transfers.
    enrolment : EnrolmentSecrets or None
        Of the devices that want one; without, they are left alone.
    """

    def __init__(
        self,
        radio: AnyRadio,
        outbox: Outbox,
        clock: Clock,
        *,
        mode: Mode = "stored",
        live_ms: int = LIVE_MS,
        zone: tzinfo = UTC,
        progress: Progress = lambda *_: None,
        enrolment: EnrolmentSecrets | None = None,
    ) -> None:
        self._radio = radio
        self._enrolment = enrolment
        self._outbox = outbox
        self._clock = clock
        self._mode: Mode = mode
        self._live_ms = live_ms
        self._zone = zone
        self._progress = progress
        self._places: dict[str, _Place] = {}
        self._strangers: set[str] = set()
        self._connecting = asyncio.Lock()
        self._ladder = Ladder(clock.monotonic_s())
        self._steps = StepWatch(clock.utc_ms(), clock.monotonic_s())
        self.known: dict[str, Known] = {}
        self.notices: set[str] = set()
        self.failures = 0
        self.clock_steps = 0
        self.repairs: Counter[Rung] = Counter()

    async def run(self) -> None:
        """Scan and visit until cancelled; the visits under way are ended with it."""
        try:
            while True:
                await self._scan_until_silent()
        finally:
            await self._end_visits()

    async def _end_visits(self) -> None:
        visits = {place.task for place in self._places.values() if place.task is not None}
        while visits:
            for visit in visits:
                visit.cancel()  # again where a library below has swallowed it
            _, visits = await asyncio.wait(visits, timeout=ENDING_S)

    async def _scan_until_silent(self) -> None:
        """One run of the scanner, and the repair that is due when it ends."""
        rung: Rung | None = None
        try:
            async with self._radio.scan(self._heard):
                while rung is None:
                    _heed_cancellation()
                    await self._clock.sleep(LOOK_S)
                    await self._mind_the_clock()
                    rung = self._look()
        except DeviceError as error:
            if "adapter_unavailable" not in self.notices:
                log.warning("%s", error)
            self.notices.add("adapter_unavailable")
            await self._clock.sleep(SCAN_RETRY_S)
            rung = self._look()
        if rung is not None:
            await self._repair(rung)

    async def _mind_the_clock(self) -> None:
        """Where our own clock was set: what it had told since we began was wrong by as much (DESIGN, 3)."""
        before_ms = self._steps.since_utc_ms
        now_ms = self._clock.utc_ms()
        step_ms = self._steps.step_ms(now_ms, self._clock.monotonic_s())
        if step_ms == 0:
            return
        log.warning("this computer's clock was set by %+.1f s", step_ms / 1000)
        self.clock_steps += 1
        try:
            await self._outbox.ledger.shift_anchors(before_ms, now_ms - step_ms, step_ms)
        except OutboxError as error:
            log.warning("%s", error)

    def _look(self) -> Rung | None:
        """Give up links that hang; return the repair that is due."""
        now_s = self._clock.monotonic_s()
        linked = False
        for place in self._places.values():
            if place.link is None:
                continue
            linked = True
            if now_s - place.link.active_s > IDLE_LINK_S:
                log.warning("%s: nothing came over the link for %.0f s", place.link.address, IDLE_LINK_S)
                place.link.give_up()
        return self._ladder.due(now_s, linked=linked)

    async def _repair(self, rung: Rung) -> None:
        self.repairs[rung] += 1
        log.warning("nothing is heard by Bluetooth: %s", rung.value)
        try:
            if rung is Rung.POWER_CYCLE:
                await self._radio.repairs.power_cycle()
            elif rung is Rung.RESTART_SERVICE:
                await self._radio.repairs.restart_service()
        except DeviceError as error:
            log.warning("%s", error)
        if self._ladder.reported:
            self.notices.add("radio_silent")

    def unreachable(self) -> list[str]:
        """Addresses of devices that were heard and could not be talked to, `TROUBLED` times in a row."""
        return [address for address, place in self._places.items() if place.failures >= TROUBLED]

    def _heard(self, sighting: Sighting, device: BLEDevice) -> None:
        now_s = self._clock.monotonic_s()
        self._ladder.heard(now_s)
        self.notices -= {"adapter_unavailable", "radio_silent"}
        driver = match(sighting)
        if driver is None:
            return
        place = self._places.get(sighting.address) or self._new_place(sighting.address)
        place.heard_s = now_s
        if place.task is None and (now_s >= place.not_before_s or self._has_old_bond(driver, sighting.address)):
            if driver.enrolled and not self._is_enrolled(sighting.address):
                # It may be the neighbour's: it is not even connected to.
                place.not_before_s = now_s + STRANGER_S
                return
            place.task = asyncio.create_task(self._visit(place, driver, sighting, device))

    def _has_old_bond(self, driver: type[Driver], address: str) -> bool:
        """Whether somebody has just enrolled it anew, and waits beside it with its pairing window open."""
        return driver.enrolled and self._enrolment is not None and self._enrolment.has_old_bond(address)

    def _is_enrolled(self, address: str) -> bool:
        try:
            known = self._enrolment is not None and self._enrolment.of(address) is not None
        except ConfigurationError as error:
            log.warning("%s", error)
            known = False
        if known:
            self._strangers.discard(address)
        elif address not in self._strangers and len(self._strangers) < PLACES:
            self._strangers.add(address)
            log.info("%s wants an enrolment secret: enter it with `somnolink adopt` if it is yours", address)
        return known

    def _new_place(self, address: str) -> _Place:
        idle = [(place.heard_s, known) for known, place in self._places.items() if place.task is None]
        if len(self._places) >= PLACES and idle:
            del self._places[min(idle)[1]]
        place = self._places[address] = _Place()
        return place

    async def _visit(self, place: _Place, driver: type[Driver], sighting: Sighting, device: BLEDevice) -> None:
        desk = VisitDesk(
            self._outbox,
            self._clock,
            family=driver.family,
            address=sighting.address,
            mode=self._mode,
            live_ms=self._live_ms,
            zone=self._zone,
            known=self.known,
            progress=self._progress,
            enrolment=self._enrolment,
        )
        try:
            after = await self._talk(place, driver, sighting, device, desk)
        except SomnolinkError as error:
            # The outbox refusing is no fault of the device's, but the answer is the same: leave it alone for a while.
            self._back_off(place, sighting.address, error)
        except Exception as error:
            # A fault of ours in one family: the others go on, and this device is not visited in a tight loop.
            log.exception("%s: a visit failed", sighting.address)
            self._back_off(place, sighting.address, error)
        else:
            place.failures = 0
            place.not_before_s = self._clock.monotonic_s() + _pause_s(place, after, delivered=desk.delivered)
        finally:
            place.task = None

    async def _talk(
        self, place: _Place, driver: type[Driver], sighting: Sighting, device: BLEDevice, desk: VisitDesk
    ) -> After:
        await self._mind_the_clock()
        if self._enrolment is not None and self._has_old_bond(driver, sighting.address):
            self._enrolment.forgot_bond(sighting.address)  # first: where it fails it is not tried in a tight loop
            await self._radio.forget_bond(device)
            return After.WATCH
        # One connection attempt at a time: controllers know one pending initiation (Core 5.4, Vol 4, Part E, 7.8.12).
        connection = self._radio.connect(device)
        async with self._connecting:
            place.link = link = await connection.__aenter__()
        failure: BaseException | None = None
        try:
            return await driver().visit(link, desk)
        except BaseException as error:
            failure = error
            raise
        finally:
            place.link = None
            await connection.__aexit__(type(failure) if failure else None, failure, None)
            await desk.report(sighting.rssi_dbm)

    def _back_off(self, place: _Place, address: str, error: Exception) -> None:
        self.failures += 1
        place.failures += 1
        wait_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** (place.failures - 1))
        # Spread: two gateways, or two rings, that failed together shall not try together for ever.
        wait_s *= random.uniform(0.8, 1.2)
        place.not_before_s = self._clock.monotonic_s() + wait_s
        log.warning("%s; next try in %.0f s", error if address in str(error) else f"{address}: {error}", wait_s)


def _heed_cancellation() -> None:
    """End the running task if it was told to: a library in which it waited may have swallowed that.

    `asyncio.wait_for` does before Python 3.12, where what it waits for comes at the same moment.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _pause_s(place: _Place, after: After, *, delivered: bool) -> float:
    """How long to leave a device alone after a visit that went well."""
    if after is After.WATCH:
        return BACKOFF_FIRST_S
    if after is After.SELDOM:
        return SELDOM_S
    if after is After.RECORDING:
        place.expected = RECORDING_VISITS
    elif delivered or place.expected == 0:
        place.expected = 0
        return REST_S
    else:
        place.expected -= 1
    return RECORDING_S

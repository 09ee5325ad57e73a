"""How a running gateway is: facts gathered from its parts, for the status, the page and the watchdog."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutboxError
from gateway.home.collect.collector import Collector
from gateway.home.collect.desk import Known
from gateway.home.collect.host_clock import HostClock, host_clock
from gateway.home.collect.recovery import Rung
from gateway.home.conditions import Condition, DeviceFacts, HomeFacts, conditions_of
from gateway.home.homeassistant import ShownDevice
from gateway.home.outbox import Outbox, OutboxUse
from gateway.home.publish import Publisher
from gateway.wire.codec import GatewayStatus
from gateway.wire.presence import MAX_DEVICES, MAX_WORDS, DeviceStatus, RadioState

MEASURE_S: Final = 30.0
"""How often the outbox and the disk are looked at."""

STUCK_S: Final = 180.0
"""A measurement that is this late means that the disk's thread, or the event loop, hangs."""

RECENT_MS: Final = 24 * 3_600_000
"""For how long a loss is told: until the day's end, so that one who looks in the morning sees it."""

NAMES: Final[Mapping[str, str]] = {
    "o2ring": "ring",
    "oxyii": "ring",
    "plx": "oximeter",
    "nonin": "oximeter",
    "berrymed": "oximeter",
    "jumper": "oximeter",
    "contec": "oximeter",
    "pc60fw": "oximeter",
    "bp": "blood pressure meter",
    "mad": "recorder in the splint",
    "bed": "bed sensor",
}
"""What people call a device of a family; the others are called by the family's name."""

OXIMETERS: Final = frozenset({"ring", "oximeter"})

RADIO: Final[Mapping[str, RadioState]] = {"adapter_unavailable": "unavailable", "radio_silent": "silent"}
"""The collector's notices of its radio, as the presence tells them."""

FRESH_MS: Final = 30_000
"""A live sample older than this is not shown as live."""


class Health:
    """Gathers what a home gateway knows of itself.

    Parameters
    ----------
    data : Path
        Folder whose disk is watched.
    own_clock : callable
        How right this computer's clock is.
    """

    def __init__(
        self,
        outbox: Outbox,
        collector: Collector,
        publisher: Publisher,
        clock: Clock,
        data: Path,
        own_clock: Callable[[], HostClock] = host_clock,
    ) -> None:
        self._outbox = outbox
        self._collector = collector
        self._publisher = publisher
        self._clock = clock
        self._data = data
        self._own_clock = own_clock
        self._since_s = self._connected_s = self._measured_s = clock.monotonic_s()
        self._disk_refuses = False
        self._free_bytes: int | None = None
        self._lost: dict[str, tuple[int, int]] = {}
        self.use: OutboxUse | None = None

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            try:
                self.use = await self._outbox.use()
                self._disk_refuses = False
            except OutboxError:
                self._disk_refuses = True  # the outbox has logged why
            self._free_bytes = shutil.disk_usage(self._data).free
            now_s = self._clock.monotonic_s()
            if self._publisher.connected:
                self._connected_s = now_s
            self._measured_s = now_s
            await self._clock.sleep(MEASURE_S)

    def alive(self) -> bool:
        """Whether the gateway's parts move: its loop, and the thread of its disk."""
        return self._clock.monotonic_s() - self._measured_s < STUCK_S

    def counters(self) -> dict[str, int]:
        """Monotonic counts since the start, those of the outbox since it was made."""
        collector = self._collector
        known = collector.known.values()
        counts = {
            "failures": collector.failures,
            "rescans": collector.repairs[Rung.RESCAN],
            "power_cycles": collector.repairs[Rung.POWER_CYCLE],
            "service_restarts": collector.repairs[Rung.RESTART_SERVICE],
            "resent": self._publisher.resent,
            "live_dropped": sum(one.dropped for one in known),
            "live_gaps": sum(one.gaps for one in known),
            "live_gap_s": round(sum(one.gap_s for one in known)),
            "clock_steps": collector.clock_steps,
            "duplicates": sum(one.duplicates for one in known),
        }
        return counts | (self.use.counters if self.use is not None else {})

    def facts(self) -> HomeFacts:
        """What is so now."""
        now_s = self._clock.monotonic_s()
        counts = self.counters()
        unreachable = set(self._collector.unreachable())
        known = self._collector.known.values()
        use = self.use
        thinned = sum(count for name, count in counts.items() if name.startswith(("thinned_", "refused_live")))
        return HomeFacts(
            now_ms=self._clock.utc_ms(),
            up_s=now_s - self._since_s,
            radio=frozenset(self._collector.notices),
            devices=tuple(
                DeviceFacts(
                    one.device,
                    NAMES.get(one.family, one.family),
                    one.last_contact_ms,
                    one.last_pull_ms,
                    one.values.get("battery"),
                    one.address not in unreachable,
                )
                for one in known
            ),
            strangers_unreachable=len(unreachable - {one.address for one in known}),
            broker_away_s=0.0 if self._publisher.connected else now_s - self._connected_s,
            broker_refuses=self._publisher.refused,
            pending=0 if use is None else use.batches,
            nearly_full=use is not None and not use.accepts_stored,
            thinned=self._recent("thinned", thinned),
            set_aside=self._recent("set_aside", counts.get("set_aside_by_service", 0)),
            live_dropped=self._recent("live_dropped", counts["live_dropped"]),
            disk_refuses=self._disk_refuses,
            disk_free_bytes=self._free_bytes,
            clock_set=self._own_clock().kept,
            clock_stepped=self._recent("clock_steps", counts["clock_steps"]),
        )

    def status(self) -> GatewayStatus:
        """What the gateway says of itself to the service; no patient, no serial number, no address."""
        facts = self.facts()
        own_clock = self._own_clock()
        unreachable = set(self._collector.unreachable())
        return GatewayStatus(
            online=True,
            since_ms=facts.now_ms,
            version=version("somnolink"),
            pending=facts.pending,
            notices=sorted({condition.code for condition in conditions_of(facts)}),
            counters=self.counters(),
            oldest_ms=None if self.use is None else self.use.oldest_ms,
            disk_free_bytes=facts.disk_free_bytes,
            radio=next((state for notice, state in RADIO.items() if notice in facts.radio), "ok"),
            clock_set=own_clock.kept,
            clock_error_ms=own_clock.error_ms,
            devices=[
                _device(one, reachable=one.address not in unreachable)
                for one in list(self._collector.known.values())[:MAX_DEVICES]
            ],
        )

    def shown(self) -> list[ShownDevice]:
        """The devices for Home Assistant."""
        devices = []
        for one in self._collector.known.values():
            newest = one.stream.newest if one.stream is not None else None
            fresh = newest is not None and self._clock.utc_ms() - newest[0] < FRESH_MS
            devices.append(
                ShownDevice(
                    one.device,
                    NAMES.get(one.family, one.family),
                    one.model,
                    one.firmware,
                    one.values.get("battery"),
                    one.last_pull_ms,
                    newest[1] if newest is not None and fresh else {},
                    NAMES.get(one.family, "") in OXIMETERS,
                )
            )
        return devices

    def conditions(self) -> list[Condition]:
        """What a person should know now."""
        return conditions_of(self.facts())

    def line(self) -> str:
        """The state in one line."""
        facts = self.facts()
        wrong = [one.words.title for one in conditions_of(facts) if one.wrong]
        return wrong[0] if wrong else f"collecting from {len(facts.devices)} devices, {facts.pending} batches wait"

    def _recent(self, name: str, count: int) -> bool:
        """Whether a count has grown within `RECENT_MS`; what an earlier run left counts from the start."""
        now_ms = self._clock.utc_ms()
        before, at_ms = self._lost.get(name, (0, 0))
        if count > before:
            self._lost[name] = (count, at_ms := now_ms)
        return count > 0 and abs(now_ms - at_ms) < RECENT_MS


def _device(known: Known, *, reachable: bool) -> DeviceStatus:
    boots = known.values.get("boot")
    return DeviceStatus(
        known.device,
        known.last_contact_ms,
        reachable,
        _words(known.model),
        _words(known.firmware),
        known.values.get("battery"),
        known.values.get("voltage"),
        None if boots is None else int(boots),
        "ok" if known.clock_read else "",
        known.drift_ppm,
    )


def _words(text: str) -> str:
    """What a device calls itself, as the wire takes it."""
    return text.replace("\0", "")[:MAX_WORDS]

"""A virtual home: a sleeper's ring on a virtual radio, and the real gateway beside the bed, in simulated time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from gateway.home.agent import Home, HomeConfig
from gateway.home.collect.radio import Radio
from gateway.home.devices.driver import Mode
from gateway.wire.client import BrokerAddress
from simulators.devices import DeviceClock, Finger, O2Ring, PulseOximeter, RingOptions, Trace
from simulators.physiology import Night, Sleeper
from simulators.radio import Ether
from simulators.timeloop import SimulatedClock

DAY_MS: Final = 86_400_000
EVENING_S: Final = 600
"""From the start of the simulation to the moment at which the ring is put on."""

MORNING_S: Final = 3_600
"""After the night: a ring that has not been pulled by then will not be."""

FIRST_EVENING: Final = datetime(2026, 3, 14, 22, 20)  # noqa: DTZ001 - local time of whatever zone
Oximeter = Literal["o2ring", "plx"]


@dataclass(frozen=True, slots=True)
class HomePlan:
    """What happens in a virtual home.

    Attributes
    ----------
    traces : tuple of Trace
        What the finger shows, one a night.
    nights : tuple of Night
        The sleeper's nights that they are of; empty for a replayed recording.
    epoch_ms : int
        UTC at which the simulation begins.
    drift_ppm : float
        Of the ring's clock.
    """

    traces: tuple[Trace, ...]
    epoch_ms: int
    nights: tuple[Night, ...] = ()
    oximeter: Oximeter = "o2ring"
    options: RingOptions = field(default_factory=RingOptions)
    zone: str = "UTC"
    drift_ppm: float = 0.0
    live_ms: int = 4_000
    serial: str = "2609140042"


def plan_nights(
    seed: int,
    count: int,
    *,
    profile: str = "moderate",
    oximeter: Oximeter = "o2ring",
    zone: str = "UTC",
    first_evening: datetime = FIRST_EVENING,
    duration_s: int | None = None,
) -> HomePlan:
    """Plan `count` nights of the sleeper `seed`, one a day."""
    sleeper = Sleeper(seed, profile)
    epoch_ms = int(first_evening.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    length = {} if duration_s is None else {"duration_s": duration_s}
    nights = tuple(
        sleeper.night(epoch_ms + EVENING_S * 1000 + index * DAY_MS, index=index, **length) for index in range(count)
    )
    return HomePlan(tuple(Trace.of_night(night) for night in nights), epoch_ms, nights, oximeter, zone=zone)


@dataclass(slots=True)
class VirtualHome:
    """A home that is running: the devices, the gateway, and the radio between them."""

    plan: HomePlan
    clock: SimulatedClock
    ether: Ether
    device: O2Ring | PulseOximeter
    home: Home

    async def live_through(self, on_night: Callable[[int], None] = lambda _: None) -> None:
        """Let all planned nights pass, and each morning until its recording has been pulled."""
        for index, trace in enumerate(self.plan.traces):
            on_night(index)
            await self._until(trace.end_utc_ms)
            await self._morning(trace.end_utc_ms)

    async def _morning(self, end_ms: int) -> None:
        if not isinstance(self.device, O2Ring):
            await self._until(end_ms + 120_000)
            return
        while self.clock.utc_ms() < end_ms + MORNING_S * 1000:
            await self.clock.sleep(20)
            pulled = max((known.last_pull_ms for known in self.home.collector.known.values()), default=0)
            if pulled > end_ms:
                return

    async def _until(self, utc_ms: int) -> None:
        await self.clock.sleep(max(0, utc_ms - self.clock.utc_ms()) / 1000)


@asynccontextmanager
async def virtual_home(
    plan: HomePlan,
    clock: SimulatedClock,
    *,
    data: Path,
    broker: BrokerAddress,
    gateway: str,
    mode: Mode = "both",
    progress: Callable[[str, str, int, int], None] = lambda *_: None,
) -> AsyncIterator[VirtualHome]:
    """Build a home and run it for the length of the block."""
    async with Ether(seed=0) as ether:
        adapter = await ether.adapter("hci0")
        device = await _device(plan, clock, ether)
        config = HomeConfig(gateway, data, broker, ZoneInfo(plan.zone), mode, live_ms=plan.live_ms)
        radio = Radio(adapter.client_class, adapter.scanner_class)
        await device.start()
        try:
            async with Home(config, radio, clock, progress) as home:
                yield VirtualHome(plan, clock, ether, device, home)
        finally:
            await device.stop()


async def _device(plan: HomePlan, clock: SimulatedClock, ether: Ether) -> O2Ring | PulseOximeter:
    place = await ether.add_peripheral(rssi_dbm=-58)
    finger = Finger(plan.traces)
    # The device has lived since the plan's beginning, also where this process begins later (a gateway that restarts).
    lived = timedelta(milliseconds=(clock.utc_ms() - plan.epoch_ms) * (1 + plan.drift_ppm * 1e-6))
    local = datetime.fromtimestamp(plan.epoch_ms / 1000, ZoneInfo(plan.zone)).replace(tzinfo=None) + lived
    own_clock = DeviceClock(clock, local, drift_ppm=plan.drift_ppm)
    if plan.oximeter == "plx":
        return PulseOximeter(place, clock, finger, serial=plan.serial, own_clock=own_clock)
    return O2Ring(
        place, clock, finger, serial=plan.serial, own_clock=own_clock, options=plan.options, since_utc_ms=plan.epoch_ms
    )

"""A virtual home: a sleeper's devices on a virtual radio, and the real gateway beside the bed, in simulated time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from bumble.device import AdvertisingType

from gateway.home.agent import Home, HomeConfig
from gateway.home.collect.enrolment import SECRETS, EnrolmentSecrets
from gateway.home.collect.radio import Radio
from gateway.home.devices.driver import Mode
from gateway.wire.client import BrokerAddress
from simulators.devices import DeviceClock, Finger, O2Ring, PulseOximeter, RingOptions, Trace
from simulators.physiology import Night, Sleeper
from simulators.radio import Ether
from simulators.sensors import Sensors
from simulators.timeloop import SimulatedClock

DAY_MS: Final = 86_400_000
EVENING_S: Final = 600
"""From the start of the simulation to the moment at which the ring is put on."""

MORNING_S: Final = 3_600
"""After the night: what has not been pulled by then will not be."""

UP_MS: Final = 120_000
"""After the night, until the bed sensor's socket is switched off."""

BEACON_MS: Final = 10_240.0
"""The longest interval of legacy advertising (Core 5.4, Vol 4, Part E, 7.8.5)."""

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
    sensors : int or None
        Seed of the sleeper's recorder and bed sensor; None: the oximeter is alone.
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
    sensors: int | None = None


def plan_nights(
    seed: int,
    count: int,
    *,
    profile: str = "moderate",
    oximeter: Oximeter = "o2ring",
    zone: str = "UTC",
    first_evening: datetime = FIRST_EVENING,
    duration_s: int | None = None,
    sensors: bool = False,
) -> HomePlan:
    """Plan `count` nights of the sleeper `seed`, one a day; with `sensors` all three devices are theirs."""
    sleeper = Sleeper(seed, profile)
    epoch_ms = int(first_evening.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    length = {} if duration_s is None else {"duration_s": duration_s}
    nights = tuple(
        sleeper.night(epoch_ms + EVENING_S * 1000 + index * DAY_MS, index=index, **length) for index in range(count)
    )
    traces = tuple(Trace.of_night(night) for night in nights)
    return HomePlan(traces, epoch_ms, nights, oximeter, zone=zone, sensors=seed if sensors else None)


@dataclass(slots=True)
class VirtualHome:
    """A home that is running: the devices, the gateway, and the radio between them."""

    plan: HomePlan
    clock: SimulatedClock
    ether: Ether
    device: O2Ring | PulseOximeter
    home: Home
    sensors: Sensors | None = None

    async def live_through(self, on_night: Callable[[int], None] = lambda _: None) -> None:
        """Let all planned nights pass, and each morning until its recording has been pulled."""
        for index, trace in enumerate(self.plan.traces):
            on_night(index)
            if self.sensors is not None and not self.sensors.bed.running:
                await self._until(self.plan.epoch_ms + index * DAY_MS)
                await self.sensors.bed.start()
            await self._until(trace.end_utc_ms)
            await self._morning(trace.end_utc_ms)

    async def _morning(self, end_ms: int) -> None:
        await self._until(end_ms + UP_MS)
        if self.sensors is not None:
            self.sensors.bed.kill()
        while self.clock.utc_ms() < end_ms + MORNING_S * 1000:
            if self._all_pulled(end_ms):
                return
            await self.clock.sleep(20)

    def _all_pulled(self, end_ms: int) -> bool:
        """Whether what was recorded up to the morning has come off the devices that store it."""
        if isinstance(self.device, O2Ring) and self.pulled_ms("o2ring") <= end_ms:
            return False
        if self.sensors is None:
            return True
        worn_until_ms = max((end for start, end in self.sensors.intervals if start < end_ms), default=0)
        return worn_until_ms < self.pulled_ms("mad")

    def pulled_ms(self, family: str) -> int:
        """UTC at which something was last pulled from a device of a family; 0 for never."""
        found = (known.last_pull_ms for known in self.home.collector.known.values() if known.family == family)
        return max(found, default=0)

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
        await _neighbours(ether)
        config = HomeConfig(gateway, data, broker, ZoneInfo(plan.zone), mode, live_ms=plan.live_ms)
        radio = Radio(adapter.client_class, adapter.scanner_class)
        await device.start()
        sensors = None
        if plan.sensors is not None:
            sensors = await Sensors.of_nights(plan.nights, plan.sensors, clock, ether, data / "devices")
            await sensors.adopt(EnrolmentSecrets(data / SECRETS))
        try:
            async with Home(config, radio, clock, progress) as home:
                yield VirtualHome(plan, clock, ether, device, home, sensors)
        finally:
            await device.stop()
            if sensors is not None:
                await sensors.stop()


async def _neighbours(ether: Ether) -> None:
    """Let something of the neighbours' be heard, as in any home: a scanner that hears nothing is taken for broken."""
    beacon = await ether.add_peripheral(rssi_dbm=-88)
    await beacon.start_advertising(
        advertising_type=AdvertisingType.UNDIRECTED,
        advertising_data=bytes.fromhex("1aff4c000215") + bytes(20) + b"\xc5",
        advertising_interval_min=BEACON_MS,
        advertising_interval_max=BEACON_MS,
    )


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

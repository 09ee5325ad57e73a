"""A month in a household: nights with three devices, random faults of all kinds, and the account at the end of each."""

from __future__ import annotations

import random
import tempfile
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil

from simulators.devices import Trace, VirtualDevice
from simulators.radio.quiet import quiet_bumble
from simulators.timeloop import SimulatedClock, run
from tests.integration.faults.families import O2RING, OXYII, PLX, Lost
from tests.integration.faults.faults import (
    FAULTS,
    Fault,
    adapter_wedged,
    battery_empty,
    connections_refused,
    device_reset,
    link_drops,
    out_of_range,
    service_hangs,
)
from tests.integration.faults.household import T0, Household, household, trace
from tests.integration.months.residents import (
    DAY_MS,
    BedResident,
    OximeterResident,
    RecorderResident,
    Resident,
    RingResident,
    Tally,
)

Devices = Literal["sleeper", "oximeters"]
DEVICES: Final[Mapping[Devices, str]] = {
    "sleeper": "an O2Ring, our recorder and our bed sensor, both by their firmware",
    "oximeters": "an O2Ring, an O2Ring-S and a streaming oximeter",
}

OF_ONE_DEVICE: Final = {battery_empty, connections_refused, device_reset, link_drops, out_of_range}
OF_A_LINKED_DEVICE: Final = {adapter_wedged, service_hangs}
"""Without a link nothing tells a wedge from a silent house, so it is the link of one that is followed that goes."""

ROOM_S: Final = 420
"""From one fault to the next: the longest fault, and the back-off behind it."""

GATEWAY: Final = (tracemalloc.Filter(True, "*/gateway/home/*"),)
"""What of memory is the gateway's. `gateway/wire` is not: what it decodes here is held by the store, the
service's part, and that keeps books of sessions up to a bound."""


@dataclass
class MonthReport:
    """What came of it.

    Attributes
    ----------
    gateway_kib : list of float
        Memory that the gateway's own code holds, after each night; empty unless traced, which is slow.
    rss_mib : list of float
        Of the whole process after each night, simulation and store included: what the gateway grows by is in it.
    """

    seed: int
    nights: int
    tally: Tally = field(default_factory=Tally)
    gateway_kib: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)


def growth_pct(memory: list[float]) -> float:
    """From the second night to the last."""
    return 100.0 * (memory[-1] / memory[min(1, len(memory) - 1)] - 1.0)


def live_month(
    seed: int,
    nights: int,
    night_s: int,
    tell: Callable[[str], None] = lambda _: None,
    *,
    devices: Devices = "sleeper",
    traced: bool = False,
) -> MonthReport:
    """Live through it.

    Raises
    ------
    AssertionError
        Something in the store is not true, or something true is not in it that no fault explains.
    """
    quiet_bumble()
    report = MonthReport(seed, nights)
    with tempfile.TemporaryDirectory() as folder:
        if traced:
            tracemalloc.start()
        try:
            run(lambda clock: _month(clock, Path(folder), report, night_s, devices, tell), epoch_ms=T0)
        finally:
            tracemalloc.stop()
    return report


async def _move_in(home: Household, devices: Devices, evening: Trace) -> list[Resident]:
    """Put all devices where they measure, for the first night."""
    ring = await RingResident.put(home, O2RING, evening)
    if devices == "sleeper":
        return [ring, await RecorderResident.put(home, evening), await BedResident.put(home)]
    other = await RingResident.put(home, OXYII, evening)
    return [ring, other, OximeterResident(await PLX.put(home, evening))]


async def _month(
    clock: SimulatedClock,
    folder: Path,
    report: MonthReport,
    night_s: int,
    devices: Devices,
    tell: Callable[[str], None],
) -> None:
    rng = random.Random(report.seed)
    async with household(clock, folder, seed=report.seed) as home:
        evening = trace(night_s, T0 + 5_000)
        residents = await _move_in(home, devices, evening)
        for night in range(report.nights):
            if night:
                start_ms = T0 + night * DAY_MS
                await clock.sleep((start_ms - clock.utc_ms()) / 1000)
                evening = trace(night_s, start_ms + 5_000)
                for resident in residents:
                    await resident.evening(home, evening)
            lost = await _faults_of_a_night(home, residents, rng, evening, report.tally)
            await _morning(home, residents, rng, evening, report.tally)
            for resident in residents:
                resident.account(home, evening, lost.get(resident, []), report.tally)
                await resident.day()
            _note_memory(report)
            tell(f"night {night}: {report.tally.faults.total()} faults, {report.rss_mib[-1]:.1f} MiB")
        for resident in residents:
            await resident.month_ends(home, report.tally)


async def _faults_of_a_night(
    home: Household, residents: list[Resident], rng: random.Random, evening: Trace, tally: Tally
) -> dict[Resident, list[Lost]]:
    """Up to as many faults as a night has room for; returns when each resident could not be heard."""
    lost: dict[Resident, list[Lost]] = {resident: [] for resident in residents}
    await home.clock.sleep(60 + rng.random() * 60)
    while home.clock.utc_ms() + ROOM_S * 1000 < evening.end_utc_ms:
        fault = rng.choice(FAULTS)
        struck = rng.choice([one for one in residents if one.linked or fault not in OF_A_LINKED_DEVICE])
        found = await _strike(home, fault, struck, rng, tally)
        for resident in residents:
            if found is not None and (fault not in OF_ONE_DEVICE or resident is struck):
                lost[resident].append(found)
        await home.clock.sleep(ROOM_S * rng.uniform(0.5, 1.0))
    return lost


async def _strike(home: Household, fault: Fault, struck: Resident, rng: random.Random, tally: Tally) -> Lost | None:
    home.repairs.cure = "power_cycle"
    tally.faults[fault.__name__] += 1
    if fault is device_reset and isinstance(struck.device, VirtualDevice):  # each time by another address
        address = bytes([0xC0 | rng.randrange(0x40), *rng.randbytes(5)]).hex(":").upper()
        start = home.clock.utc_ms()
        await struck.device.reset(address)
        return Lost(start, start, measured=False)
    return await fault(home, struck.device)


async def _morning(
    home: Household, residents: list[Resident], rng: random.Random, evening: Trace, tally: Tally
) -> None:
    """The sleeper gets up; what was stored is pulled, through one more fault."""

    async def all_there() -> bool:
        await home.into_store()
        return all(resident.has_all(home, evening) for resident in residents)

    await home.clock.sleep(max(0.0, (evening.end_utc_ms - home.clock.utc_ms()) / 1000 + 30.0))
    for resident in residents:
        await resident.get_up(home)
    for resident in residents:
        if await resident.strikes(home):
            await home.clock.sleep(rng.uniform(0.05, 1.5))
            fault = rng.choice([one for one in FAULTS if one not in OF_A_LINKED_DEVICE])
            await _strike(home, fault, resident, rng, tally)
    await home.until(all_there, 6 * 3600)


def _note_memory(report: MonthReport) -> None:
    if tracemalloc.is_tracing():
        snapshot = tracemalloc.take_snapshot().filter_traces(GATEWAY)
        report.gateway_kib.append(sum(one.size for one in snapshot.statistics("filename")) / 1024)
    report.rss_mib.append(psutil.Process().memory_info().rss / (1 << 20))

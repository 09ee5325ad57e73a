"""A month in a household: nights with three devices, random faults of all kinds, and the account at the end of each."""

from __future__ import annotations

import random
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from gateway.service.store.base import Selection
from simulators.devices import Finger, O2Ring, OxyiiRing, PulseOximeter, Trace, VirtualDevice
from simulators.timeloop import SimulatedClock, run
from tests.integration.faults.families import O2RING, OXYII, PLX, RECONNECT_MS, Lost, Ring
from tests.integration.faults.faults import (
    FAULTS,
    adapter_wedged,
    battery_empty,
    connections_refused,
    device_reset,
    link_drops,
    out_of_range,
    service_hangs,
)
from tests.integration.faults.household import T0, Household, Row, gaps, household, trace, untrue

DAY_MS: Final = 86_400_000
OF_ONE_DEVICE: Final = {battery_empty, connections_refused, device_reset, link_drops, out_of_range}
OF_A_LINKED_DEVICE: Final = {adapter_wedged, service_hangs}
"""Without a link nothing tells a wedge from a silent house, so it is the streaming oximeter's link that goes."""

ROOM_S: Final = 420
"""From one fault to the next: the longest fault, and the back-off behind it."""

GATEWAY: Final = (tracemalloc.Filter(True, "*/gateway/home/*"), tracemalloc.Filter(True, "*/gateway/wire/*"))


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
    faults: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    lost: int = 0
    doubled: int = 0
    gap_s: int = 0
    gateway_kib: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)

    @property
    def growth_pct(self) -> float:
        """Of memory, from the second night to the last."""
        return growth_pct(self.gateway_kib or self.rss_mib)


def growth_pct(memory: list[float]) -> float:
    """From the second night to the last."""
    return 100.0 * (memory[-1] / memory[min(1, len(memory) - 1)] - 1.0)


def live_month(
    seed: int, nights: int, night_s: int, tell: Callable[[str], None] = lambda _: None, *, traced: bool = False
) -> MonthReport:
    """Live through it.

    Raises
    ------
    AssertionError
        Something in the store is not true, or something true is not in it that no fault explains.
    """
    report = MonthReport(seed, nights)
    with tempfile.TemporaryDirectory() as folder:
        if traced:
            tracemalloc.start()
        try:
            run(lambda clock: _month(clock, Path(folder), report, night_s, tell), epoch_ms=T0)
        finally:
            tracemalloc.stop()
    return report


async def _month(
    clock: SimulatedClock, folder: Path, report: MonthReport, night_s: int, tell: Callable[[str], None]
) -> None:
    rng = random.Random(report.seed)
    async with household(clock, folder, seed=report.seed) as home:
        evening = trace(night_s, T0 + 5_000)
        devices = [await family.put(home, evening) for family in (O2RING, OXYII, PLX)]
        kept: dict[VirtualDevice, set[str]] = {device: set() for device in devices}
        for night in range(report.nights):
            if night:
                start_ms = T0 + night * DAY_MS
                await clock.sleep((start_ms - clock.utc_ms()) / 1000)
                evening = trace(night_s, start_ms + 5_000)
                for device in devices:
                    _finger(device).wear(evening)
                    device.battery.charge()
                    await device.start()
            lost = await _faults_of_a_night(home, devices, rng, evening, report)
            await _morning(home, devices, evening, kept)
            for family, device in ((O2RING, devices[0]), (OXYII, devices[1])):
                _account_ring(home, family, device, evening, kept[device], report)
            _account_oximeter(home, evening, lost, report)
            for device in devices:
                await device.stop()
                kept[device] = _forget(device)
            if tracemalloc.is_tracing():
                report.gateway_kib.append(_gateway_kib())
            report.rss_mib.append(psutil.Process().memory_info().rss / (1 << 20))
            tell(
                f"night {night}: {report.faults.total()} faults, {report.rss_mib[-1]:.1f} MiB {report.gateway_kib[-1:]}"
            )


async def _faults_of_a_night(
    home: Household, devices: list[VirtualDevice], rng: random.Random, evening: Trace, report: MonthReport
) -> list[Lost]:
    """Up to as many faults as a night has room for; returns when the oximeter could not be heard."""
    lost: list[Lost] = []
    await home.clock.sleep(60 + rng.random() * 60)
    while home.clock.utc_ms() + ROOM_S * 1000 < evening.end_utc_ms:
        fault = rng.choice(FAULTS)
        device = devices[2] if fault in OF_A_LINKED_DEVICE else rng.choice(devices)
        home.repairs.cure = "power_cycle"
        if fault is device_reset:
            address = bytes([0xC0 | rng.randrange(0x40), *rng.randbytes(5)]).hex(":").upper()
            start = home.clock.utc_ms()
            await device.reset(address)
            found: Lost | None = Lost(start, start, measured=False)
        else:
            found = await fault(home, device)
        report.faults[fault.__name__] += 1
        if found is not None and (fault not in OF_ONE_DEVICE or device is devices[2]):
            lost.append(found)
        await home.clock.sleep(ROOM_S * rng.uniform(0.5, 1.0))
    return lost


async def _morning(
    home: Household, devices: list[VirtualDevice], evening: Trace, kept: dict[VirtualDevice, set[str]]
) -> None:
    async def all_there() -> bool:
        await home.into_store()
        return all(
            family.has_all(home, device, evening, kept[device])
            for family, device in ((O2RING, devices[0]), (OXYII, devices[1]))
        )

    await home.clock.sleep(max(0.0, (evening.end_utc_ms - home.clock.utc_ms()) / 1000 + 30.0))
    await home.until(all_there, 4 * 3600)


def _account_ring(
    home: Household, family: Ring, device: VirtualDevice, evening: Trace, kept: set[str], report: MonthReport
) -> None:
    found = _of_night(home, family.device, evening, "stored")
    wanted = family.values_of(device, kept)
    report.samples += len(wanted)
    report.lost += max(0, len(wanted) - len(found))
    report.doubled += max(0, len(found) - len(wanted))
    assert [row[1:] for row in found] == wanted, (report.seed, family.name)
    assert untrue([row for row in found if row[1] >= 0], evening, 1_100) == [], (report.seed, family.name)


def _account_oximeter(home: Household, evening: Trace, lost: list[Lost], report: MonthReport) -> None:
    found = [row for row in _of_night(home, PLX.device, evening, "resolved") if row[1] >= 0]
    # A stored spot-check is stamped in whole seconds.
    assert untrue(found, evening, 1_100) == [], report.seed
    report.samples += len(found)
    report.doubled += len(found) - len({row[0] for row in found})
    for start, end in gaps([*found, (evening.end_utc_ms, 0.0, 0.0)], 2_500):
        explained = any(one.start_ms - 3_000 <= start and end <= one.end_ms + 5 * RECONNECT_MS for one in lost)
        report.gap_s += round((end - start) / 1000)
        report.lost += 0 if explained else round((end - start) / 1000)
        assert explained, (report.seed, start, end, lost)
    assert report.doubled == 0


def _of_night(home: Household, device: str, evening: Trace, origin: Selection) -> list[Row]:
    start = evening.start_utc_ms - 60_000
    return home.rows(
        device, origin="stored" if origin == "stored" else "resolved", start_ms=start, end_ms=start + DAY_MS
    )


def _finger(device: VirtualDevice) -> Finger:
    assert isinstance(device, O2Ring | OxyiiRing | PulseOximeter)
    return device.finger


def _forget(device: VirtualDevice) -> set[str]:
    """Drop the truth of a night that is accounted for, so that memory shows the gateway's growth alone.

    Returns
    -------
    set of str
        Names of files that are accounted for and still in the device.
    """
    assert isinstance(device, O2Ring | OxyiiRing | PulseOximeter)
    device.delivered_live.clear()
    if isinstance(device, PulseOximeter):
        device.delivered_spots.clear()
        return set()
    for name in device.recorder.files.keys() - device.recorder.memory.keys():
        del device.recorder.files[name]
    return set(device.recorder.files)


def _gateway_kib() -> float:
    snapshot = tracemalloc.take_snapshot().filter_traces(GATEWAY)
    return sum(one.size for one in snapshot.statistics("filename")) / 1024

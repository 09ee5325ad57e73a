"""The families of the fault matrix, one row each: how its device is made, and what of its night the store must have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import numpy as np

from gateway.wire.files.viatom import parse_vld
from gateway.wire.messages import device_id
from simulators.devices import Finger, O2Ring, PlxOptions, PulseOximeter, RingOptions, Trace, VirtualDevice
from tests.integration.faults.household import Household, gaps, untrue

SERIAL: Final = "2609140042"

RECONNECT_MS: Final = 60_000
"""After a fault has ended: the back-off of some failures, an advertising interval, connecting."""


@dataclass(frozen=True, slots=True)
class Lost:
    """When a device could not be heard, and whether it measured meanwhile."""

    start_ms: int
    end_ms: int
    measured: bool = True


class Family(ABC):
    """A row of the matrix."""

    name: str
    moments: tuple[str, ...] = ("measuring",)
    """When faults strike: while it measures, or while it is pulled."""

    @property
    def device(self) -> str:
        """The id of its device."""
        return device_id(self.name, SERIAL)

    async def put(self, home: Household, trace: Trace, **options: Any) -> VirtualDevice:
        """Put its device on the finger."""
        place = await home.ether.add_peripheral(rssi_dbm=-58)
        device = self.make(home, place, Finger([trace]), **options)
        await device.start()
        return device

    @abstractmethod
    def make(self, home: Household, place: Any, finger: Finger, **options: Any) -> VirtualDevice:
        """Make it."""

    @abstractmethod
    def has_all(self, home: Household, device: VirtualDevice, trace: Trace) -> bool:
        """Whether the store has what there is to get of the night."""

    @abstractmethod
    def check(self, home: Household, device: VirtualDevice, trace: Trace, lost: Lost | None) -> None:
        """Hold the store against the truth."""


class Ring(Family):
    """Viatom Oxy: the night is in its memory, so no fault of the radio or the gateway costs a sample."""

    name = "o2ring"
    moments = ("measuring", "pulled")

    def make(self, home: Household, place: Any, finger: Finger, **options: Any) -> VirtualDevice:
        settings = {"sleep_s": 3600.0, **options}
        clock = home.local_clock()
        return O2Ring(place, home.clock, finger, serial=SERIAL, own_clock=clock, options=RingOptions(**settings))

    def has_all(self, home: Household, device: VirtualDevice, trace: Trace) -> bool:
        assert isinstance(device, O2Ring)
        covers = home.store.sessions(self.device, "oximetry", 0, 1 << 42)
        done = sum(cover.complete for cover in covers if cover.origin == "stored")
        return home.clock.utc_ms() > trace.end_utc_ms and not device.recorder.recording and done >= len(device.files)

    def check(self, home: Household, device: VirtualDevice, trace: Trace, lost: Lost | None) -> None:
        assert isinstance(device, O2Ring)
        found = home.rows(self.device, origin="stored")
        assert found
        assert [row[1:] for row in found] == [row for data in device.files.values() for row in file_values(data)]
        # A ring tells its clock in whole seconds.
        assert untrue(found, trace, 1_100) == []
        holes = gaps(found, 4_100)
        if lost is None or lost.measured:
            assert holes == []
        else:
            # One that is over within two samples leaves no hole.
            assert len(holes) == 1 or (len(holes) == 0 and lost.end_ms - lost.start_ms < 8_000)
            assert all(lost.start_ms - 5_000 <= start and end <= lost.end_ms + 5_000 for start, end in holes)


class SigOximeter(Family):
    """SIG PLX: streamed as it is measured; what it measured alone is in its stored spot-checks, one in 30 s."""

    name = "plx"

    def make(self, home: Household, place: Any, finger: Finger, **options: Any) -> VirtualDevice:
        settings = {"spot_every_s": 30.0, **options}
        clock = home.local_clock()
        return PulseOximeter(place, home.clock, finger, serial=SERIAL, own_clock=clock, options=PlxOptions(**settings))

    def has_all(self, home: Household, device: VirtualDevice, trace: Trace) -> bool:
        return home.clock.utc_ms() > trace.end_utc_ms + 30_000

    def check(self, home: Household, device: VirtualDevice, trace: Trace, lost: Lost | None) -> None:
        assert isinstance(device, PulseOximeter)
        found = [row for row in home.rows(self.device) if row[1] >= 0]
        assert untrue(found, trace, 600) == []
        assert np.all(np.diff([row[0] for row in found]) > 0)
        ends = [(trace.start_utc_ms, 0.0, 0.0), *found, (trace.end_utc_ms, 0.0, 0.0)]
        holes = gaps(ends, 10_000 if lost is None else 2_500)
        if lost is None:
            assert holes == []
            return
        assert all(
            lost.start_ms - 3_000 <= start and end <= lost.end_ms + RECONNECT_MS
            for start, end in holes
            if start > trace.start_utc_ms  # the first connection takes some seconds
        ), (holes, lost)
        if lost.measured:
            assert max(end - start for start, end in holes) <= 31_000
        # marked by its absence, and told
        assert sum(known.gaps for known in home.collector.known.values()) + (home.restarts > 0) >= 1


def file_values(data: bytes) -> list[tuple[float, float]]:
    """SpO2 and pulse of a ring's file; missing as -1."""
    file = parse_vld(data)
    spo2 = np.where((file.spo2 == 0) | (file.spo2 > 100), -1, file.spo2.astype(float))
    pulse = np.where((file.pulse == 0) | (file.pulse >= 0xFF), -1, file.pulse.astype(float))
    return list(zip(spo2.tolist(), pulse.tolist(), strict=True))


def local_stamp(data: bytes) -> int:
    """The start of a ring's file by its own clock, read as UTC milliseconds."""
    start = parse_vld(data).start
    assert start is not None
    return int(start.replace(tzinfo=UTC).timestamp() * 1000)


FAMILIES: Final = (Ring(), SigOximeter())

"""The families of the fault matrix, one row each: how its device is made, and what of its night the store must have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from bumble.device import Device

from gateway.clock import Clock
from gateway.home.devices.driver import Mode
from gateway.wire.files.oxyii import parse_oxyii
from gateway.wire.files.viatom import parse_vld
from gateway.wire.messages import device_id
from simulators.devices import (
    BerryMedOptions,
    BerryMedOximeter,
    ContecOximeter,
    DeviceClock,
    Finger,
    FingertipOximeter,
    JumperOximeter,
    NoninOximeter,
    O2Ring,
    OxyiiRing,
    Pc60fwOximeter,
    PlxOptions,
    PulseOximeter,
    RingOptions,
    Trace,
    VirtualDevice,
)
from simulators.devices.recording_ring import RecordingRing
from simulators.firmware import FirmwareDevice
from tests.integration.faults.household import Household, gaps, untrue

SERIAL: Final = "2609140042"

RECONNECT_MS: Final = 60_000
"""After a fault has ended: the back-off of some failures, an advertising interval, connecting."""


FIRST_MS: Final = 20_000
"""From putting a device on to its first value: advertising, connecting, the interval measured."""

Values = tuple[float, float]
AnyDevice = VirtualDevice | FirmwareDevice

STRIKES_S: Final = {"measuring": 100, "pulled": 587}
"""After the beginning, which is 5 s before the night: in it, and when what a ring has stored is pulled. A ring closes
its file two minutes after it came off, and a night of the matrix has 460 s."""


@dataclass(frozen=True, slots=True)
class Lost:
    """When a device could not be heard, and whether it measured meanwhile."""

    start_ms: int
    end_ms: int
    measured: bool = True


class Family(ABC):
    """A row of the matrix."""

    name: str
    has_serial: bool = True
    mode: Mode = "stored"
    """What the home asks of it."""

    moments: tuple[str, ...] = ("measuring",)
    """When faults strike: while it measures, or while it is pulled."""

    @abstractmethod
    async def put(self, home: Household, trace: Trace) -> AnyDevice:
        """Put its device where it measures, for the length of a night."""

    async def until(self, moment: str, home: Household, device: AnyDevice) -> None:
        """Let time pass until one of its moments."""
        await home.clock.sleep(STRIKES_S[moment])

    @abstractmethod
    def has_all(self, home: Household, device: AnyDevice, trace: Trace) -> bool:
        """Whether the store has what there is to get of the night."""

    @abstractmethod
    def check(self, home: Household, device: AnyDevice, trace: Trace, lost: Lost | None) -> None:
        """Hold the store against the truth."""


class Oximeter(Family):
    """What is worn on a finger and was bought."""

    @property
    def device(self) -> str:
        """The id of its device."""
        return device_id(self.name, SERIAL)

    async def put(self, home: Household, trace: Trace) -> VirtualDevice:
        """Put its device on the finger."""
        place = await home.ether.add_peripheral(rssi_dbm=-58)
        device = self.make(place, home.clock, Finger([trace]), home.local_clock())
        await device.start()
        return device

    @abstractmethod
    def make(self, place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
        """Make it."""

    def check_identity(self, home: Household) -> None:
        """A serial number makes one device, whatever address it comes by; else each address is one."""
        own = [device for device in home.store.devices() if device.startswith(f"{self.name}-")]
        assert own == [self.device] if self.has_serial else 1 <= len(own) <= 2


Build = Callable[[Device, Clock, Finger, DeviceClock], VirtualDevice]


class Ring(Oximeter):
    """Rings that record: the night is in their memory, so no fault of the radio or the gateway costs a sample."""

    moments = ("measuring", "pulled")

    def __init__(self, name: str, build: Build, values: Callable[[bytes], list[Values]]) -> None:
        self.name = name
        self._build = build
        self._values = values

    def make(self, place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
        return self._build(place, clock, finger, own)

    def has_all(self, home: Household, device: AnyDevice, trace: Trace, besides: Collection[str] = frozenset()) -> bool:
        assert isinstance(device, RecordingRing)
        covers = home.store.sessions(self.device, "oximetry", trace.start_utc_ms - 60_000, 1 << 42)
        done = sum(cover.complete for cover in covers if cover.origin == "stored")
        return (
            home.clock.utc_ms() > trace.end_utc_ms
            and not device.recorder.recording
            and done >= len(device.files.keys() - set(besides))
        )

    def values_of(self, device: VirtualDevice, besides: Collection[str] = frozenset()) -> list[Values]:
        """SpO2 and pulse of all that it has recorded, in order, but for files that are named."""
        assert isinstance(device, RecordingRing)
        return [row for name, data in device.files.items() if name not in besides for row in self._values(data)]

    def check(self, home: Household, device: AnyDevice, trace: Trace, lost: Lost | None) -> None:
        assert isinstance(device, RecordingRing)
        self.check_identity(home)
        found = home.rows(self.device, origin="stored")
        assert found
        assert [row[1:] for row in found] == self.values_of(device)
        # A ring tells its clock in whole seconds; off the finger it tells nothing, whenever.
        assert untrue([row for row in found if row[1] >= 0], trace, 1_100) == []
        holes = gaps(found, 4_100)
        if lost is None or lost.measured:
            assert holes == []
        else:
            # One that is over within two samples leaves no hole.
            assert len(holes) == 1 or (len(holes) == 0 and lost.end_ms - lost.start_ms < 8_000)
            assert all(lost.start_ms - 5_000 <= start and end <= lost.end_ms + 5_000 for start, end in holes)


class Streaming(Oximeter):
    """Oximeters that stream as they measure, and may keep something of what nobody heard.

    Parameters
    ----------
    late_ms : int
        By how much a value may be dated off the moment it was measured: a display shows it for its second.
    kept_ms : int or None
        With a memory: the longest that it leaves unmeasured while it is not heard.
    """

    def __init__(
        self,
        name: str,
        build: Build,
        *,
        has_serial: bool = False,
        late_ms: int = 1_600,
        kept_ms: int | None = None,
        mode: Mode = "stored",
    ) -> None:
        self.name = name
        self.has_serial = has_serial
        self._build = build
        self.mode = mode
        self._late_ms = late_ms
        self._kept_ms = kept_ms

    def make(self, place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
        return self._build(place, clock, finger, own)

    def has_all(self, home: Household, device: AnyDevice, trace: Trace) -> bool:
        return home.clock.utc_ms() > trace.end_utc_ms + 30_000

    def check(self, home: Household, device: AnyDevice, trace: Trace, lost: Lost | None) -> None:
        self.check_identity(home)
        found = sorted(row for one in home.store.devices() if one.startswith(f"{self.name}-") for row in home.rows(one))
        found = [row for row in found if row[1] >= 0]
        assert untrue(found, trace, self._late_ms) == []
        assert np.all(np.diff([row[0] for row in found]) > 0)
        assert found
        assert found[0][0] - trace.start_utc_ms < FIRST_MS
        ends = [(trace.start_utc_ms, 0.0, 0.0), *found, (trace.end_utc_ms, 0.0, 0.0)]
        holes = gaps(ends, 15_000 if lost is None else 2_500)
        if lost is None:
            assert holes == []
            return
        assert all(
            lost.start_ms - 3_000 <= start and end <= lost.end_ms + RECONNECT_MS
            for start, end in holes
            if start > trace.start_utc_ms  # the first connection takes some seconds
        ), (holes, lost)
        if lost.measured and self._kept_ms is not None:
            assert max(end - start for start, end in holes) <= self._kept_ms
        # marked by its absence, and told
        assert sum(known.gaps for known in home.collector.known.values()) + (home.restarts > 0) >= 1 or (
            lost.end_ms == lost.start_ms and not self.has_serial
        )


def vld_values(data: bytes) -> list[Values]:
    """SpO2 and pulse of an O2Ring's file; missing as -1."""
    file = parse_vld(data)
    return _values(file.spo2, file.pulse)


def oxyii_values(data: bytes) -> list[Values]:
    """SpO2 and pulse of an O2Ring-S's file; missing as -1."""
    file = parse_oxyii(data)
    return _values(file.spo2, file.pulse)


def _values(spo2: Any, pulse: Any) -> list[Values]:
    spo2 = np.where((spo2 == 0) | (spo2 > 100), -1, spo2.astype(float))
    pulse = np.where((pulse == 0) | (pulse == 0xFF) | (pulse == 0xFFFF), -1, pulse.astype(float))
    return list(zip(spo2.tolist(), pulse.tolist(), strict=True))


def _o2ring(place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
    options = RingOptions(sleep_s=3600.0, keeps=8)
    return O2Ring(place, clock, finger, serial=SERIAL, own_clock=own, options=options)


def _oxyii(place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
    return OxyiiRing(place, clock, finger, serial=SERIAL, own_clock=own)


def _plx(place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
    options = PlxOptions(spot_every_s=30.0)
    return PulseOximeter(place, clock, finger, serial=SERIAL, own_clock=own, options=options)


def _berrymed(place: Device, clock: Clock, finger: Finger, own: DeviceClock) -> VirtualDevice:
    options = BerryMedOptions(notifications_per_s=2)
    return BerryMedOximeter(place, clock, finger, serial=SERIAL, own_clock=own, options=options)


def _fingertip(cls: type[FingertipOximeter]) -> Build:
    return lambda place, clock, finger, own: cls(place, clock, finger, serial=SERIAL, own_clock=own)


O2RING: Final = Ring("o2ring", _o2ring, vld_values)
OXYII: Final = Ring("oxyii", _oxyii, oxyii_values)
PLX: Final = Streaming("plx", _plx, has_serial=True, late_ms=600, kept_ms=31_000)
FAMILIES: Final = (
    O2RING,
    OXYII,
    PLX,
    Streaming("nonin", _fingertip(NoninOximeter), has_serial=True, mode="live"),
    Streaming("berrymed", _berrymed),
    Streaming("contec", _fingertip(ContecOximeter)),
    Streaming("jumper", _fingertip(JumperOximeter)),
    Streaming("pc60fw", _fingertip(Pc60fwOximeter)),
)

"""Our recorder and bed sensor as rows of the fault matrix: their firmware runs, and what it was given is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.wire.messages import Kind
from simulators.devices import Trace
from simulators.firmware import BootTruth, VirtualBed, VirtualRecorder
from simulators.physiology import MouthReading
from tests.integration.faults.families import AnyDevice, Family, Lost
from tests.integration.faults.household import T0, Household

SECRET: Final = bytes(range(16))
RECORDER_ADDRESS: Final = "C4:00:00:00:00:11"
BED_ADDRESS: Final = "C4:00:00:00:00:22"

STAMP_MS: Final = 100
_BASE: Final = 1023
"""A record tells the true time of its reading by its acceleration: three digits, each of what one axis can say."""

DATED_MS: Final = 2_000
"""A boot that was met is dated within this, over hours between two contacts."""

WAVE_DATED_MS: Final = 250
FRAME: Final = 150
"""Samples of a frame: what the bed sensor has not written yet, it loses with its power."""

HELD: Final = 6 * FRAME
"""Samples that may be on their way: frames are put on the gateway's disk together."""

SINCE_CONTACT: Final = 70
"""Records since the last contact, an hour ago at the most."""


@dataclass
class Mouth:
    """Where a recorder is: in the mouth from one moment to another, else in its case."""

    worn: list[tuple[int, int]] = field(default_factory=list)

    def reading(self, utc_ms: int) -> MouthReading:
        """Read the sensors."""
        code = (utc_ms - T0) // STAMP_MS
        x, y, z = (4 * (code // _BASE**axis % _BASE - 511) for axis in range(3))
        return MouthReading(22.0 if self.in_case(utc_ms) else 36.0, (x, y, z), 0)

    def in_case(self, utc_ms: int) -> bool:
        """Whether it lies in its case."""
        return not any(start <= utc_ms < end for start, end in self.worn)


class Ramp:
    """A strip on which neighbouring samples differ, whatever the gain."""

    def counts(self, start_utc_ms: int, n: int, *, gain: float, width: int) -> NDArray[np.int32]:
        """Read `n` samples."""
        number = start_utc_ms // 20 + np.arange(n)
        return ((number % 977) - 488).astype(np.int32)


async def put_recorder(home: Household, worn: Sequence[tuple[int, int]]) -> VirtualRecorder:
    """Enrol a recorder, which is then worn from when to when."""
    place = await home.ether.add_peripheral(RECORDER_ADDRESS, rssi_dbm=-58)
    mouth = Mouth(list(worn))
    device = VirtualRecorder(
        home.ether, place, home.clock, home.folder / "recorder", mouth, secret=SECRET, drift_ppm=40.0
    )
    home.secrets.keep(device.address, SECRET)
    home.own.append(device)
    await device.start()
    device.press()
    return device


async def put_bed(home: Household) -> VirtualBed:
    """Enrol a bed sensor."""
    place = await home.ether.add_peripheral(BED_ADDRESS, rssi_dbm=-60)
    device = VirtualBed(home.ether, place, home.clock, home.folder / "bed", Ramp(), secret=SECRET, drift_ppm=-25.0)
    home.secrets.keep(device.address, SECRET)
    home.own.append(device)
    await device.start()
    device.press()
    return device


def the_device(home: Household, family: str) -> str:
    """The id of the one device of a family, empty before it was met; two ids would be a night in two places."""
    found = [device for device in home.store.devices() if device.startswith(f"{family}-")]
    assert len(found) <= 1, found
    return found[0] if found else ""


def stamps(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """When records were made, UTC ms, as they tell it themselves."""
    digits = [columns[name].astype(np.int64) // 4 + 511 for name in ("accel_x", "accel_y", "accel_z")]
    return T0 + STAMP_MS * (digits[0] + _BASE * digits[1] + _BASE**2 * digits[2])


def records(home: Household, after_ms: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When the store says that records were made, and when they were: UTC ms, in the order of the latter."""
    samples = home.store.read(the_device(home, "mad"), "wear", max(0, after_ms - 86_400_000), 1 << 42)
    true_ms = stamps(samples.columns)
    order = np.argsort(true_ms, kind="stable")
    order = order[true_ms[order] >= after_ms]
    return samples.t_ms[order], true_ms[order]


def kept(device: VirtualRecorder) -> NDArray[np.int64]:
    """When the firmware made its records, as a record tells it."""
    times = np.array([one.utc_ms for one in device.kept], dtype=np.int64)
    return T0 + (times - T0) // STAMP_MS * STAMP_MS


def samples_of(home: Household, boot: BootTruth) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Times and values that the store has of the time from a power on to the next power off."""
    utc = boot.utc
    samples = home.store.read(the_device(home, "bed"), "waveform", int(utc[0]) - 500, int(utc[-1]) + 500)
    return samples.t_ms, samples.columns["pressure"]


def told_boots(home: Household, family: str) -> int:
    """Power ons that the device's reports tell of."""
    samples = home.store.read(the_device(home, family), "device", 0, 1 << 42)
    return int(np.unique(samples.columns["boot"]).size)


class _Own(Family):
    """One of ours. It is known by its bond, whatever happens to it, and gives up nothing that is not on a disk."""

    kind: Kind
    has_serial = False

    def _check_told(self, home: Household, device: VirtualRecorder | VirtualBed, lost: Lost | None) -> None:
        """A power cut is told, by the count of boots in the device's reports."""
        cut = lost is not None and not lost.measured
        assert device.boots == 1 + cut
        assert told_boots(home, self.name) == 1 + cut


class RecorderRow(_Own):
    """Silent in the mouth, met in its case: struck in the mouth, and as soon as it is met in the morning."""

    name = "mad"
    kind = "wear"
    moments = ("measuring", "met")

    async def put(self, home: Household, trace: Trace) -> VirtualRecorder:
        return await put_recorder(home, [(trace.start_utc_ms, trace.end_utc_ms)])

    async def until(self, moment: str, home: Household, device: AnyDevice) -> None:
        if moment != "met":
            await super().until(moment, home, device)
            return
        await home.clock.sleep(60)  # the first contact, of the evening
        met = asyncio.Event()
        device.radio.once("connection", lambda _: met.set())
        async with asyncio.timeout(3 * 3600):
            await met.wait()
        await home.clock.sleep(0.3)

    def has_all(self, home: Household, device: AnyDevice, trace: Trace) -> bool:
        assert isinstance(device, VirtualRecorder)
        wanted = kept(device)
        wanted = wanted[wanted < trace.end_utc_ms]
        return home.clock.utc_ms() > trace.end_utc_ms and bool(np.isin(wanted, records(home)[1]).all())

    def check(self, home: Household, device: AnyDevice, trace: Trace, lost: Lost | None) -> None:
        assert isinstance(device, VirtualRecorder)
        dated, found = records(home)
        wanted = kept(device)
        assert found.tolist() == wanted[: found.size].tolist()
        assert found.size >= 8
        assert wanted.size - found.size <= SINCE_CONTACT
        assert np.abs(dated - found).max() <= DATED_MS
        if lost is not None and not lost.measured:
            assert not ((found > lost.start_ms) & (found < lost.end_ms - STAMP_MS)).any()
        self._check_told(home, device, lost)


class BedRow(_Own):
    """Followed as long as it has power; it keeps hours of what nobody heard."""

    name = "bed"
    kind = "waveform"

    async def put(self, home: Household, trace: Trace) -> VirtualBed:
        return await put_bed(home)

    def has_all(self, home: Household, device: AnyDevice, trace: Trace) -> bool:
        assert isinstance(device, VirtualBed)
        if home.clock.utc_ms() < trace.end_utc_ms + 30_000 or not the_device(home, self.name):
            return False
        samples = home.store.read(the_device(home, self.name), "waveform", 0, 1 << 42)
        wanted = sum(int((boot.utc < trace.end_utc_ms).sum()) for boot in device.given)
        return samples.t_ms.size >= wanted - FRAME * (len(device.given) - 1)

    def check(self, home: Household, device: AnyDevice, trace: Trace, lost: Lost | None) -> None:
        assert isinstance(device, VirtualBed)
        for boot in device.given:
            times, values = samples_of(home, boot)
            unsaid = boot.samples.size - values.size
            assert 0 <= unsaid < (HELD if boot is device.given[-1] else FRAME)
            np.testing.assert_array_equal(values, boot.samples[: values.size])
            assert (np.diff(times) > 0).all()
            assert np.abs(times - boot.utc[: times.size]).max() <= WAVE_DATED_MS
        self._check_told(home, device, lost)


OWN: Final = (RecorderRow(), BedRow())

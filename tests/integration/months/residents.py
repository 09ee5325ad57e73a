"""The devices of a month's household: what each does in the evening and in the morning, and how it is accounted for."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from gateway.service.store.base import Selection
from gateway.wire.messages import Batch
from simulators.devices import Finger, O2Ring, OxyiiRing, PulseOximeter, Trace
from simulators.firmware import BootTruth, VirtualBed, VirtualRecorder
from tests.integration.faults.families import PLX, RECONNECT_MS, AnyDevice, Lost, Ring
from tests.integration.faults.household import Household, Row, gaps, untrue
from tests.integration.faults.own_devices import (
    FRAME,
    HELD,
    SINCE_CONTACT,
    STAMP_MS,
    WAVE_DATED_MS,
    Mouth,
    kept,
    put_bed,
    put_recorder,
    records,
    samples_of,
    stamps,
)

DAY_MS = 86_400_000

MET_MS = 2_000
"""A recording that a contact dates is at most so uncertain, plus its drift: a ring tells whole seconds."""


@dataclass
class Tally:
    """What was counted over a month.

    Attributes
    ----------
    gap_s : int
        That a fault kept an oximeter without a memory from being heard.
    cut_s : float
        That the bed sensor lost with its power: what was not a whole frame yet.
    """

    faults: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    lost: int = 0
    doubled: int = 0
    gap_s: int = 0
    cut_s: float = 0.0

    def compare(self, found: int, wanted: int) -> None:
        """Count samples of which there should be as many as `wanted`."""
        self.samples += found
        self.lost += max(0, wanted - found)
        self.doubled += max(0, found - wanted)


class Resident(ABC):
    """A device and what was kept of it."""

    linked = False
    """Whether it holds a link all night; without one nothing tells a wedged adapter from a silent house."""

    device: AnyDevice

    @abstractmethod
    async def evening(self, home: Household, evening: Trace) -> None:
        """Put it where it measures, for the length of a night."""

    async def get_up(self, home: Household) -> None:  # noqa: B027 - a hook that most need not use
        """The sleeper gets up."""

    async def strikes(self, home: Household) -> bool:
        """Let time pass until a fault of the morning should strike; False where there is no such moment."""
        return False

    @abstractmethod
    def has_all(self, home: Household, evening: Trace) -> bool:
        """Whether the store has what there is to get of the night."""

    @abstractmethod
    def account(self, home: Household, evening: Trace, lost: list[Lost], tally: Tally) -> None:
        """Hold the store against the truth; `lost` is when the radio or the device did not work."""

    @abstractmethod
    async def day(self) -> None:
        """Put it away, and forget the truth that is accounted for: memory then shows the gateway's growth alone."""

    async def month_ends(self, home: Household, tally: Tally) -> None:  # noqa: B027 - a hook that most need not use
        """Account for what the last morning left."""


class RingResident(Resident):
    """A ring that records while it is worn."""

    def __init__(self, family: Ring, device: AnyDevice) -> None:
        assert isinstance(device, O2Ring | OxyiiRing)
        self.family = family
        self.device: O2Ring | OxyiiRing = device
        self._kept: set[str] = set()
        """Files that are accounted for and still in the ring."""
        self._doubtful: list[tuple[int, int, int]] = []
        """Start, end and uncertainty of what no contact dates: its ring was met only after another mishap."""

    @classmethod
    async def put(cls, home: Household, family: Ring, evening: Trace) -> RingResident:
        """Put it on a finger."""
        made = cls(family, await family.put(home, evening))
        home.watch.append(made._mind)
        return made

    def _mind(self, batch: Batch) -> None:
        if batch.device == self.family.device and batch.origin == "stored":
            doubt_ms = batch.clock.uncertainty_ms
            if doubt_ms > MET_MS:
                self._doubtful.append((batch.first_ms, batch.end_ms, doubt_ms))

    async def evening(self, home: Household, evening: Trace) -> None:
        self.device.finger.wear(evening)
        self.device.battery.charge()
        await self.device.start()

    def has_all(self, home: Household, evening: Trace) -> bool:
        return self.family.has_all(home, self.device, evening, self._kept)

    def account(self, home: Household, evening: Trace, lost: list[Lost], tally: Tally) -> None:
        found = _of_night(home, self.family.device, evening, "stored")
        wanted = self.family.values_of(self.device, self._kept)
        tally.compare(len(found), len(wanted))
        assert [row[1:] for row in found] == wanted, self.family.name
        seen = [row for row in found if row[1] >= 0]
        for start_ms, end_ms, doubt_ms in self._doubtful:
            doubtful = [row for row in seen if start_ms <= row[0] < end_ms]
            assert _one_shift_explains(doubtful, evening, doubt_ms + 1_100), self.family.name
            seen = [row for row in seen if not start_ms <= row[0] < end_ms]
        assert untrue(seen, evening, 1_100) == [], self.family.name
        self._doubtful.clear()

    async def day(self) -> None:
        await self.device.stop()
        self.device.delivered_live.clear()
        recorder = self.device.recorder
        for name in recorder.files.keys() - recorder.memory.keys():
            del recorder.files[name]
        self._kept = set(recorder.files)


class OximeterResident(Resident):
    """An oximeter that streams, and stores a spot-check now and then."""

    linked = True

    def __init__(self, device: AnyDevice) -> None:
        assert isinstance(device, PulseOximeter)
        self.device: PulseOximeter = device

    @property
    def finger(self) -> Finger:
        """What it is on."""
        return self.device.finger

    async def evening(self, home: Household, evening: Trace) -> None:
        self.finger.wear(evening)
        self.device.battery.charge()
        await self.device.start()

    def has_all(self, home: Household, evening: Trace) -> bool:
        return home.clock.utc_ms() > evening.end_utc_ms + 30_000

    def account(self, home: Household, evening: Trace, lost: list[Lost], tally: Tally) -> None:
        found = [row for row in _of_night(home, PLX.device, evening, "resolved") if row[1] >= 0]
        # A stored spot-check is stamped in whole seconds.
        assert untrue(found, evening, 1_100) == []
        tally.compare(len(found), len({row[0] for row in found}))
        for start, end in gaps([*found, (evening.end_utc_ms, 0.0, 0.0)], 2_500):
            explained = any(one.start_ms - 3_000 <= start and end <= one.end_ms + 5 * RECONNECT_MS for one in lost)
            tally.gap_s += round((end - start) / 1000)
            tally.lost += 0 if explained else round((end - start) / 1000)
            assert explained, (start, end, lost)
        assert tally.doubled == 0

    async def day(self) -> None:
        await self.device.stop()
        self.device.delivered_live.clear()
        self.device.delivered_spots.clear()


class RecorderResident(Resident):
    """Our recorder: never switched off, in its case by day, met there every hour or so."""

    def __init__(self, device: VirtualRecorder) -> None:
        self.device: VirtualRecorder = device
        self._since_ms = 0

    @classmethod
    async def put(cls, home: Household, evening: Trace) -> RecorderResident:
        """Enrol it, and put it into the mouth."""
        made = cls(await put_recorder(home, [(evening.start_utc_ms, evening.end_utc_ms)]))
        home.watch.append(made._mind)
        return made

    async def evening(self, home: Household, evening: Trace) -> None:
        mouth = self.device.place
        assert isinstance(mouth, Mouth)
        mouth.worn[:] = [(evening.start_utc_ms, evening.end_utc_ms)]

    async def strikes(self, home: Household) -> bool:
        """As soon as it is met, if it is within two hours."""
        met = asyncio.Event()
        self.device.radio.once("connection", lambda _: met.set())
        try:
            async with asyncio.timeout(7_200):
                await met.wait()
        except TimeoutError:
            return False
        return True

    def has_all(self, home: Household, evening: Trace) -> bool:
        wanted = kept(self.device)
        wanted = wanted[wanted < evening.end_utc_ms]
        return bool(np.isin(wanted, records(home, self._since_ms)[1]).all())

    def account(self, home: Household, evening: Trace, lost: list[Lost], tally: Tally) -> None:
        _, found = records(home, self._since_ms)
        wanted = kept(self.device)
        wanted = wanted[: max(found.size, int((wanted < evening.end_utc_ms).sum()))]
        tally.compare(found.size, wanted.size)
        assert found.tolist() == wanted.tolist()
        assert len(self.device.kept) - found.size <= SINCE_CONTACT
        self._since_ms = int(found[-1]) + STAMP_MS
        del self.device.kept[: found.size]

    async def day(self) -> None:
        """It goes on in its case."""

    def _mind(self, batch: Batch) -> None:
        """Hold a batch's times against the truth: whatever happened, they are as near as it says."""
        if batch.kind == "wear":
            off_ms = int(np.abs(batch.times_ms() - stamps(batch.columns) - STAMP_MS // 2).max())
            assert off_ms <= batch.clock.uncertainty_ms + STAMP_MS, (off_ms, batch.clock)


class BedResident(Resident):
    """Our bed sensor, on a socket that is switched on in the evening and off when the sleeper gets up."""

    linked = True

    def __init__(self, device: VirtualBed) -> None:
        self.device: VirtualBed = device
        self._counted = 0
        """Samples of the last boot that are in the tally already."""

    @classmethod
    async def put(cls, home: Household) -> BedResident:
        """Enrol it and switch it on."""
        return cls(await put_bed(home))

    async def evening(self, home: Household, evening: Trace) -> None:
        await self.device.start()

    async def get_up(self, home: Household) -> None:
        async def followed() -> bool:
            await home.into_store()
            return self._unsaid(home, self.device.given[-1]) <= HELD

        await home.until(followed, 4 * 3600)
        self.device.kill()

    def has_all(self, home: Household, evening: Trace) -> bool:
        return True  # what has not come before it was switched off comes in the evening

    def account(self, home: Household, evening: Trace, lost: list[Lost], tally: Tally) -> None:
        given = self.device.given
        for boot in given[:-1]:
            self._check(home, boot, FRAME - 1, tally)
            tally.cut_s += self._unsaid(home, boot) / 50
        self._check(home, given[-1], HELD, tally)
        del given[:-1]

    async def day(self) -> None:
        """It was switched off in the morning."""

    async def month_ends(self, home: Household, tally: Tally) -> None:
        """Switch it on once more: what it had not sent is in its flash."""
        await self.device.start()
        await home.clock.sleep(120)
        await self.get_up(home)
        (last, _) = self.device.given
        self._check(home, last, FRAME - 1, tally)
        tally.cut_s += self._unsaid(home, last) / 50

    def _unsaid(self, home: Household, boot: BootTruth) -> int:
        return boot.samples.size - samples_of(home, boot)[1].size

    def _check(self, home: Household, boot: BootTruth, unsaid: int, tally: Tally) -> None:
        """All of a boot's samples are there, each once and in its place, but so many of the last."""
        times, values = samples_of(home, boot)
        tally.compare(values.size - self._counted, max(values.size, boot.samples.size - unsaid) - self._counted)
        tally.doubled += max(0, values.size - boot.samples.size)
        self._counted = values.size if boot is self.device.given[-1] else 0
        assert 0 <= boot.samples.size - values.size <= unsaid
        np.testing.assert_array_equal(values, boot.samples[: values.size])
        assert (np.diff(times) > 0).all()
        assert np.abs(times - boot.utc[: times.size]).max(initial=0) <= WAVE_DATED_MS


def _one_shift_explains(rows: list[Row], evening: Trace, within_ms: int) -> bool:
    """Whether the finger showed all of the rows' values, each as much earlier or later than it says as the others."""
    return any(
        untrue([(row[0] + late_ms, *row[1:]) for row in rows], evening, 500) == []
        for late_ms in range(-within_ms, within_ms + 1, 500)
    )


def _of_night(home: Household, device: str, evening: Trace, origin: Selection) -> list[Row]:
    start = evening.start_utc_ms - 60_000
    return home.rows(device, origin=origin, start_ms=start, end_ms=start + DAY_MS)

"""Each test has an air, an adapter, and devices that run the real firmware, in simulated time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from gateway.errors import ConfigurationError
from simulators.firmware import VirtualBed, VirtualRecorder
from simulators.firmware.build import build_firmware
from simulators.physiology import MouthReading
from simulators.radio import Adapter, Ether
from simulators.radio.quiet import quiet_bumble
from simulators.timeloop import JumpingLoop, SimulatedClock

EPOCH_MS = 1_790_000_000_000
SECRET = bytes(range(16))
RECORDER_ADDRESS = "C4:00:00:00:00:11"
BED_ADDRESS = "C4:00:00:00:00:22"


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test of this folder runs on a loop whose time jumps."""
    return {"simulated": JumpingLoop}


@pytest.fixture(scope="session", autouse=True)
def firmware() -> None:
    quiet_bumble()
    try:
        build_firmware()
    except ConfigurationError as error:
        pytest.skip(str(error))


@dataclass
class Drawer:
    """A place where nothing happens: the case, unless told otherwise."""

    cased: bool = True
    temperature_c: float = 22.0

    def reading(self, utc_ms: int) -> MouthReading:
        return MouthReading(self.temperature_c, (0, 0, 1000), 4)

    def in_case(self, utc_ms: int) -> bool:
        return self.cased


class Wave:
    """A strip on which every sample tells its place: a slow ramp under a heart's beat."""

    def counts(self, start_utc_ms: int, n: int, *, gain: float, width: int) -> NDArray[np.int32]:
        number = start_utc_ms // 20 + np.arange(n)
        value = 300 * np.sin(2 * math.pi * number / 43) + number % 211
        return np.clip(np.rint(gain * value), -(1 << width - 1), (1 << width - 1) - 1).astype(np.int32)


@pytest_asyncio.fixture
async def clock() -> SimulatedClock:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)
    return SimulatedClock(loop, epoch_ms=EPOCH_MS)


@pytest_asyncio.fixture
async def ether() -> AsyncIterator[Ether]:
    async with Ether(seed=1) as ether:
        yield ether


@pytest_asyncio.fixture
async def adapter(ether: Ether) -> Adapter:
    return await ether.adapter("hci0")


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest_asyncio.fixture
async def recorder(
    ether: Ether, clock: SimulatedClock, drawer: Drawer, tmp_path: Path
) -> AsyncIterator[VirtualRecorder]:
    radio = await ether.add_peripheral(RECORDER_ADDRESS, rssi_dbm=-58)
    device = VirtualRecorder(ether, radio, clock, tmp_path / "recorder", drawer, secret=SECRET)
    await device.start()
    yield device
    await device.stop()


@pytest_asyncio.fixture
async def bed(ether: Ether, clock: SimulatedClock, tmp_path: Path) -> AsyncIterator[VirtualBed]:
    radio = await ether.add_peripheral(BED_ADDRESS, rssi_dbm=-60)
    device = VirtualBed(ether, radio, clock, tmp_path / "bed", Wave(), secret=SECRET)
    await device.start()
    yield device
    await device.stop()

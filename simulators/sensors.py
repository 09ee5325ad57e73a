"""The sleeper's other two devices, beside the oximeter: the recorder in the mouth and the sensor under the mattress."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.home.collect.enrolment import EnrolmentSecrets
from simulators.firmware import VirtualBed, VirtualRecorder
from simulators.physiology import Habits, Mouth, Night
from simulators.physiology.bed import Bed
from simulators.radio import Ether
from simulators.timeloop import SimulatedClock

RECORDER_PPM: Final = 40.0
BED_PPM: Final = -25.0
"""Drift of the two clocks: within what common crystals have."""

SECRET_BYTES: Final = 16
_HABITS: Final = Habits(before_min=(2.0, 8.0))
"""The recorder goes in after the simulation has begun, so that its button can be pressed before."""


class Sensors:
    """The recorder and the bed sensor of one sleeper.

    The bed sensor hangs on a switched socket: it has power from the evening to the morning.
    """

    def __init__(self, recorder: VirtualRecorder, bed: VirtualBed, mouth: Mouth) -> None:
        self.recorder = recorder
        self.bed = bed
        self._mouth = mouth

    @classmethod
    async def of_nights(
        cls, nights: Sequence[Night], seed: int, clock: SimulatedClock, ether: Ether, folder: Path
    ) -> Sensors:
        """Make the devices of the sleeper `seed`, switched off; `folder` holds their flash."""
        mouth = Mouth.of_nights(nights, seed, habits=_HABITS)
        recorder = VirtualRecorder(
            ether,
            await ether.add_peripheral(rssi_dbm=-66),
            clock,
            folder / "recorder",
            mouth,
            secret=_secret(seed, "recorder"),
            drift_ppm=RECORDER_PPM,
        )
        bed = VirtualBed(
            ether,
            await ether.add_peripheral(rssi_dbm=-62),
            clock,
            folder / "bed",
            Bed.of_nights(nights, seed),
            secret=_secret(seed, "bed"),
            drift_ppm=BED_PPM,
        )
        return cls(recorder, bed, mouth)

    @property
    def intervals(self) -> list[tuple[int, int]]:
        """When the recorder was worn, start and end in UTC ms."""
        return [(one.start_utc_ms, one.end_utc_ms) for one in self._mouth.intervals]

    def in_case(self, utc_ms: int) -> bool:
        """Whether the recorder has been put away."""
        return self._mouth.in_case(utc_ms)

    async def adopt(self, secrets: EnrolmentSecrets) -> None:
        """Switch both on, enter what their labels say at the gateway, and press their buttons."""
        for device in (self.recorder, self.bed):
            secrets.keep(device.address, device.secret)
            await device.start()
            device.press()

    async def stop(self) -> None:
        """Switch both off."""
        await self.recorder.stop()
        await self.bed.stop()


def _secret(seed: int, device: str) -> bytes:
    return hashlib.sha256(f"label {seed} {device}".encode()).digest()[:SECRET_BYTES]

"""What every route works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from fastapi import HTTPException, Path

from gateway.clock import Clock
from gateway.service.api.status import ServiceStatus
from gateway.service.records import Device, NightResult, Records
from gateway.service.store.base import SampleStore

DEVICE_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""The same rule as for a device's name in a topic."""

CODE_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,64}$"
"""Names of profiles and reasons; without it, PostgreSQL would refuse a NUL where SQLite finds nothing."""

DeviceId = Annotated[str, Path(pattern=DEVICE_PATTERN, description="Id of the device, such as o2ring-0a1b2c3d4e")]
NightDate = Annotated[
    date,
    Path(
        ge=date(1970, 1, 2),
        le=date(2199, 12, 31),
        description="The local date on which the night's evening began, YYYY-MM-DD",
    ),
]
"""The bounds are those of the wire's times: `t0_ms` starts at 1970."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the service that the API shows."""

    records: Records
    store: SampleStore
    clock: Clock
    status: Callable[[], ServiceStatus]

    def device(self, device: str) -> Device:
        """The device; a 404 problem if it is not enrolled."""
        found = self.records.devices.get(device)
        if found is None:
            raise HTTPException(404, f"no such device: {device}")
        return found

    def night(self, device: str, night: date, profile: str | None) -> NightResult:
        """The night's result, the last made if `profile` is None; a 404 problem if there is none."""
        self.device(device)
        found = self.records.results.night(device, night, profile=profile)
        if found is None:
            raise HTTPException(404, f"no results for {device} in the night of {night.isoformat()}")
        return found

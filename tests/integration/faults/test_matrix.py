"""Each fault that a home can meet, on each family that can meet it: the store ends equal to the truth.

Where the device itself had nothing to say, the gap is where the fault was and nowhere else, and it is told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from simulators.firmware.build import build_firmware
from simulators.timeloop import SimulatedClock
from tests.integration.faults.families import FAMILIES, Family
from tests.integration.faults.faults import FAULTS, Fault
from tests.integration.faults.household import T0, household, live_through, trace
from tests.integration.faults.own_devices import OWN

NIGHT_S = 460

CASES = [
    pytest.param(family, fault, moment, id=f"{family.name}-{fault.__name__}-{moment}")
    for family in (*FAMILIES, *OWN)
    for fault in FAULTS
    for moment in family.moments
    # Nothing of a night that is over can be lost by these: the recording is a file by then.
    if not (moment == "pulled" and fault.__name__ in ("battery_empty", "device_reset"))
]


@pytest.mark.parametrize(("family", "fault", "moment"), CASES)
def test_the_night_is_whole(family: Family, fault: Fault, moment: str, tmp_path: Path) -> None:
    if family in OWN:
        try:
            build_firmware()
        except ConfigurationError as error:
            pytest.skip(str(error))

    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path, mode=family.mode) as home:
            night = trace(NIGHT_S, T0 + 5_000)
            device = await family.put(home, night)
            await family.until(moment, home, device)
            lost = await fault(home, device)

            async def arrived() -> bool:
                await home.into_store()
                return family.has_all(home, device, night)

            await home.until(arrived)
            family.check(home, device, night, lost)

    live_through(main)

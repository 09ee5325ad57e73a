"""A few nights of a simulated month; `python -m tests.integration.months` lives through whole ones."""

from __future__ import annotations

import pytest

from gateway.errors import ConfigurationError
from simulators.firmware.build import build_firmware
from tests.integration.months.month import Devices, live_month


@pytest.mark.parametrize("devices", ["sleeper", "oximeters"])
def test_nights_with_random_faults_lose_nothing_and_double_nothing(devices: Devices) -> None:
    if devices == "sleeper":
        try:
            build_firmware()
        except ConfigurationError as error:
            pytest.skip(str(error))
    report = live_month(seed=1, nights=2, night_s=1_500, devices=devices)
    assert (report.tally.lost, report.tally.doubled) == (0, 0)
    assert report.tally.samples > 2 * 1_500 / 2
    assert report.tally.faults.total() >= 4
    assert len(report.rss_mib) == 2

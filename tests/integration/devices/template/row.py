"""Template of a row of the conformance suite: goes into `tests/integration/devices/conformance/families.py`."""

from __future__ import annotations

from tests.integration.devices.conformance.families import Family, fingertip, sent
from tests.integration.devices.template.driver import ExampleDriver
from tests.integration.devices.template.peripheral import ExampleOximeter
from tests.integration.devices.template.protocol import NOTIFY

EXAMPLE = Family(
    ExampleDriver,
    fingertip(ExampleOximeter),
    notify=NOTIFY,
    garbage=b"\xa0\x61\x40\x0a\x00",
    live=sent,
    has_serial=True,
)

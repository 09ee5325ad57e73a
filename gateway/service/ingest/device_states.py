"""What a batch tells of its device, beside what was measured. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.service.records import DeviceState
from gateway.wire.messages import Batch, WearFlag

TELLING: Final = frozenset({"wear", "device"})
"""Kinds that tell more of their device than how its times were found."""


def told_by(batch: Batch, at_ms: int) -> DeviceState:
    """Battery's voltage, boots, whether the clock was lost, and by how much the times may be off."""
    voltage, boots, clock = None, None, ""
    if batch.kind == "device":
        volts = batch.columns.get("voltage")
        if volts is not None and not np.isnan(volts[-1]):
            voltage = float(volts[-1])
        boot = batch.columns.get("boot")
        if boot is not None and boot[-1]:
            boots = int(boot[-1])
    if batch.kind == "wear" and "flags" in batch.columns:
        clock = "lost" if batch.columns["flags"][-1] & WearFlag.CLOCK_LOST else "ok"
    return DeviceState(
        batch.device,
        at_ms,
        voltage=voltage,
        boots=boots,
        clock=clock,
        clock_ms=batch.end_ms,
        uncertainty_ms=batch.clock.uncertainty_ms,
    )

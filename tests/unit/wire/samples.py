"""Batches for tests of the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gateway.wire.messages import SCHEMA, Batch, ClockInfo

T0 = 1_790_000_000_000
DEVICE = "o2ring-0123456789"


def batch(kind: Any = "oximetry", size: int = 3, columns: Any = None, **fields: Any) -> Batch:
    """A good batch of `kind`, with some columns (by name, or as they are); any field may be given otherwise."""
    if not isinstance(columns, dict):
        names: Iterable[str] = SCHEMA.get(kind, {"x": np.dtype("<f4")}) if columns is None else columns
        columns = {name: np.arange(size).astype(SCHEMA.get(kind, {}).get(name, "<f4")) for name in names}
    values: dict[str, Any] = {
        "device": DEVICE,
        "kind": kind,
        "origin": "live",
        "session": "0011223344556677",
        "seq": 0,
        "t0_ms": T0,
        "columns": columns,
        "clock": ClockInfo("arrival", 50),
        "dt_ms": 1000,
    }
    return Batch(**(values | fields))

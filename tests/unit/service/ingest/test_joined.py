"""Batches that continue each other become one for the analysis; nothing else does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from gateway.service.ingest.cutting import joined
from gateway.wire.messages import MAX_SAMPLES, Batch
from tests.unit.wire.samples import T0, batch


def night(seq: int, **fields: Any) -> Batch:
    """Three samples that continue those of the seq before."""
    columns = {"spo2": np.arange(3 * seq, 3 * seq + 3, dtype="<f4"), "flags": np.full(3, seq, "<u2")}
    return batch(**({"seq": seq, "t0_ms": T0 + 3000 * seq, "columns": columns} | fields))


def test_batches_that_continue_each_other_are_one() -> None:
    [(one, zone)] = joined([(night(seq, last=seq == 3), "UTC") for seq in range(4)])
    assert (one.seq, one.t0_ms, one.end_ms, one.last, zone) == (0, T0, T0 + 12_000, True, "UTC")
    assert one.columns["spo2"].tolist() == list(range(12))
    assert one.columns["flags"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert not one.columns["spo2"].flags.writeable


def test_sessions_that_arrive_between_each_other_are_kept_apart() -> None:
    a, b = [night(seq) for seq in range(2)], [night(seq, device="plx-1", session="b") for seq in range(2)]
    found = joined([(a[0], "UTC"), (b[0], "Europe/Berlin"), (a[1], "UTC"), (b[1], "Europe/Berlin")])
    assert [(one.device, one.size, zone) for one, zone in found] == [
        (a[0].device, 6, "UTC"),
        ("plx-1", 6, "Europe/Berlin"),
    ]


@pytest.mark.parametrize(
    "second",
    [
        {"seq": 2},
        {"seq": 0},
        {"t0_ms": T0 + 3001},
        {"t0_ms": T0 + 2999},
        {"dt_ms": 1001},
        {"revision": 1},
        {"origin": "stored"},
        {"columns": {"spo2": np.zeros(3, "<f4")}},
        {"dt_ms": None, "t_ms": np.array([0, 1000, 2000], "<i4")},
    ],
)
def test_what_does_not_continue_a_batch_stays_by_itself(second: dict[str, Any]) -> None:
    both = [night(0), replace(night(1), **second)]
    assert [one for one, _ in joined([(one, "UTC") for one in both])] == both


def test_what_is_joined_is_no_longer_than_a_batch_may_be() -> None:
    half = MAX_SAMPLES // 2
    columns = {"spo2": np.zeros(half, "<f4")}
    parts = [batch(seq=seq, t0_ms=T0 + seq * half * 1000, columns=columns) for seq in range(3)]
    assert [one.size for one, _ in joined([(part, "UTC") for part in parts])] == [MAX_SAMPLES, half]

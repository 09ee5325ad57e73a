"""A batch holds the wire's contract or it does not exist."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from gateway.errors import WireError
from gateway.wire.columns import columns_of, missing_value
from gateway.wire.messages import KINDS, MAX_COUNT, MAX_SAMPLES, SCHEMA, ClockInfo, device_id
from tests.unit.wire.samples import T0, batch


def spo2(size: int, dtype: str = "<f4") -> dict[str, Any]:
    return {"spo2": np.full(size, 97, dtype)}


def offsets(*values: int) -> dict[str, Any]:
    return {"dt_ms": None, "t_ms": np.array(values, "<i4"), "columns": spo2(len(values))}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_may_hold_every_column_of_its_schema(kind: Any) -> None:
    whole = batch(kind)
    assert (whole.size, set(whole.columns)) == (3, set(SCHEMA[kind]))
    for name in SCHEMA[kind]:
        assert batch(kind, columns=[name]).columns.keys() == {name}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "ecg"}, "unknown kind 'ecg'"),
        ({"origin": "replayed"}, "unknown origin"),
        ({"columns": {}}, "at least one column"),
        ({"columns": {"temperature": np.zeros(3, "<f4")}}, "no column 'temperature'"),
        ({"columns": spo2(3, "<f8")}, "flat array of <f4"),
        ({"columns": spo2(3, ">f4")}, "flat array of <f4"),
        ({"columns": {"spo2": np.zeros((3, 1), "<f4")}}, "flat array"),
        ({"columns": spo2(3) | {"motion": np.zeros(4, "u1")}}, "differ in length: [3, 4]"),
        ({"columns": spo2(0)}, "1 to 16384 samples, not 0"),
        ({"columns": spo2(MAX_SAMPLES + 1)}, "not 16385"),
        ({"dt_ms": None}, "either dt_ms or t_ms"),
        ({"t_ms": np.zeros(3, "<i4")}, "either dt_ms or t_ms"),
        ({"dt_ms": 0}, "dt_ms out of range"),
        ({"dt_ms": 86_400_001}, "dt_ms out of range"),
        ({"dt_ms": None, "t_ms": np.zeros(3, "<i8")}, "t_ms must be int32"),
        ({"dt_ms": None, "t_ms": np.zeros(2, "<i4")}, "one a sample"),
        (offsets(-1, 0), "start at 0 or later"),
        (offsets(0, 5, 4), "never go back"),
        (offsets(2**31 - 1, -(2**31)), "never go back"),
        ({"seq": -1}, "seq and revision"),
        ({"seq": MAX_COUNT}, "seq and revision"),
        ({"revision": -1}, "seq and revision"),
        ({"revision": MAX_COUNT}, "seq and revision"),
        ({"t0_ms": -1}, "t0_ms out of range: -1"),
        ({"t0_ms": 1 << 43}, "t0_ms out of range"),
        ({"t0_ms": 10**5000}, "a number of 16610 bits"),
        ({"dt_ms": 10**5000}, "a number of 16610 bits"),
    ],
)
def test_what_no_batch_may_say(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(WireError) as caught:
        batch(**fields)
    text = str(caught.value)
    assert words in text
    assert "\n" not in text
    assert len(text) < 200


@pytest.mark.parametrize(
    "fields",
    [
        {"columns": spo2(1)},
        {"columns": spo2(MAX_SAMPLES)},
        {"dt_ms": 1},
        {"dt_ms": 86_400_000},
        offsets(0, 0, 2**31 - 1),
        {"seq": MAX_COUNT - 1, "revision": MAX_COUNT - 1},
        {"t0_ms": 0},
        {"t0_ms": (1 << 43) - 1},
    ],
)
def test_the_other_side_of_each_limit(fields: dict[str, Any]) -> None:
    assert batch(**fields).size >= 1


@pytest.mark.parametrize("name", ["uncertainty_ms", "boot", "tick0"])
@pytest.mark.parametrize(("value", "good"), [(-1, False), (0, True), ((1 << 53) - 1, True), (1 << 53, False)])
def test_numbers_of_the_clock_fit_what_every_reader_has(name: str, value: int, good: bool) -> None:
    fields = {"source": "device", "uncertainty_ms": 0} | {name: value}
    if good:
        assert getattr(ClockInfo(**fields), name) == value
    else:
        with pytest.raises(WireError, match=f"clock.{name} out of range"):
            ClockInfo(**fields)


def test_an_even_batch_ends_one_interval_behind_its_last_sample_an_uneven_one_with_it() -> None:
    assert batch(size=3, dt_ms=4000).times_ms().tolist() == [T0, T0 + 4000, T0 + 8000]
    assert batch(size=3, dt_ms=4000).end_ms == T0 + 12_000
    uneven = batch(**offsets(0, 7, 2**31 - 1))
    assert uneven.times_ms().tolist() == [T0, T0 + 7, T0 + 2**31 - 1]
    assert uneven.end_ms == T0 + 2**31 - 1


def test_batches_are_equal_where_every_bit_is() -> None:
    assert batch() == batch()
    assert batch(columns={"spo2": np.array([np.nan], "<f4")}) == batch(columns={"spo2": np.array([np.nan], "<f4")})
    quiet, loud = np.array([0x7FC00000], "<u4").view("<f4"), np.array([0x7FC00001], "<u4").view("<f4")
    assert batch(columns={"spo2": quiet}) != batch(columns={"spo2": loud})
    assert batch(columns={"spo2": np.zeros(1, "<f4")}) != batch(columns={"spo2": -np.zeros(1, "<f4")})
    for other in ({"seq": 1}, {"revision": 1}, {"last": True}, {"dt_ms": 2000}, {"columns": spo2(3)}, offsets(0, 1, 2)):
        assert batch() != batch(**other)
    assert batch() != "a batch"
    with pytest.raises(TypeError):
        hash(batch())


def test_rows_become_columns_and_what_a_row_lacks_is_missing() -> None:
    columns = columns_of("oximetry", [{"spo2": 97.0, "motion": 3.0}, {"flags": 2.0}, {"spo2": 96.0}])
    assert columns.keys() == {"spo2", "motion", "flags"}
    assert {name: column.dtype for name, column in columns.items()} == {n: SCHEMA["oximetry"][n] for n in columns}
    assert np.isnan(columns["spo2"][1])
    assert columns["motion"].tolist() == [3, 255, 255]
    assert columns["flags"].tolist() == [0, 2, 0]
    assert missing_value("wear", "motion") == 0


def test_a_devices_name_tells_its_family_and_hides_its_serial_number() -> None:
    name = device_id("o2ring", "2301A04321")
    assert name == "o2ring-" + hashlib.sha256(b"o2ring|2301A04321").hexdigest()[:10]
    assert "2301" not in name.removeprefix("o2ring-")
    assert device_id("plx", "2301A04321") != name

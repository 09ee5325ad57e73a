"""Chunks: cut at their borders, merged in order of seq, joined in order of time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from msgspec.structs import replace

from gateway.service.store.chunks import (
    CHUNK_BITS,
    CHUNK_MS,
    ROWS,
    Part,
    chunk_key,
    chunks_of,
    cut,
    drop_before,
    join,
    pack,
    runs,
    unpack,
)
from gateway.wire.messages import KINDS, MAX_SAMPLES, SCHEMA, Kind
from tests.properties.store.reference import make_batch

LENGTH = CHUNK_MS["oximetry"]
T = 1_790_000_000_000 // LENGTH * LENGTH


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunk_is_whole_minutes_and_its_offsets_fit(kind: Kind) -> None:
    assert CHUNK_MS[kind] % 60_000 == 0
    assert CHUNK_MS[kind] < 1 << 32
    assert ROWS[kind].itemsize == 4 + sum(dtype.itemsize for dtype in SCHEMA[kind].values()), "no padding"


def test_the_last_time_a_batch_may_have_fits_in_a_key() -> None:
    last_ms = (1 << 43) + MAX_SAMPLES * 86_400_000
    assert last_ms // min(CHUNK_MS.values()) < 1 << CHUNK_BITS
    assert chunk_key((1 << 35) - 1, (1 << CHUNK_BITS) - 1) < 1 << 63


@pytest.mark.parametrize(("first_ms", "chunks"), [(LENGTH - 3000, [0]), (LENGTH - 2000, [0, 1]), (LENGTH, [1])])
def test_a_batch_is_cut_where_a_chunk_begins(first_ms: int, chunks: list[int]) -> None:
    batch = make_batch(7, T + first_ms, 3)
    parts = list(cut([batch]))
    assert [number - T // LENGTH for number, _ in parts] == chunks
    assert sum(part.size for _, part in parts) == 3
    t_ms, columns = join("oximetry", [(number, part.rows) for number, part in parts])
    assert t_ms.tolist() == batch.times_ms().tolist()
    for name, column in batch.columns.items():
        assert columns[name].tobytes() == column.tobytes()


def test_parts_of_one_chunk_end_in_the_same_bytes_in_any_order() -> None:
    batches = [make_batch(seq, T + at, 3) for seq, at in ((0, 9000), (1, 0), (2, 3000), (4, 0))]
    packed = set()
    for order in itertools.permutations(batches):
        directory, data = b"", b""
        for batch in order:
            ((_, part),) = cut([batch])
            directory, data = pack([*unpack(directory, data, "oximetry"), part])
        packed.add((directory, data))
    ((directory, data),) = packed
    assert [part[:3] for part in unpack(directory, data, "oximetry")] == [(0, 2, 9), (4, 4, 3)]


@pytest.mark.parametrize("gap_ms", [0, 7, -4000, LENGTH])
def test_batches_cut_together_end_in_the_same_bytes_as_one_by_one(gap_ms: int) -> None:
    first_ms = T + LENGTH - 7000
    batches = [make_batch(seq, first_ms + seq * (3000 + gap_ms), 3) for seq in range(5)]
    del batches[3]
    batches[2] = make_batch(2, first_ms + 6000, 3, t_ms=[0, 0, 900])
    singly: dict[int, list[Part]] = {}
    for batch in batches:
        for number, part in cut([batch]):
            singly.setdefault(number, []).append(part)
    together = chunks_of(reversed(batches))
    assert {number: pack(parts) for number, parts in together.items()} == {
        number: pack(parts) for number, parts in singly.items()
    }


def test_batches_of_other_columns_or_behind_a_missing_one_are_not_cut_together() -> None:
    batches = [make_batch(seq, T + seq * 3000, 3) for seq in (0, 1, 3, 4)]
    batches[3] = replace(batches[3], columns={"spo2": batches[3].columns["spo2"]})
    assert [[batch.seq for batch in run] for run in runs(batches)] == [[0, 1], [3], [4]]


def test_equal_times_stay_in_order_of_seq_and_place() -> None:
    first, second = make_batch(0, T, 3, t_ms=[0, 0, 1000]), make_batch(1, T, 2)
    parts = [part for batch in (second, first) for _, part in cut([batch])]
    _, data = pack(parts)
    t_ms, columns = join("oximetry", [(T // LENGTH, data)])
    assert (t_ms - T).tolist() == [0, 0, 0, 1000, 1000]
    sent = np.concatenate([first.columns["flags"], second.columns["flags"]])
    assert columns["flags"].tolist() == sent[[0, 1, 3, 2, 4]].tolist()


def test_dropping_is_to_the_millisecond() -> None:
    batch = make_batch(0, T, 4)
    parts = [part for _, part in cut([batch])]
    assert [part.size for part in drop_before(parts, "oximetry", 2000)] == [2]
    assert [part.size for part in drop_before(parts, "oximetry", 2001)] == [1]
    assert drop_before(parts, "oximetry", 3001) == []


def test_nothing_joins_to_nothing() -> None:
    t_ms, columns = join("wear", [])
    assert t_ms.size == 0
    assert {name: column.dtype for name, column in columns.items()} == dict(SCHEMA["wear"])

"""Any interleaving, repeat or re-order of batches gives the same store, and it is the one the contract says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import SCHEMA, Batch, Kind
from tests.properties.store.reference import expected_rows, make_batch, rows_of

START_MS = 1_790_000_000_000
DEVICE = "o2ring-0123456789"
KINDS: tuple[Kind, ...] = ("oximetry", "wear", "bed")


@st.composite
def sessions(draw: st.DrawFn) -> list[Batch]:
    """Batches of a few overlapping sessions on a coarse grid of times, so that equal times are common."""
    batches = []
    for number in range(draw(st.integers(1, 4))):
        origin = draw(st.sampled_from(("live", "stored")))
        kind = draw(st.sampled_from(KINDS[:2]))
        step = draw(st.sampled_from((500, 1000, 4000, 150_000)))
        for revision in range(draw(st.integers(1, 2))):
            at = START_MS + draw(st.integers(0, 20)) * 1000
            count = draw(st.integers(1, 6))
            for seq in range(count):
                size = draw(st.integers(1, 5))
                uneven = draw(st.booleans())
                offsets = [
                    0,
                    *draw(st.lists(st.integers(0, 3).map(lambda n: n * 500), min_size=size - 1, max_size=size - 1)),
                ]
                columns = draw(st.sets(st.sampled_from(sorted(SCHEMA[kind])), min_size=1))
                batch = make_batch(
                    seq,
                    at,
                    size,
                    device=DEVICE,
                    kind=kind,
                    origin=origin,
                    session=f"s{number}",
                    revision=revision,
                    last=origin == "stored" and seq == count - 1,
                    dt_ms=step,
                    t_ms=[sum(offsets[: place + 1]) for place in range(size)] if uneven else None,
                    columns=sorted(columns),
                )
                batches.append(batch)
                # mostly onwards; now and then the clock is set back, or time goes missing
                at = max(START_MS, batch.end_ms + draw(st.sampled_from((0, 0, 0, 1000, -3000, 7000))))
    return batches


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Batch]]:
    """Some of the batches, in any order, some of them twice, cut into calls."""
    batches = draw(sessions())
    arriving = draw(st.lists(st.sampled_from(batches), min_size=1, max_size=len(batches) * 2))
    calls: list[list[Batch]] = [[]]
    for batch in arriving:
        if calls[-1] and draw(st.booleans()):
            calls.append([])
        calls[-1].append(batch)
    return calls


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(arrivals(), st.integers(-5, 30), st.integers(0, 60))
def test_reads_are_those_of_the_plain_reference(calls: list[list[Batch]], start_s: int, length_s: int) -> None:
    appended = [batch for call in calls for batch in call]
    windows = [(0, 1 << 43), (START_MS + start_s * 1000, START_MS + (start_s + length_s) * 1000)]
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder) / "samples.db") as store:
        for call in calls:
            store.append(call)
        for kind in KINDS:
            for start_ms, end_ms in windows:
                for origin in ("resolved", "live", "stored"):
                    read = rows_of(store.read(DEVICE, kind, start_ms, end_ms, origin=origin))
                    assert read == expected_rows(appended, DEVICE, kind, start_ms, end_ms, origin)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sessions(), st.randoms(use_true_random=False))
def test_order_and_repeats_leave_no_trace(batches: list[Batch], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = [*batches, *random.sample(batches, len(batches) // 2)]
    random.shuffle(shuffled)
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        for name, calls in (("one", [batches]), ("many", [[batch] for batch in shuffled])):
            with SqliteStore(Path(folder) / f"{name}.db") as store:
                for call in calls:
                    store.append(call)
                assert all(store.append([batch]) == 0 for batch in batches)
                covers = [store.sessions(DEVICE, kind, 0, 1 << 43) for kind in KINDS]
                rows = [rows_of(store.read(DEVICE, kind, 0, 1 << 43)) for kind in KINDS]
                latest = [rows_of(store.latest(DEVICE, kind)) for kind in KINDS]
                assert latest == [every[-1:] for every in rows]
                seen.append((covers, rows))
    assert seen[0] == seen[1]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sessions(), st.integers(-2, 40))
def test_retention_takes_exactly_what_is_older(batches: list[Batch], cut_s: int) -> None:
    cut_ms = START_MS + cut_s * 1000
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder) / "samples.db") as store:
        store.append(batches)
        for kind in KINDS:
            before = {
                origin: rows_of(store.read(DEVICE, kind, 0, 1 << 43, origin=origin)) for origin in ("live", "stored")
            }
            resolved = rows_of(store.read(DEVICE, kind, cut_ms, 1 << 43))
            held = sum(cover.samples for cover in store.sessions(DEVICE, kind, 0, 1 << 43))
            deleted = store.delete_before(cut_ms, kind=kind)
            assert held - deleted == sum(cover.samples for cover in store.sessions(DEVICE, kind, 0, 1 << 43))
            assert rows_of(store.read(DEVICE, kind, 0, 1 << 43)) == resolved
            for origin, rows in before.items():
                after = rows_of(store.read(DEVICE, kind, 0, 1 << 43, origin=origin))
                assert after == [row for row in rows if row[0] >= cut_ms]

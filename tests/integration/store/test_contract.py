"""What every sample store must do, run on each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from gateway.errors import StoreRejectedError, StoreUnavailableError
from gateway.service.store import SampleStore, open_store
from gateway.wire.messages import KINDS, SCHEMA, Batch, ClockInfo, Kind
from tests.properties.store.reference import expected_rows, make_batch, rows_of
from tests.properties.store.test_any_order import arrivals
from tests.servers.influx_v2_front import TOKEN

T = 1_790_000_000_000
ALL = (0, 1 << 43)
DEVICE = "o2ring-0123456789"
ORIGINS = ("live", "stored", "resolved")


def times(store: SampleStore, kind: Kind = "oximetry", origin: str = "resolved") -> list[int]:
    """Times read, in seconds since T."""
    return [(time - T) // 1000 for time in store.read(DEVICE, kind, *ALL, origin=origin).t_ms.tolist()]


def test_floats_come_back_bit_for_bit(store: SampleStore) -> None:
    info = np.finfo(np.float32)
    values = np.array([97.3, -0.0, 0.0, info.max, info.tiny, info.smallest_subnormal, 1 / 3, np.nan], "<f4")
    columns = {"spo2": values, "pulse": -values}
    store.append([Batch(DEVICE, "oximetry", "live", "s", 0, T, columns, ClockInfo("arrival", 0), dt_ms=1000)])
    read = store.read(DEVICE, "oximetry", *ALL)
    nan = np.isnan(values)
    for name, sent in columns.items():
        assert read.columns[name][~nan].tobytes() == sent[~nan].tobytes()
        assert np.isnan(read.columns[name][nan]).all()


def test_integers_come_back_at_both_ends_of_their_range(store: SampleStore) -> None:
    for kind in KINDS:
        columns = {
            name: np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
            for name, dtype in SCHEMA[kind].items()
            if dtype.kind in "iu"
        }
        if columns:
            store.append([Batch(DEVICE, kind, "live", kind, 0, T, columns, ClockInfo("arrival", 0), dt_ms=1000)])
            read = store.read(DEVICE, kind, *ALL)
            for name, sent in columns.items():
                assert read.columns[name].dtype == sent.dtype
                assert read.columns[name].tolist() == sent.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_left_out_reads_as_missing(store: SampleStore, kind: Kind) -> None:
    for seq, name in enumerate(SCHEMA[kind]):
        store.append([make_batch(seq, T + seq * 10_000, kind=kind, columns=[name])])
    read = store.read(DEVICE, kind, *ALL)
    assert len(read) == 3 * len(SCHEMA[kind])
    for seq, (name, dtype) in enumerate(SCHEMA[kind].items()):
        others = np.delete(read.columns[name], slice(3 * seq, 3 * seq + 3))
        if dtype.kind == "f":
            assert np.isnan(others).all()
        else:
            assert (others == (255 if (kind, name) == ("oximetry", "motion") else 0)).all()


def test_an_interval_is_half_open(store: SampleStore) -> None:
    store.append([make_batch(0, T, 10)])
    read = store.read(DEVICE, "oximetry", T + 2000, T + 5000)
    assert read.t_ms.tolist() == [T + 2000, T + 3000, T + 4000]
    assert len(store.read(DEVICE, "oximetry", T + 5000, T + 5000)) == 0
    assert len(store.read(DEVICE, "wear", *ALL)) == 0
    assert len(store.read("another", "oximetry", *ALL)) == 0
    assert len(store.read("o' OR 1=1 --", "oximetry", *ALL)) == 0


def test_only_new_batches_count(store: SampleStore) -> None:
    first, second = make_batch(0, T), make_batch(1, T + 3000)
    assert store.append([first, first, second]) == 2
    assert store.append([second, make_batch(2, T + 6000), first]) == 1
    assert store.append([]) == 0
    assert times(store) == list(range(9))


def test_repeats_are_known_after_a_restart(url: str) -> None:
    sent = [make_batch(seq, T + seq * 3000, last=seq == 3, origin="stored") for seq in (0, 1, 3)]
    with open_store(url, token=TOKEN) as store:
        store.append(sent)
        covers = store.sessions(DEVICE, "oximetry", *ALL)
    with open_store(url, token=TOKEN) as store:
        assert store.append(sent) == 0
        assert store.sessions(DEVICE, "oximetry", *ALL) == covers
        assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(sent, DEVICE, "oximetry", *ALL)


def test_a_session_dated_anew_is_replaced_as_a_whole(store: SampleStore) -> None:
    store.append([make_batch(seq, T + seq * 3000) for seq in range(4)])
    assert store.append([make_batch(0, T + 60_000, revision=2)]) == 1
    assert times(store) == [60, 61, 62]
    assert store.append([make_batch(4, T + 12_000), make_batch(0, T, revision=1)]) == 0
    assert times(store) == [60, 61, 62]
    assert store.append([make_batch(1, T + 63_000, revision=2)]) == 1
    assert times(store) == list(range(60, 66))
    assert [(cover.revision, cover.samples) for cover in store.sessions(DEVICE, "oximetry", *ALL)] == [(2, 6)]


def test_stored_beats_live_only_where_it_has_arrived(store: SampleStore) -> None:
    store.append([make_batch(0, T + 500, 20)])  # live, at half seconds
    stored = [make_batch(seq, T + seq * 3000, session="file", origin="stored", last=seq == 5) for seq in range(6)]
    store.append([stored[1], stored[4]])
    halves = (store.read(DEVICE, "oximetry", *ALL).t_ms - T) / 1000
    assert [time for time in halves.tolist() if time % 1] == [
        *(n + 0.5 for n in (0, 1, 2)),
        *(n + 0.5 for n in (6, 7, 8, 9, 10, 11)),
        *(n + 0.5 for n in (15, 16, 17, 18, 19)),
    ]
    store.append(stored)
    halves = (store.read(DEVICE, "oximetry", *ALL).t_ms - T) / 1000
    assert [time for time in halves.tolist() if time % 1] == [18.5, 19.5]
    read = store.read(DEVICE, "oximetry", *ALL)
    assert read.origin.tolist() == [1] * 18 + [0] * 2
    assert len(store.read(DEVICE, "oximetry", *ALL, origin="live")) == 20
    assert len(store.read(DEVICE, "oximetry", *ALL, origin="stored")) == 18
    assert [cover.complete for cover in store.sessions(DEVICE, "oximetry", *ALL)] == [True, False]


def test_another_kind_or_device_hides_nothing(store: SampleStore) -> None:
    store.append([make_batch(0, T)])
    store.append([make_batch(0, T, kind="wear", origin="stored", session="w")])
    store.append([make_batch(0, T, device="other", origin="stored", session="w")])
    assert times(store) == [0, 1, 2]
    assert store.devices() == [DEVICE, "other"]


def test_of_sessions_at_one_time_one_is_read(store: SampleStore) -> None:
    sent = [
        make_batch(0, T, 6, session="b"),
        make_batch(0, T, 5, session="a"),
        make_batch(0, T, 4, session="z", revision=1),
        # uneven: its cover ends with its last sample, which still beats the live one at that time
        make_batch(0, T, 3, session="q", origin="stored", t_ms=[0, 1000, 2000]),
    ]
    for upto in range(1, len(sent) + 1):
        store.append([sent[upto - 1]])
        assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(sent[:upto], DEVICE, "oximetry", *ALL)
    assert times(store) == list(range(6))
    assert store.read(DEVICE, "oximetry", *ALL).origin.tolist() == [1, 1, 1, 0, 0, 0]


def test_samples_of_one_session_at_one_time_are_all_kept(store: SampleStore) -> None:
    sent = [
        make_batch(0, T, 4, t_ms=[0, 0, 0, 1000]),
        make_batch(1, T + 1000, 3),
        make_batch(2, T, 5),  # the clock was set back
        make_batch(3, T + 5000, 1),
    ]
    for batch in (sent[2], sent[3], sent[0], sent[1]):
        store.append([batch])
    assert times(store) == [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5]
    assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(sent, DEVICE, "oximetry", *ALL)
    assert store.append(sent) == 0


def test_sessions_span_and_latest(store: SampleStore) -> None:
    assert store.span(DEVICE, "oximetry") is None
    assert len(store.latest(DEVICE, "oximetry")) == 0
    store.append([make_batch(seq, T + seq * 3000, session="file", origin="stored") for seq in (0, 1, 3)])
    store.append([make_batch(0, T + 11_500, 1)])  # inside of what the file covers
    (file, live) = store.sessions(DEVICE, "oximetry", *ALL)
    assert (file.session, file.start_ms, file.end_ms) == ("file", T, T + 12_000)
    assert (file.samples, file.batches, file.complete) == (9, 3, False)
    assert (live.session, live.origin, live.samples) == ("s1", "live", 1)
    assert store.sessions(DEVICE, "oximetry", T + 12_500, T + 99_000) == []
    assert [cover.session for cover in store.sessions(DEVICE, "oximetry", T, T + 1)] == ["file"]
    assert store.span(DEVICE, "oximetry") == (T, T + 11_500)
    assert store.latest(DEVICE, "oximetry").t_ms.tolist() == [T + 11_000]
    store.append([make_batch(1, T + 86_400_000, 2)])
    assert store.latest(DEVICE, "oximetry").t_ms.tolist() == [T + 86_401_000]


def test_retention_cuts_to_the_millisecond(store: SampleStore) -> None:
    store.append([make_batch(seq, T + seq * 3000) for seq in range(4)])
    store.append([make_batch(0, T, kind="wear", session="w"), make_batch(0, T, device="other")])
    assert store.delete_before(T + 4000, kind="oximetry", device=DEVICE) == 4
    assert times(store) == list(range(4, 12))
    assert [cover.samples for cover in store.sessions(DEVICE, "oximetry", *ALL)] == [8]
    assert len(store.read(DEVICE, "wear", *ALL)) == 3
    assert len(store.read("other", "oximetry", *ALL)) == 3
    assert store.append([make_batch(0, T), make_batch(4, T + 12_000)]) == 1
    assert times(store) == list(range(4, 15))
    assert store.delete_before(T + 3600_000) == 11 + 3 + 3
    assert store.devices() == []
    assert store.delete_before(T + 3600_000) == 0


def test_erasure_leaves_nothing_of_a_device(store: SampleStore) -> None:
    store.append([make_batch(0, T), make_batch(0, T, kind="wear", session="w"), make_batch(0, T, device="other")])
    assert store.delete_device(DEVICE) == 6
    assert store.devices() == ["other"]
    assert store.sessions(DEVICE, "oximetry", *ALL) == []
    assert times(store) == times(store, "wear") == []
    assert store.append([make_batch(0, T)]) == 1
    assert times(store) == [0, 1, 2]


def test_a_time_of_a_device_is_erased_and_all_else_stays_bit_for_bit(store: SampleStore) -> None:
    mine = [make_batch(seq, T + 3000 * seq) for seq in range(6)]
    stored = [make_batch(seq, T + 3000 * seq, origin="stored", session="st", last=seq == 3) for seq in (0, 1, 3)]
    wear = make_batch(0, T, 20, kind="wear", session="w")
    other = make_batch(0, T, 20, device="other")
    within = make_batch(0, T + 5000, 2, session="within")
    store.append([*mine, *stored, wear, other, within])
    first_ms, last_ms = T + 4000, T + 10_000

    def outside(device: str, kind: Kind, origin: str) -> list[object]:
        parts = ((0, first_ms), (last_ms, ALL[1]))
        return [row for part in parts for row in rows_of(store.read(device, kind, *part, origin=origin))]  # type: ignore[arg-type]

    keys = [
        (device, kind, origin) for device in (DEVICE, "other") for kind in ("oximetry", "wear") for origin in ORIGINS
    ]
    before = {key: outside(*key) for key in keys}  # type: ignore[arg-type]
    assert store.delete_between(DEVICE, first_ms, last_ms, kind="oximetry") == 6 + 3 + 2
    assert times(store) == [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17]
    assert len(store.read(DEVICE, "wear", first_ms, last_ms)) == 6
    assert len(store.read("other", "oximetry", first_ms, last_ms)) == 6
    assert {key: outside(*key) for key in keys} == before  # type: ignore[arg-type]
    assert {one.session for one in store.sessions(DEVICE, "oximetry", *ALL)} == {"s1", "st"}
    assert store.append([mine[1], mine[2], mine[3]]) == 0, "batches that were cut stay known"
    assert store.append([within]) == 1, "a session that lay within is forgotten"
    assert store.delete_between(DEVICE, *ALL) == 12 + 20 + 2 + 6
    assert store.devices() == ["other"]
    assert store.delete_between(DEVICE, *ALL) == 0


def test_what_can_never_be_stored_is_refused_alone(store: SampleStore) -> None:
    store.append([make_batch(0, T)])
    infinite = Batch(
        DEVICE, "oximetry", "live", "i", 0, T, {"spo2": np.array([np.inf], "<f4")}, ClockInfo("arrival", 0), dt_ms=1
    )
    wrong = [
        [make_batch(1, T, kind="wear")],
        [make_batch(1, T, origin="stored")],
        [make_batch(0, T, session="n1"), make_batch(1, T, session="n1", kind="wear")],
        [make_batch(0, T, session="n2"), infinite],
        [make_batch(0, T, session="with space")],
        [make_batch(0, T, device="")],
    ]
    futures = [store.submit(batches) for batches in wrong]
    good = store.submit([make_batch(1, T + 3000)])
    for future in futures:
        with pytest.raises(StoreRejectedError):
            future.result(60)
    assert good.result(60) == 1
    assert times(store) == list(range(6))
    assert store.health().ok


def test_many_threads_append_at_once(store: SampleStore) -> None:
    counts: list[int] = []

    def work(number: int) -> None:
        counts.extend(store.append([make_batch(seq, T + seq * 3000, device=f"d{number % 3}")]) for seq in range(20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(counts) == 60
    for number in range(3):
        sent = [make_batch(seq, T + seq * 3000, device=f"d{number}") for seq in range(20)]
        assert rows_of(store.read(f"d{number}", "oximetry", *ALL)) == expected_rows(
            sent, f"d{number}", "oximetry", *ALL
        )
    health = store.health()
    assert (health.ok, health.batches, health.pending) == (True, 60, 0)


def test_a_closed_store_says_so(url: str) -> None:
    store = open_store(url, token=TOKEN)
    queued = store.submit([make_batch(0, T)])
    store.close()
    store.close()
    assert queued.result(60) == 1
    for call in (
        lambda: store.append([make_batch(1, T)]),
        lambda: store.read(DEVICE, "oximetry", *ALL),
        lambda: store.sessions(DEVICE, "oximetry", *ALL),
        lambda: store.span(DEVICE, "oximetry"),
        lambda: store.latest(DEVICE, "oximetry"),
        store.devices,
        lambda: store.delete_before(T),
        lambda: store.delete_device(DEVICE),
        lambda: store.delete_between(DEVICE, T, T + 1),
    ):
        with pytest.raises(StoreUnavailableError):
            call()
    assert not store.health().ok


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(calls=arrivals(), start_s=st.integers(-5, 30))
def test_reads_are_those_of_the_plain_reference(
    place: Callable[[], str], calls: list[list[Batch]], start_s: int
) -> None:
    appended = [batch for call in calls for batch in call]
    with open_store(place(), token=TOKEN) as store:
        for call in calls:
            store.append(call)
        assert store.append(appended) == 0
        for kind in ("oximetry", "wear"):
            for window in (ALL, (T + start_s * 1000, T + 30_000)):
                for origin in ("resolved", "live", "stored"):
                    read = rows_of(store.read(DEVICE, kind, *window, origin=origin))
                    assert read == expected_rows(appended, DEVICE, kind, *window, origin)

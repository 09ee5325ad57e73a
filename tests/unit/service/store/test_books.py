"""The books of a session: which batches have arrived, what time they cover."""

from __future__ import annotations

import itertools

import pytest

from gateway.errors import StoreRejectedError
from gateway.service.store.books import (
    Run,
    SessionBook,
    Verdict,
    check_name,
    check_submission,
    decode_runs,
    encode_runs,
    union_of_runs,
)
from gateway.wire.messages import Batch
from tests.properties.store.reference import make_batch

T = 1_790_000_000_000


def filled(*batches: Batch) -> SessionBook:
    book = SessionBook("d", "oximetry", "stored", "s")
    for batch in batches:
        book.add(batch)
    return book


def test_runs_grow_and_join_whatever_the_order() -> None:
    batches = [make_batch(seq, T + seq * 3000, last=seq == 3) for seq in range(4)]
    for order in itertools.permutations(batches):
        book = filled(*order)
        assert book.runs == [Run(0, 3, T, T + 12_000)]
        assert (book.last_seq, book.newest_ms, book.samples) == (3, T + 11_000, 12)
        assert book.cover().complete


def test_a_gap_keeps_two_runs_apart() -> None:
    book = filled(make_batch(0, T), make_batch(2, T + 6000))
    assert book.runs == [Run(0, 0, T, T + 3000), Run(2, 2, T + 6000, T + 9000)]
    assert book.covers() == [(T, T + 3000), (T + 6000, T + 9000)]
    assert book.cover().batches == 2


@pytest.mark.parametrize(
    ("seqs", "last", "complete"), [((0, 1), 1, True), ((1,), 1, False), ((0, 2), 2, False), ((0, 1), None, False)]
)
def test_complete_means_the_last_and_all_before(seqs: tuple[int, ...], last: int | None, complete: bool) -> None:
    assert filled(*(make_batch(seq, T, last=seq == last) for seq in seqs)).cover().complete is complete


def test_verdicts() -> None:
    book = SessionBook("d", "oximetry", "live", "s", revision=1)
    first = make_batch(4, T, revision=1)
    assert book.judge(first) is Verdict.NEW
    book.add(first)
    assert book.judge(first) is Verdict.REPEAT
    assert book.judge(make_batch(3, T, revision=1)) is Verdict.NEW
    assert book.judge(make_batch(5, T, revision=1)) is Verdict.NEW
    assert book.judge(make_batch(4, T, revision=0)) is Verdict.SUPERSEDED
    assert book.judge(make_batch(4, T, revision=2)) is Verdict.ANEW
    book.restart(2)
    assert book.judge(make_batch(4, T, revision=2)) is Verdict.NEW
    assert not book.meets(0, 1 << 43)


def test_a_clock_set_back_covers_all_it_has_seen() -> None:
    book = filled(make_batch(0, T), make_batch(1, T - 5000))
    assert book.runs == [Run(0, 1, T - 5000, T + 3000)]


def test_an_interval_is_met_to_its_last_millisecond() -> None:
    even, uneven = filled(make_batch(0, T)), filled(make_batch(0, T, t_ms=[0, 0, 500]))
    assert even.meets(T + 2999, T + 3000)
    assert not even.meets(T + 3000, T + 4000)
    assert even.meets(T - 10, T + 1)
    assert not even.meets(T - 10, T)
    assert uneven.meets(T + 500, T + 501)
    assert not uneven.meets(T + 501, T + 600)


def test_runs_as_text() -> None:
    runs = [Run(0, 5, T, T + 9), Run(7, 7, T + 50, T + 50), Run(9, (1 << 31) - 1, 0, 1 << 43)]
    assert decode_runs(encode_runs(runs)) == runs
    assert decode_runs(encode_runs([])) == []


def test_the_union_of_runs_names_each_batch_once() -> None:
    runs = [Run(4, 6, 40, 70), Run(0, 2, 0, 30), Run(1, 4, 10, 50), Run(9, 9, 90, 95), Run(9, 9, 90, 95)]
    assert union_of_runs(runs) == [Run(0, 6, 0, 70), Run(9, 9, 90, 95)]


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a=b", "a'b", 'a"b', "a\\", "a\n", "-a", "ä", "x" * 129])
def test_a_name_that_would_need_escaping_is_refused(name: str) -> None:
    for batch in (make_batch(0, T, session=name), make_batch(0, T, device=name)):
        with pytest.raises(StoreRejectedError, match="must match"):
            check_submission([make_batch(0, T), batch], lambda *_: None)


def test_names_of_the_system_are_taken() -> None:
    for name in ("o2ring-0123456789", "9f" * 8, "x" * 128, "20260310T221500Z+1.a_b:c@d"):
        check_name(name)


def test_a_session_keeps_its_kind_and_origin() -> None:
    book = SessionBook("d", "oximetry", "live", "s1")
    check_submission([make_batch(0, T)], lambda *_: book)
    for other in (make_batch(0, T, kind="wear"), make_batch(0, T, origin="stored")):
        with pytest.raises(StoreRejectedError, match="is live oximetry, not"):
            check_submission([other], lambda *_: book)
        with pytest.raises(StoreRejectedError, match="is live oximetry, not"):
            check_submission([make_batch(0, T), other], lambda *_: None)

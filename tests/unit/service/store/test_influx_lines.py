"""Batches and books as InfluxDB points, and back."""

from __future__ import annotations

import numpy as np

from gateway.service.store.books import Run
from gateway.service.store.influx_http import SampleSeries, Series
from gateway.service.store.influx_lines import InfluxBook, book_line, books_of, columns_of, repeats, sample_lines
from gateway.wire.messages import Batch, ClockInfo

T = 1_790_000_000_000


def test_a_sample_is_a_point_of_its_kind() -> None:
    columns = {
        "spo2": np.array([97.3, np.nan], "<f4"),
        "pulse": np.array([60, -0.0], "<f4"),
        "flags": np.array([0, 65535], "<u2"),
    }
    batch = Batch("d1", "oximetry", "stored", "s1", 5, T, columns, ClockInfo("device", 10), dt_ms=500, revision=2)
    head = "oximetry,device=d1,lap=0,origin=stored,revision=2,session=s1"
    assert sample_lines(batch, batch.times_ms(), 0) == [
        f"{head} spo2=97.30000305175781,pulse=60.0,motion=255i,flags=0i,absent=4i,seq=5i {T}",
        f"{head} pulse=-0.0,motion=255i,flags=65535i,absent=5i,seq=5i {T + 500}",
    ]


def test_samples_at_one_time_go_to_further_laps() -> None:
    assert repeats(np.array([5, 6, 9])) is None
    times = np.array([5, 5, 6, 6, 6, 9])
    found = repeats(times)
    assert found is not None
    assert found.tolist() == [0, 1, 0, 1, 2, 0]


def test_a_value_that_an_earlier_point_left_does_not_show_through() -> None:
    series = SampleSeries(["time"], [[T, 3, 0b001, 88.5, 61.0, None, 255, 0]])
    t_ms, seq, columns = columns_of(series, "oximetry")
    assert (t_ms.tolist(), seq.tolist()) == ([T], [3])
    assert np.isnan(columns["spo2"][0])
    assert columns["pulse"].tolist() == [61.0]
    assert columns["motion"].dtype == np.uint8


def test_a_book_comes_back_from_its_point() -> None:
    book = InfluxBook("d1", "wear", "stored", "s1", 0, 3, [Run(0, 4, T, T + 9), Run(6, 6, T, T)], 6, T + 8, 50, T)
    book.laps = {2: (1, 1), 4: (0, 3)}
    fields = 'revision=3i,runs="0-4@1790000000000+9,6-6@1790000000000+0",laps="2:1:1,4:0:3",last_seq=6i,'
    assert book_line(book) == (
        f"somnolink_session,device=d1,kind=wear,origin=stored,session=s1 {fields}newest_ms={T + 8}i,samples=50i {T}"
    )
    tags = {"device": "d1", "kind": "wear", "origin": "stored", "session": "s1"}
    runs, laps = "0-4@1790000000000+9,6-6@1790000000000+0", "2:1:1,4:0:3"
    assert books_of([Series([], [[T, 3, runs, laps, 6, T + 8, 50]], tags)]) == [book]


def test_points_of_one_session_are_read_as_one() -> None:
    tags = {"device": "d1", "kind": "wear", "origin": "live", "session": "s1"}
    points: list[list[float | str | None]] = [
        [T + 5, 1, "0-3@0+40", "", -1, 39, 8],
        [T + 1, 1, "2-6@20+50", "6:1:1", 6, 69, 14],
        [T + 9, 0, "0-99@0+1000", "", 99, 999, 200],
    ]
    (book,) = books_of([Series([], points, tags)])
    assert (book.revision, book.runs) == (1, [Run(0, 6, 0, 70)])
    assert (book.last_seq, book.newest_ms, book.samples, book.laps) == (6, 69, 14, {6: (1, 1)})


def test_a_point_counts_where_the_book_has_its_batch() -> None:
    book = InfluxBook("d1", "wear", "live", "s1", runs=[Run(0, 2, 0, 1), Run(5, 5, 0, 1)], laps={1: (2, 1), 2: (0, 2)})
    seqs = np.array([0, 1, 2, 3, 5])
    assert book.holds(seqs, 0).tolist() == [True, False, True, False, True]
    assert book.holds(seqs, 1).tolist() == [False, False, True, False, False]
    assert book.holds(seqs, 2).tolist() == [False, True, False, False, False]

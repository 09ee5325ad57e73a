"""Dated readings are cut into batches where a batch cannot go on, and nowhere else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.home.collect.boots import Dates
from gateway.home.collect.records import (
    EVEN_MS,
    UNEVEN_SAMPLES,
    batches_of,
    dated_up_to,
    first_of,
    joined,
    settle,
)
from gateway.home.devices.driver import Readings
from gateway.home.outbox.records import DatedUpTo
from gateway.wire.messages import Batch

UTC0 = 1_790_000_000_000


def uneven(count: int, boot: int = 1) -> Readings:
    ticks = np.arange(count, dtype=np.int64) * 60_000
    return Readings(np.full(count, boot), ticks, {"motion": np.arange(count).astype("<u2")}, tick_doubt_ms=63)


def even(*sizes: int, boot: int = 1) -> Readings:
    total = sum(sizes)
    ticks = np.concatenate(([0], np.cumsum(sizes)[:-1])) * 20
    columns = {"pressure": np.arange(total).astype("<i2")}
    return Readings(np.full(len(sizes), boot), ticks, columns, sizes=np.array(sizes), dt_ms=20)


def dates(*offsets: int, doubt: int = 40) -> Dates:
    return Dates(UTC0 + np.array(offsets, np.int64), np.full(len(offsets), doubt, np.int64))


def cut(readings: Readings, when: Dates, epoch: list[int] | None = None, origin: str = "stored") -> list[Batch]:
    epochs = readings.boot if epoch is None else np.array(epoch)
    return batches_of("d", "wear" if readings.dt_ms is None else "waveform", origin, "s", 0, readings, epochs, when)  # type: ignore[arg-type]


class TestUneven:
    def test_each_sample_has_its_own_date(self) -> None:
        (batch,) = cut(uneven(3), dates(0, 61_000, 119_000))
        assert batch.times_ms().tolist() == [UTC0, UTC0 + 61_000, UTC0 + 119_000]
        assert (batch.seq, batch.last, batch.clock.boot, batch.clock.tick0) == (0, True, 1, 0)

    def test_a_batch_holds_so_many_samples(self) -> None:
        for count, batches in ((UNEVEN_SAMPLES, 1), (UNEVEN_SAMPLES + 1, 2)):
            found = cut(uneven(count), dates(*range(count)))
            assert len(found) == batches
            assert np.concatenate([one.columns["motion"] for one in found]).tolist() == list(range(count))
            assert [one.last for one in found] == [False] * (batches - 1) + [True]

    def test_a_batch_holds_one_boot(self) -> None:
        found = cut(uneven(4), dates(0, 1, 2, 3), epoch=[1, 1, 65536, 65536])
        assert [(one.size, one.clock.boot) for one in found] == [(2, 1), (2, 0)]

    def test_a_batch_is_shorter_than_its_offsets_can_tell(self) -> None:
        longest = (1 << 31) - 1
        assert len(cut(uneven(2), dates(0, longest))) == 1
        assert len(cut(uneven(2), dates(0, longest + 1))) == 2


class TestEven:
    def test_frames_are_joined_while_they_follow_on(self) -> None:
        found = cut(even(150, 150, 30, 150), dates(0, 3001, 6000, 6610))
        assert [(one.size, one.t0_ms - UTC0) for one in found] == [(480, 0)]
        assert found[0].clock.uncertainty_ms == 50  # a frame lies 10 ms beside its place
        assert len(cut(even(150, 150), dates(0, 3011))) == 2
        assert len(cut(even(150, 150), dates(0, 2989))) == 2

    def test_a_batch_lasts_a_minute_at_the_most(self) -> None:
        frames = EVEN_MS // 3000 + 1
        found = cut(even(*[150] * frames), dates(*range(0, 3000 * frames, 3000)))
        assert [one.size for one in found] == [3000, 150]

    def test_a_boot_breaks_it(self) -> None:
        assert len(cut(even(150, 150), dates(0, 3000), epoch=[1, 2])) == 2

    def test_a_batch_that_ends_later_than_its_frames_dates_does_not_reach_into_the_next(self) -> None:
        """The next frame's date is behind the last frame's date, but not behind where the batch's even steps end."""
        first, second = cut(even(150, 150, 150), dates(0, 2990, 2990 + 2981))
        assert (first.t0_ms - UTC0, first.last_ms - UTC0) == (0, 5980)
        assert (second.t0_ms - UTC0, second.clock.uncertainty_ms) == (5981, 40 + 10)

    @given(
        sizes=st.lists(st.integers(1, 150), min_size=1, max_size=40),
        early_ms=st.lists(st.integers(-30, 30), min_size=40, max_size=40),
        boots=st.lists(st.integers(0, 1), min_size=40, max_size=40),
    )
    def test_no_sample_is_dated_at_or_before_the_one_before_it(
        self, sizes: list[int], early_ms: list[int], boots: list[int]
    ) -> None:
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1])) * 20 + np.array(early_ms[: len(sizes)])
        readings = even(*sizes)
        settled = settle(readings, dates(*starts.tolist()), None, follows_on=False)
        found = cut(readings, settled, epoch=np.cumsum(boots[: len(sizes)]).tolist())
        times = np.concatenate([one.times_ms() for one in found])
        assert (np.diff(times) > 0).all()
        assert np.concatenate([one.columns["pressure"] for one in found]).tolist() == list(range(sum(sizes)))
        ends = np.cumsum([one.size for one in found])
        firsts = np.cumsum([0, *sizes[:-1]])
        doubts = [found[int(np.searchsorted(ends, first, "right"))].clock.uncertainty_ms for first in firsts]
        assert (np.abs(times[firsts] - settled.utc_ms) <= doubts).all()

    def test_live_batches_are_never_the_last(self) -> None:
        assert not cut(even(150), dates(0), origin="live")[-1].last


def test_a_new_session_begins_behind_the_one_before_and_the_same_goes_on_closer() -> None:
    before = DatedUpTo(UTC0 + 1000, UTC0 + 1020, 40)
    assert settle(even(150), dates(990), before, follows_on=False).utc_ms[0] == UTC0 + 1020
    assert settle(even(150), dates(990), before, follows_on=True).utc_ms[0] == UTC0 + 1001
    assert settle(even(150), dates(1020), before, follows_on=False).utc_ms[0] == UTC0 + 1020
    assert settle(even(150), dates(990), None, follows_on=False).utc_ms[0] == UTC0 + 990


def test_what_a_tick_is_rounded_by_is_doubt() -> None:
    assert settle(uneven(1), dates(0, doubt=40), None, follows_on=False).uncertainty_ms[0] == 103


def test_where_readings_end() -> None:
    assert dated_up_to(*cut(even(150, 30), dates(0, 3000))) == DatedUpTo(UTC0 + 3580, UTC0 + 3600, 40)
    assert dated_up_to(*cut(even(150, 30), dates(0, 2992))) == DatedUpTo(UTC0 + 3580, UTC0 + 3600, 48)
    assert dated_up_to(*cut(uneven(2), dates(0, 60_000))) == DatedUpTo(UTC0 + 60_000, UTC0 + 60_001, 40)


def test_readings_are_joined_and_divided_at_records() -> None:
    whole = joined([even(150, 30), even(7)])
    assert whole.sizes is not None
    assert whole.sizes.tolist() == [150, 30, 7]
    part = first_of(whole, 2)
    assert part.columns["pressure"].size == 180
    assert first_of(uneven(5), 2).columns["motion"].tolist() == [0, 1]

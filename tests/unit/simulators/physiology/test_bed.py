"""The simulated bed: one sleeper's night as a strip under the mattress reads it."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.physiology import EventKind, Night, Sleeper, Stage
from simulators.physiology.bed import Bed
from simulators.physiology.bed_truth import EPOCH_S

START_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
NIGHT = Sleeper(5, "severe").night(START_MS, 2 * 3600)
BED = Bed.of_nights([NIGHT], 1)
STAY = BED.stays[0]


def band(counts: np.ndarray, low_hz: float, high_hz: float) -> float:
    """RMS of what lies between two frequencies."""
    spectrum = np.fft.rfft(counts * np.hanning(counts.size))
    hz = np.fft.rfftfreq(counts.size, 0.02)
    power = np.abs(spectrum[(hz >= low_hz) & (hz < high_hz)]) ** 2
    return float(np.sqrt(power.sum()) / counts.size)


def quiet(epochs: int = 720) -> np.ndarray:
    """Starts of still epochs in bed, UTC ms."""
    truth = BED.epochs(START_MS, epochs)
    still = (truth.moving == 0) & (truth.present == 1)
    still[1:] &= still[:-1]
    return START_MS + 1000 * EPOCH_S * np.flatnonzero(still)


def test_any_cutting_gives_the_same_counts_and_so_does_another_bed_of_the_seed() -> None:
    whole = BED.counts(START_MS, 20_000)
    other = Bed.of_nights([NIGHT], 1)
    pieces, at = [], 0
    for size in (1, 2999, 3000, 3001, 7, 10_992):
        pieces.append(other.counts(START_MS + 20 * at, size))
        at += size
    assert np.array_equal(np.concatenate(pieces), whole)
    assert whole.dtype == np.int32


def test_another_seed_is_another_way_of_lying_and_other_noise() -> None:
    assert not np.array_equal(Bed.of_nights([NIGHT], 2).counts(START_MS, 500), BED.counts(START_MS, 500))


def test_an_empty_bed_shows_the_noise_floor_alone() -> None:
    before = BED.counts(STAY.bedtime_ms - 600_000, 20_000)
    assert before.std() == pytest.approx(4.0, rel=0.15)
    assert np.abs(BED.counts(STAY.rise_ms + 120_000, 20_000)).max() < 40


def test_who_lies_in_it_gets_in_before_the_night_and_out_after_it() -> None:
    assert 0 < START_MS - STAY.bedtime_ms < HOUR_MS
    assert STAY.rise_ms > NIGHT.end_utc_ms
    assert STAY.present_ms[0, 0] == STAY.bedtime_ms
    assert STAY.present_ms[-1, 1] == STAY.rise_ms


def test_the_heart_shows_between_2_and_10_hz_and_the_breath_below_half_a_hertz() -> None:
    floor = BED.counts(STAY.bedtime_ms - 600_000, 500)
    still = [BED.counts(int(at), 500) for at in quiet()]
    assert np.median([band(part, 2, 10) for part in still]) > 3 * band(floor, 2, 10)
    assert np.median([band(part, 0.1, 0.5) for part in still]) > 50 * band(floor, 0.1, 0.5)


def test_the_chest_moves_little_in_an_apnoea_and_much_after_it() -> None:
    apnoeas = [event for event in NIGHT.events if event.kind is not EventKind.HYPOPNOEA and event.duration_s > 15]
    truth = BED.epochs(START_MS, 720)
    during, after = [], []
    for event in apnoeas:
        if truth.moving[int(event.start_s) // 10 : int(event.end_s) // 10 + 3].any():
            continue
        start_ms = START_MS + int(1000 * event.start_s)
        during.append(np.ptp(BED.counts(start_ms + 3000, int(50 * (event.duration_s - 6)))))
        after.append(np.ptp(BED.counts(start_ms + int(1000 * event.duration_s), 500)))
    assert len(during) > 10
    assert np.median(np.array(after) / np.array(during)) > 3


def test_a_movement_towers_over_heart_and_breath() -> None:
    start_ms, end_ms = STAY.movements_ms[np.argmax(np.diff(STAY.movements_ms[1:-1], axis=1)) + 1]
    moved = BED.counts(int(start_ms), int(end_ms - start_ms) // 20)
    assert np.ptp(moved) > 3 * np.median([np.ptp(BED.counts(int(at), 500)) for at in quiet()[:50]])


def test_truth_by_epoch_is_the_beats_and_breaths_of_the_epoch() -> None:
    truth = BED.epochs(START_MS, 720)
    edges = START_MS + 10_000 * np.arange(721)
    counted = np.histogram(STAY.beats_ms, edges)[0]
    told = truth.heart_rate_bpm / 6.0
    known = ~np.isnan(told)
    assert known.mean() > 0.9
    assert np.abs(counted[known] - told[known]).max() <= 1.0
    breaths = truth.respiration_rate_per_min
    assert 9 < np.nanmedian(breaths) < 22
    flow = NIGHT.flow[: 7200 // 10 * 10].reshape(-1, 10)
    assert np.isnan(breaths[(flow < 0.2).all(axis=1)]).all()


def test_truth_of_sleep_is_the_hypnogram() -> None:
    asleep = BED.epochs(START_MS, 720).asleep
    assert np.array_equal(asleep[::3], NIGHT.stages[:240] != Stage.WAKE)


def test_truth_outside_of_the_stay_is_an_empty_bed() -> None:
    truth = BED.epochs(STAY.bedtime_ms - 100_000, 10)
    assert np.isnan(truth.heart_rate_bpm).all()
    assert not truth.present.any()


@pytest.mark.parametrize(("gain", "width"), [(1.0, 16), (4.0, 16), (1.0 / 16, 12), (4.0, 12)])
def test_a_converter_of_few_bits_clips_at_its_rails_and_nowhere_else(gain: float, width: int) -> None:
    raw = BED.counts(STAY.bedtime_ms, 3000)
    told = BED.counts(STAY.bedtime_ms, 3000, gain=gain, width=width)
    rail = 2 ** (width - 1)
    assert told.min() >= -rail
    assert told.max() <= rail - 1
    inside = np.abs(raw * gain) < rail - 8
    assert np.abs(told[inside] - raw[inside] * gain).max() <= 0.5 * (1 + gain)


def test_a_real_heart_drives_the_beats_and_runs_on_from_night_to_night() -> None:
    rr = 900.0 + 50.0 * np.sin(np.arange(20_000) / 50.0)
    nights = [Sleeper(5).night(START_MS + day * 24 * HOUR_MS, 1800, index=day) for day in range(2)]
    bed = Bed.of_nights(nights, 3, rr_ms=rr)
    first, second = bed.stays
    intervals = np.diff(first.beats_ms)
    assert np.allclose(intervals, rr[1 : intervals.size + 1])
    assert np.allclose(np.diff(second.beats_ms)[:100], rr[first.beats_ms.size + 1 : first.beats_ms.size + 101])


def test_a_night_lies_the_same_with_or_without_another_before_it() -> None:
    nights = [Sleeper(5).night(START_MS + day * 24 * HOUR_MS, 1800, index=day) for day in range(2)]
    both, alone = Bed.of_nights(nights, 3), Bed.of_nights(nights[1:], 3)
    assert np.array_equal(both.counts(nights[1].start_utc_ms, 3000), alone.counts(nights[1].start_utc_ms, 3000))


def test_a_second_person_adds_a_heart_and_a_breath_of_their_own() -> None:
    pair = Bed.of_nights([NIGHT], 1, second_person=True)
    assert pair.stays[0].beats_ms.tolist() == STAY.beats_ms.tolist()
    other = pair.partner_stays[0]
    assert not np.array_equal(other.beats_ms[:50], STAY.beats_ms[:50])
    at = int(max(STAY.bedtime_ms, other.bedtime_ms)) + 1_200_000
    added = pair.counts(at, 1000) - BED.counts(at, 1000)
    assert added.std() > 20
    assert BED.partner_stays == ()


@pytest.mark.parametrize("gap_ms", [0, HOUR_MS - 1])
def test_nights_that_run_into_each_other_are_refused(gap_ms: int) -> None:
    nights: list[Night] = [NIGHT, Sleeper(5).night(NIGHT.end_utc_ms + gap_ms, 600, index=1)]
    with pytest.raises(ValueError, match="an hour or more apart"):
        Bed.of_nights(nights, 1)


def test_a_negative_seed_or_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Bed.of_nights([NIGHT], -1)
    with pytest.raises(ValueError, match="must not be negative"):
        Bed.of_nights([NIGHT], 1, noise_counts=-1.0)

"""However nights arrive, late, twice or corrected, what is known and said in the end is the batch's, bit for bit."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.calendar import night_bounds
from analytics.nights import history
from analytics.nights.history import HistoryState
from analytics.nights.join import join_night, join_nights
from analytics.nights.records import PatientNight, SensorRecord, TreatmentStep
from analytics.nights.report import evaluate

FIRST = date(2026, 3, 20)
ZONE = "Europe/Berlin"
HOUR_MS = 3_600_000

indices = st.fixed_dictionaries(
    {}, optional={name: st.floats(0.0, 120.0) for name in ("odi3", "odi4", "hypoxic_burden", "t90_pct")}
)
treatment_steps = st.builds(
    TreatmentStep,
    st.integers(0, 20).map(lambda n: FIRST + timedelta(days=n)),
    st.one_of(st.none(), st.floats(0, 12)),
    st.integers(0, 2),
    st.booleans(),
)


@st.composite
def nights(draw: st.DrawFn) -> PatientNight:
    night = FIRST + timedelta(days=draw(st.integers(0, 20)))
    start_ms, end_ms = night_bounds(night, ZONE)
    to_bed = draw(st.one_of(st.none(), st.integers(start_ms, end_ms - 1)))
    return PatientNight(
        night=night,
        zone=ZONE,
        start_ms=start_ms,
        end_ms=end_ms,
        revision=draw(st.integers(0, 2)),
        bedtime_ms=to_bed,
        rise_ms=None if to_bed is None else to_bed + 8 * HOUR_MS,
        bedtime_of=None if to_bed is None else "bed",
        valid_h=draw(st.floats(3.0, 9.0)),
        indices=draw(indices),
        sleep_h=draw(st.one_of(st.none(), st.floats(3.0, 10.0))),
        sleep_of="bed_sleep",
        mad_of_oximetry_pct=draw(st.one_of(st.none(), st.sampled_from([0.0, 50.0, 100.0]))),
        supine_pct=draw(st.one_of(st.none(), st.floats(0.0, 100.0))),
    )


def latest(items: list[PatientNight | TreatmentStep]) -> tuple[list[PatientNight], list[TreatmentStep]]:
    """The batch: each date's highest revision, found without `history`."""
    best: dict[tuple[type, date], PatientNight | TreatmentStep] = {}
    for item in sorted(items, key=lambda one: (one.revision, msgspec.msgpack.encode(one))):
        best[type(item), item.night] = item
    steps = [one for one in best.values() if isinstance(one, TreatmentStep)]
    return [one for one in best.values() if isinstance(one, PatientNight)], steps


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(nights(), nights(), nights(), treatment_steps), min_size=1, max_size=20), st.randoms(), st.data()
)
def test_any_order_and_a_restart_anywhere_end_in_the_batch(items, random, data):
    expected = evaluate(*latest(items))
    shuffled = list(items)
    random.shuffle(shuffled)
    restart = data.draw(st.integers(0, len(shuffled) - 1))
    state = history.replay(shuffled[:restart])
    state = HistoryState.from_bytes(state.to_bytes())
    state = history.replay(shuffled[restart:-1], state)
    state, update = history.step(state, shuffled[-1])
    assert msgspec.msgpack.encode(update.report) == msgspec.msgpack.encode(expected)
    assert state == history.replay(items)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(nights(), treatment_steps), min_size=2, max_size=10))
def test_an_update_says_late_exactly_when_something_newer_was_known(items):
    state = history.start()
    for item in items:
        newest = max((night.night for night in state.nights), default=None)
        following, update = history.step(state, item)
        assert update.ignored == (following == state)
        assert update.late == (newest is not None and item.night < newest and not update.ignored)
        if update.ignored:
            assert update.changed == ()
        state = following


@st.composite
def sensor_records(draw: st.DrawFn) -> SensorRecord:
    start_ms = night_bounds(FIRST, ZONE)[0] + draw(st.integers(0, 15 * 24 * 60)) * 60_000
    length_min = draw(st.integers(1, 14 * 60))
    kind = draw(st.sampled_from(["oximetry", "bed", "recorder", "wear"]))
    return SensorRecord(
        kind,
        draw(st.sampled_from(["a", "b"])),
        start_ms,
        start_ms + length_min * 60_000,
        draw(st.floats(0.0, 1.0)) * length_min * 60,
        draw(st.fixed_dictionaries({}, optional={"odi3": st.floats(0, 90), "sleep_s": st.floats(0, 30_000)})),
        draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(sensor_records(), max_size=14), st.randoms())
def test_records_join_to_the_same_nights_in_any_order(records, random):
    joined = join_nights(records, ZONE)
    shuffled = list(records)
    random.shuffle(shuffled)
    assert join_nights(shuffled, ZONE) == joined
    assert [night.night for night in joined] == sorted({night.night for night in joined})
    for night in joined:
        assert join_night(night.night, shuffled, ZONE) == night


@settings(max_examples=60, deadline=None)
@given(st.lists(sensor_records(), min_size=1, max_size=14))
def test_no_night_tells_more_than_its_sensors_did(records):
    for night in join_nights(records, ZONE):
        told = [one.valid_s for one in records if one.kind == "oximetry"]
        assert 0.0 <= night.valid_h * 3600 <= sum(told) + 1e-6
        if "odi3" in night.indices:
            each = [one.index("odi3") for one in records if one.kind == "oximetry" and "odi3" in one.indices]
            assert min(each) - 1e-9 <= night.index("odi3") <= max(each) + 1e-9
        if night.wear_h is not None:
            assert 0.0 <= night.wear_h <= night.length_h
        for share in (night.recorder_pct, night.wear_of_sleep_pct, night.mad_of_oximetry_pct):
            assert share is None or 0.0 <= share <= 100.0 + 1e-9
        assert (night.wear_state == "no_data") == (night.wear_h is None)
        assert night.sleep_h is None or night.sleep_of != "none"

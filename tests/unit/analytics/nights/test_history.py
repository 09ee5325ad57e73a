"""Many nights as a step: late nights, corrections, snapshots, bounds, and what is said to have changed."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from analytics.nights import history
from analytics.nights.history import MOST_NIGHTS, HistoryState, Said
from analytics.nights.records import PatientNight, TreatmentStep
from analytics.nights.report import evaluate
from tests.unit.analytics.nights.records import NIGHT, joined

MILD = [joined(i, odi3=9.0) for i in range(5)]


def later(night: PatientNight, revision: int, **told: float) -> PatientNight:
    return msgspec.structs.replace(night, revision=revision, indices=told)


def test_a_night_in_time_is_not_late() -> None:
    state = history.replay(MILD[:4])
    state, update = history.step(state, MILD[4])
    assert (update.late, update.replaced, update.ignored) == (False, False, False)
    assert update.report == evaluate(MILD)
    assert state.nights == tuple(MILD)


def test_a_late_night_reads_all_anew_and_says_what_changed() -> None:
    severe = [joined(-i - 1, odi3=70.0) for i in range(12)]
    state = history.replay([*MILD, *severe[:-1]])
    before = evaluate(state.nights).without[0].severity
    state, update = history.step(history.replay(MILD), joined(-1, odi3=400.0))
    assert before == "severe"
    assert update.late
    assert update.report == evaluate(state.nights)
    assert Said("severity of odi3 without the MAD", "mild", update.report.without[0].severity) in update.changed


def test_what_stays_as_it_was_is_not_said_to_change() -> None:
    _, update = history.step(history.replay(MILD), joined(9, odi3=9.0))
    assert update.changed == ()


def test_a_higher_revision_takes_the_place_of_a_night_and_a_lower_one_does_not() -> None:
    state = history.replay(MILD)
    state, update = history.step(state, later(MILD[2], 3, odi3=50.0))
    assert (update.replaced, update.late, len(state.nights)) == (True, True, 5)
    same, update = history.step(state, later(MILD[2], 2, odi3=1.0))
    assert same == state
    assert (update.ignored, update.replaced, update.late, update.changed) == (True, False, False, ())


def test_the_same_night_again_changes_nothing() -> None:
    state = history.replay(MILD)
    again, update = history.step(state, MILD[1])
    assert again == state
    assert update.ignored


def test_two_nights_of_one_revision_end_the_same_in_either_order() -> None:
    one, other = later(MILD[0], 1, odi3=1.0), later(MILD[0], 1, odi3=2.0)
    assert history.replay([one, other]) == history.replay([other, one])


def test_a_late_step_of_treatment_divides_the_nights_that_are_there() -> None:
    nights = [joined(i, odi3=30.0) for i in range(8)] + [joined(8 + i, odi3=6.0, mad_pct=100.0) for i in range(8)]
    state, update = history.step(history.replay(nights), TreatmentStep(NIGHT + timedelta(days=8), 5.0))
    assert update.late
    assert state.steps == (TreatmentStep(NIGHT + timedelta(days=8), 5.0),)
    assert [one.cause for one in update.report.changes] == ["treatment_step"]
    assert update.report.regimen_from == NIGHT + timedelta(days=8)
    again, update = history.step(state, TreatmentStep(NIGHT + timedelta(days=8), 5.0))
    assert again == state
    assert update.ignored


def test_a_step_entered_by_mistake_is_withdrawn_by_a_higher_revision() -> None:
    nights = [joined(i, odi3=30.0, mad_pct=100.0) for i in range(6)]
    wrong = TreatmentStep(NIGHT + timedelta(days=3), 9.0)
    state = history.replay([*nights, wrong])
    assert evaluate(state.nights, state.steps).regimen_from == wrong.night
    state, update = history.step(state, TreatmentStep(wrong.night, 9.0, revision=1, withdrawn=True))
    assert update.replaced
    assert update.report == evaluate(nights)


def test_a_snapshot_restores_the_state_bit_for_bit() -> None:
    state = history.replay([*MILD, TreatmentStep(NIGHT, 3.5)])
    restored = HistoryState.from_bytes(state.to_bytes())
    assert restored == state
    assert restored.to_bytes() == state.to_bytes()
    assert history.step(restored, joined(7, odi3=3.0)) == history.step(state, joined(7, odi3=3.0))


def test_a_snapshot_of_another_version_or_a_damaged_one_is_refused() -> None:
    whole = history.replay(MILD).to_bytes()
    spoiled = bytearray(whole)
    spoiled[-3] ^= 1
    for data in (b"", b"something else", whole[:-1], bytes(spoiled)):
        with pytest.raises(ValueError, match="snapshot"):
            HistoryState.from_bytes(data)


def test_only_the_newest_nights_are_kept_whatever_the_order() -> None:
    nights = [joined(i, odi3=float(i % 7)) for i in range(MOST_NIGHTS + 3)]
    forwards, backwards = history.replay(nights), history.replay(reversed(nights))
    assert forwards == backwards
    assert forwards.nights == tuple(nights[3:])
    _, update = history.step(forwards, nights[0])
    assert update.ignored


def test_a_step_leaves_the_state_it_was_given() -> None:
    state = history.replay(MILD)
    snapshot = state.to_bytes()
    history.step(state, joined(30, odi3=80.0))
    assert state.to_bytes() == snapshot


def test_nothing_known_is_a_report_too() -> None:
    report = evaluate([])
    assert (report.nights, report.verdict, report.without, report.bedtime) == (0, "cannot_say", (), None)
    assert report.sentences == ("No night can be read yet.", "This informs and is no diagnosis.")


def test_a_date_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="night occurs twice"):
        evaluate([MILD[0], MILD[0]])
    with pytest.raises(ValueError, match="step of treatment occurs twice"):
        evaluate(MILD, [TreatmentStep(NIGHT, 1.0), TreatmentStep(NIGHT, 2.0)])


def test_the_report_compares_the_present_setting_with_nights_without() -> None:
    without = [joined(i, odi3=30.0 + i % 3, odi4=20.0, hypoxic_burden=60.0) for i in range(10)]
    first = [joined(10 + i, odi3=25.0 + i % 3, mad_pct=100.0) for i in range(7)]
    second = [joined(17 + i, odi3=6.0 + i % 3, odi4=3.0, hypoxic_burden=9.0, mad_pct=95.0) for i in range(7)]
    mixed = [joined(24, odi3=99.0, mad_pct=50.0), joined(25, odi3=99.0)]
    steps = [TreatmentStep(NIGHT + timedelta(days=10), 4.0), TreatmentStep(NIGHT + timedelta(days=17), 6.0)]
    report = evaluate([*without, *first, *second, *mixed], steps)
    assert report.sides == {"without": 10, "with": 14, "mixed": 1, "unknown": 1}
    assert report.regimen_from == steps[1].night
    assert report.verdict == "working"
    assert [one.index for one in report.treatment] == ["odi3", "odi4", "hypoxic_burden"]
    assert report.treated[0].mean == pytest.approx(6.0 + 6 / 7)
    assert report.sentences[-1] == "This informs and is no diagnosis."
    assert any(said.startswith("The MAD is working: 3 % desaturation index") for said in report.sentences)


def test_a_trend_without_a_known_step_is_that_of_the_side_with_more_nights() -> None:
    falling = [joined(10 + i, odi3=30.0 - i, mad_pct=100.0) for i in range(12)]
    report = evaluate([joined(0, odi3=30.0), *falling])
    assert (report.trends[0].direction, report.trends[0].nights) == ("falling", 12)


def test_a_step_in_the_future_does_not_hide_the_nights_of_now() -> None:
    nights = [joined(i, odi3=6.0, mad_pct=100.0) for i in range(6)]
    report = evaluate(nights, [TreatmentStep(NIGHT, 4.0), TreatmentStep(NIGHT + timedelta(days=50), 6.0)])
    assert report.regimen_from == NIGHT
    assert report.treated[0].nights == 6


def test_a_normal_odi4_beside_a_raised_odi3_is_explained() -> None:
    report = evaluate([joined(i, odi3=12.0, odi4=2.0) for i in range(14)])
    assert any("misses shallow events" in said for said in report.sentences)
    calm = evaluate([joined(i, odi3=1.0, odi4=0.2) for i in range(14)])
    assert not any("misses shallow events" in said for said in calm.sentences)

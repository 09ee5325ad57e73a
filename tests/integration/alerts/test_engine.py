"""The rules at work over a real store and real records: once, in time, after a restart, with late data."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import StoreUnavailableError
from gateway.service.records import AlertState, State
from gateway.wire.messages import Batch, ClockInfo, WearFlag
from tests.integration.alerts.scene import HOME, HOUR, RECORDER, RING, T0, Scene

LOW = "spo2_low"
NIGHT = date(2026, 3, 14)


def test_low_spo2_is_raised_with_the_batch_that_completes_it_and_ends_with_the_data(scene: Scene) -> None:
    scene.live(T0, (96, 60), (85, 240))
    assert scene.alerts(LOW) == []
    scene.live(T0 + 300_000, (84, 60))
    (alert,) = scene.alerts(LOW)
    assert (alert.patient, alert.device, alert.gateway, alert.clinic) == (scene.patient.id, RING, HOME, "clinic")
    assert (alert.state, alert.severity, alert.raised_ms) == (AlertState.OPEN, "urgent", T0 + 360_000)
    assert (alert.from_ms, alert.to_ms) == (T0 + 60_000, T0 + 360_000)
    assert alert.evidence == {"level_pct": 88.0, "minutes": 5.0, "lowest_pct": 84.0}
    assert alert.message == "SpO2 at or below 88 % for 5 min, lowest 84 %."
    scene.live(T0 + 360_000, (84, 120), (96, 60))
    (alert,) = scene.alerts(LOW)
    assert (alert.state, alert.resolved_ms) == (AlertState.RESOLVED, T0 + 540_000)
    assert scene.told(LOW) == [("raised", False), ("resolved", False)]


def test_quiet_just_under(scene: Scene) -> None:
    scene.live(T0, (85, 299), (96, 61))
    assert scene.alerts(LOW) == []


def test_a_restart_in_the_middle_of_it_changes_nothing(scene: Scene) -> None:
    scene.live(T0, (85, 240))
    scene.restart()
    scene.live(T0 + 240_000, (85, 60))
    assert [alert.from_ms for alert in scene.alerts(LOW)] == [T0]
    scene.restart()
    scene.live(T0 + 300_000, (85, 300), (96, 120))
    assert scene.told(LOW) == [("raised", False), ("resolved", False)]


def test_a_batch_that_comes_twice_is_the_same_as_once(scene: Scene) -> None:
    made = scene.live(T0, (85, 300), (96, 60))
    for batch in made:
        scene.engine.feed([(batch, scene.entries[RING])])
    scene.engine.tick(settle=True)
    assert scene.told(LOW) == [("raised", False), ("resolved", False)]


def test_killed_between_the_commit_and_the_judgement_the_batch_comes_again_and_raises(scene: Scene) -> None:
    made = scene.batches(T0, np.full(300, 85, np.float32))
    scene.arrive(made[:4])
    scene.store.append(made[4:])
    scene.restart()
    assert scene.alerts(LOW) == []
    scene.arrive(made[4:])
    assert scene.told(LOW) == [("raised", False)]


def test_a_stored_recording_in_order_raises_like_a_live_one(scene: Scene) -> None:
    scene.arrive(scene.batches(T0, np.full(400, 80, np.float32), origin="stored", session="pulled", size=400))
    assert scene.told(LOW) == [("raised", False)]


def test_late_data_find_what_the_live_ones_did_not_show(scene: Scene) -> None:
    scene.live(T0, (np.nan, 600), (96, 600))
    stored = np.concatenate([np.full(60, 95, np.float32), np.full(400, 82, np.float32), np.full(740, 96, np.float32)])
    scene.arrive(scene.batches(T0, stored, origin="stored", session="pulled", size=1200))
    assert scene.alerts(LOW) == [], "judged once the recording is whole"
    scene.engine.tick(settle=True)
    assert scene.told(LOW) == [("raised", True), ("resolved", True)]
    (alert,) = scene.alerts(LOW)
    assert (alert.late, alert.raised_ms, alert.resolved_ms) == (True, T0 + 360_000, T0 + 520_000)
    assert scene.records.alerts.list(unseen=True) == [alert], "over, but nobody has seen it"


def test_late_data_take_back_what_never_was_so(scene: Scene) -> None:
    scene.live(T0, (85, 400))
    stored = np.full(400, 96, np.float32)
    scene.arrive(scene.batches(T0, stored, origin="stored", session="pulled", size=400))
    scene.engine.tick(settle=True)
    (alert,) = scene.alerts(LOW)
    assert (alert.state, alert.withdrawn) == (AlertState.RESOLVED, True)
    assert scene.told(LOW) == [("raised", False), ("resolved", True)]
    scene.live(T0 + 400_000, (85, 299))
    assert len(scene.alerts(LOW)) == 1, "streaming goes on from the data as they are now"
    scene.live(T0 + 699_000, (85, 1))
    assert len(scene.alerts(LOW)) == 2


def test_what_belongs_to_nobody_waits(tmp_path: Path) -> None:
    scene = Scene(tmp_path, assigned=False)
    scene.live(T0, (85, 400))
    assert scene.records.alerts.list() == []
    scene.records.assignments.assign(RING, scene.patient.id, from_ms=T0 + 400_000)
    scene.live(T0 + 400_000, (85, 299))
    assert scene.alerts(LOW) == [], "what was measured before belongs to somebody else"
    scene.live(T0 + 699_000, (85, 1))
    assert [alert.from_ms for alert in scene.alerts(LOW)] == [T0 + 400_000]
    scene.close()


def test_a_patients_own_threshold_counts_at_once(scene: Scene) -> None:
    scene.records.thresholds.change("patient", scene.patient.id, {(LOW, "minutes"): 1.0})
    scene.live(T0, (85, 60))
    assert len(scene.alerts(LOW)) == 1
    scene.records.thresholds.change("clinic", "clinic", {(LOW, "enabled"): 0.0})
    scene.live(T0 + 60_000, (96, 60), (85, 120))
    assert scene.told(LOW) == [("raised", False), ("resolved", False)], "off: it ends what is open and raises nothing"


def test_a_silent_device_is_told_once_by_the_wall_clock_and_data_end_it(scene: Scene) -> None:
    rule = "device_silent"
    scene.live(T0, (96, 60))
    scene.clock.now_ms = T0 + 60_000 + 36 * HOUR - 1
    scene.engine.tick(settle=True)
    assert scene.alerts(rule) == []
    scene.clock.now_ms += 1
    scene.engine.tick(settle=True)
    scene.engine.tick(settle=True)
    (alert,) = scene.alerts(rule)
    assert (alert.subject, alert.raised_ms, alert.patient) == (RING, T0 + 60_000 + 36 * HOUR, scene.patient.id)
    scene.restart()
    scene.engine.tick(settle=True)
    assert len(scene.alerts(rule)) == 1
    scene.live(T0 + 40 * HOUR, (96, 60))
    assert scene.told(rule) == [("raised", False), ("resolved", False)]


def test_silence_survives_a_restart_and_data_of_the_same_instant_prevent_it(scene: Scene) -> None:
    scene.live(T0, (96, 60))
    scene.engine.tick(settle=True)
    scene.restart()
    scene.clock.now_ms = T0 + 60_000 + 36 * HOUR
    scene.arrive(scene.batches(T0 + 36 * HOUR, np.full(60, 96, np.float32), session="s2"))
    scene.engine.tick(settle=True)
    assert scene.alerts("device_silent") == []


def test_a_device_that_nobody_has_may_be_silent(scene: Scene) -> None:
    scene.live(T0, (96, 60))
    scene.clock.now_ms = T0 + 40 * HOUR
    scene.engine.tick(settle=True)
    (assignment,) = scene.records.assignments.list(device=RING)
    scene.records.assignments.end(assignment.id, to_ms=T0 + 39 * HOUR)
    scene.engine.tick(settle=True)
    assert [alert.state for alert in scene.alerts("device_silent")] == [AlertState.RESOLVED]
    scene.clock.now_ms = T0 + 400 * HOUR
    scene.engine.tick(settle=True)
    assert len(scene.alerts("device_silent")) == 1


def wear(at_ms: int, seq: int, *flags: int) -> Batch:
    offsets = np.arange(len(flags), dtype="<i4") * 300_000
    columns = {"temperature": np.full(len(flags), 35.0, "<f4"), "flags": np.array(flags, "<u2")}
    return Batch(RECORDER, "wear", "stored", "w", seq, at_ms, columns, ClockInfo("anchors", 500), t_ms=offsets)


def test_faults_clock_and_battery_of_a_recorder(scene: Scene) -> None:
    fault, clock, battery = WearFlag.SENSOR_FAULT, WearFlag.CLOCK_LOST, WearFlag.LOW_BATTERY
    scene.arrive([wear(T0, 0, fault, fault), wear(T0 + HOUR, 1, fault | clock, 0, battery)])
    assert [len(scene.alerts(rule)) for rule in ("sensor_fault", "clock_lost", "battery_low")] == [1, 1, 1]
    scene.restart()
    scene.arrive([wear(T0 + 2 * HOUR, 2, 0, 0, 0, 0)])
    for rule in ("sensor_fault", "clock_lost", "battery_low"):
        assert [alert.state for alert in scene.alerts(rule)] == [AlertState.RESOLVED], rule


def test_an_upload_that_is_stuck(scene: Scene) -> None:
    for minute in range(61):
        scene.engine.gateway_status(HOME, T0 + minute * 60_000, 5)
    (alert,) = scene.alerts("upload_stuck")
    assert (alert.subject, alert.patient, alert.evidence["pending"]) == (HOME, None, 5.0)
    scene.restart()
    scene.engine.gateway_status(HOME, T0 + 62 * 60_000, 4)
    assert [alert.state for alert in scene.alerts("upload_stuck")] == [AlertState.RESOLVED]


def test_it_escalates_in_the_homes_time_also_after_a_restart(scene: Scene) -> None:
    scene.live(T0, (85, 300))
    scene.live(T0 + 300_000, (85, 1799))
    scene.engine.tick(settle=True)
    assert scene.alerts(LOW)[0].state is AlertState.OPEN
    scene.restart()
    scene.live(T0 + 2_099_000, (85, 1))
    scene.engine.tick(settle=True)
    assert scene.alerts(LOW)[0].state is AlertState.ESCALATED
    assert scene.told(LOW)[-1] == ("escalated", False)
    history = scene.records.alerts.history(scene.alerts(LOW)[0].id)
    assert [(one.event, one.at_ms) for one in history if one.event == "escalated"] == [("escalated", T0 + 2_100_000)]


def test_acknowledged_in_time_it_does_not_escalate(scene: Scene) -> None:
    scene.live(T0, (85, 300))
    (alert,) = scene.alerts(LOW)
    scene.records.alerts.acknowledge(alert.id, who="dentist", at_ms=T0 + 2_100_000, recorded_ms=1)
    scene.clock.now_ms = T0 + 2_100_000
    scene.engine.tick(settle=True)
    assert scene.alerts(LOW)[0].state is AlertState.ACKNOWLEDGED


def test_nights_without_the_mad(scene: Scene) -> None:
    rule = "mad_not_worn"
    for number in range(2):
        scene.night(NIGHT + timedelta(days=number), device=RECORDER, wear_min=0.0)
    assert scene.alerts(rule) == []
    scene.night(NIGHT + timedelta(days=3), device=RECORDER, wear_min=10.0)
    (alert,) = scene.alerts(rule)
    assert (alert.subject, alert.late, alert.evidence["nights"]) == (scene.patient.id, False, 3.0)
    scene.restart()
    scene.night(NIGHT + timedelta(days=4), device=RECORDER, wear_min=300.0)
    assert scene.told(rule) == [("raised", False), ("resolved", False)]


def test_a_late_night_takes_back_what_was_raised_without_it(scene: Scene) -> None:
    rule = "mad_not_worn"
    for number in (0, 1, 3):
        scene.night(NIGHT + timedelta(days=number), device=RECORDER, wear_min=0.0)
    scene.restart()
    scene.night(NIGHT + timedelta(days=2), device=RECORDER, wear_min=400.0)
    assert scene.told(rule) == [("raised", False), ("resolved", True)]
    assert scene.alerts(rule)[0].withdrawn


def test_a_late_night_raises_and_says_so(scene: Scene) -> None:
    for number in (0, 1, 3):
        scene.night(NIGHT + timedelta(days=number), min_spo2=90.0, odi3=5.0)
    scene.night(NIGHT + timedelta(days=2), min_spo2=72.0, odi3=5.0)
    assert scene.told("deep_nadir") == [("raised", True), ("resolved", True)]


def test_a_running_night_raises_a_deep_nadir_before_its_end(scene: Scene) -> None:
    result = scene.night(NIGHT, state=State.RUNNING, min_spo2=85.0)
    scene.engine.running_night(result, 85.0)
    assert scene.alerts("deep_nadir") == []
    result = scene.night(NIGHT, state=State.RUNNING, min_spo2=70.0)
    scene.engine.running_night(result, 70.0)
    (alert,) = scene.alerts("deep_nadir")
    assert (alert.state, alert.evidence["nadir_pct"]) == (AlertState.OPEN, 70.0)


def test_the_night_in_which_the_clocks_change(tmp_path: Path) -> None:
    scene = Scene(tmp_path, zone="Europe/Berlin")
    for number in range(14, 18):
        scene.night(NIGHT + timedelta(days=number - 2), device=RECORDER, wear_min=0.0)
    (alert,) = scene.alerts("mad_not_worn")
    assert alert.raised_ms == alert.from_ms + 2 * 86_400_000 + 8 * HOUR
    scene.close()


def test_a_lower_threshold_does_not_bring_up_what_is_over(scene: Scene) -> None:
    for number, nadir in enumerate((85.0, 95.0, 95.0)):
        scene.night(NIGHT + timedelta(days=number), min_spo2=nadir, odi3=5.0)
    scene.records.thresholds.change("patient", scene.patient.id, {("deep_nadir", "limit_pct"): 88.0})
    scene.engine.tick(settle=True)
    assert scene.told("deep_nadir") == []
    scene.records.thresholds.change("patient", scene.patient.id, {("odi_rising", "enabled"): 0.0})
    scene.night(NIGHT + timedelta(days=3), min_spo2=87.0)
    assert scene.told("deep_nadir") == [("raised", False)]
    scene.records.thresholds.change("patient", scene.patient.id, {("deep_nadir", "limit_pct"): 80.0})
    scene.engine.tick(settle=True)
    assert scene.alerts("deep_nadir")[0].state is AlertState.RESOLVED


def test_records_that_are_away_lose_no_finding(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene.batches(T0, np.full(300, 85, np.float32), size=300)
    scene.store.append(made)
    tell = scene.records.alerts.tell

    def away(*_arguments: object, **_named: object) -> int:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(scene.records.alerts, "tell", away)
    with pytest.raises(StoreUnavailableError):
        scene.engine.feed([(made[0], scene.entries[RING])])
    monkeypatch.setattr(scene.records.alerts, "tell", tell)
    scene.engine.feed([(made[0], scene.entries[RING])])
    scene.engine.tick(settle=True)
    assert scene.told(LOW) == [("raised", False)]


def test_the_feed_names_nobody(scene: Scene) -> None:
    scene.live(T0, (85, 300))
    (alert,) = scene.alerts(LOW)
    scene.records.alerts.comment(alert.id, "Mrs Smith rang", who="dentist", at_ms=T0 + 1, recorded_ms=2)
    with scene.records._database.read() as session:
        from gateway.service.records.tables_alerts import FeedRow

        documents = " ".join(row.document for row in session.query(FeedRow))
    assert "commented" in documents
    for name in ("Sleeper", "Smith", "dentist"):
        assert name not in documents

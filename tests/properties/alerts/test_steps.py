"""Whatever the cutting, the order or the snapshots: the same alerts."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alerts import devices, nights, spo2
from analytics.alerts.findings import Finding
from analytics.alerts.lifecycle import Acknowledge, Case, Snooze, State, Tick, begin, step
from analytics.alerts.reconcile import Known, reconcile
from analytics.alerts.thresholds import in_force

RULES = in_force()
T0 = 1_773_527_400_000
PARTS = st.lists(
    st.tuples(st.sampled_from([np.nan, 40.0, 80.0, 85.0, 88.0, 89.0, 90.0, 91.0, 97.0]), st.integers(1, 400)),
    min_size=1,
    max_size=12,
)


def again(state: spo2.Spo2State) -> spo2.Spo2State:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=spo2.Spo2State)


@settings(max_examples=150, deadline=None)
@given(PARTS, st.lists(st.integers(0, 2000), max_size=8), st.sampled_from([250, 1000, 4000]), st.data())
def test_spo2_is_the_same_in_any_pieces_and_after_any_snapshot(
    parts: list[tuple[float, int]], cuts: list[int], dt_ms: int, data: st.DataObject
) -> None:
    spo2_pct = np.concatenate([np.full(count, level, np.float32) for level, count in parts])
    flags = np.zeros(spo2_pct.size, np.uint16)
    flags[data.draw(st.integers(0, spo2_pct.size)) :][:30] = 4
    whole_state, whole = spo2.step(spo2.start(), T0, dt_ms, spo2_pct, flags, RULES["spo2_low"])
    state, found = spo2.start(), ()
    edges = sorted({0, spo2_pct.size, *(cut for cut in cuts if cut < spo2_pct.size)})
    for first, stop in itertools.pairwise(edges):
        chunk = spo2_pct[first:stop], flags[first:stop]
        state, more = spo2.step(again(state), T0 + first * dt_ms, dt_ms, *chunk, RULES["spo2_low"])
        found += more
        repeated, nothing = spo2.step(state, T0 + first * dt_ms, dt_ms, *chunk, RULES["spo2_low"])
        assert (repeated, nothing) == (state, ()), "a batch that comes twice is the same as once"
    assert (state, found) == (whole_state, whole)


@settings(max_examples=150, deadline=None)
@given(PARTS)
def test_spo2_agrees_with_the_rule_said_second_by_second(parts: list[tuple[float, int]]) -> None:
    """The rule as a person would write it down, without runs."""
    values = np.concatenate([np.full(count, level, np.float32) for level, count in parts])
    low = high = missing = raised = 0
    expected = []
    for second, value in enumerate(values.tolist()):
        if not 50 <= value <= 100:
            missing += 1
            if missing > 10:
                high = 0
                low = low if raised else 0
            continue
        missing = 0
        if value <= 88:
            low, high = low + 1, 0
            if raised < 3 and low >= (300, 900, 1800)[raised]:
                raised += 1
                expected.append((True, second + 1, raised))
        elif value <= 90:
            high = 0
            low = low if raised else 0
        else:
            high += 1
            low = low if raised else 0
            if raised and high == 60:
                expected.append((False, second + 1, raised))
                raised = low = high = 0
        if not raised and value > 88:
            low = high = 0
    _, found = spo2.step(spo2.start(), T0, 1000, values, None, RULES["spo2_low"])
    assert [(one.holds, (one.at_ms - T0) // 1000, one.grade) for one in found] == expected


BITS = st.lists(st.booleans(), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(BITS, BITS, st.lists(st.integers(1, 59), max_size=6))
def test_flags_are_the_same_in_any_pieces(fault: list[bool], clock: list[bool], cuts: list[int]) -> None:
    size = min(len(fault), len(clock))
    t_ms = T0 + 1000 * np.arange(size, dtype=np.int64)
    columns = np.array(fault[:size]), np.array(clock[:size])

    def run(edges: list[int]) -> tuple[devices.DeviceState, list[Finding]]:
        state, found = devices.DeviceState(), []
        for first, stop in itertools.pairwise(edges):
            part = slice(first, stop)
            last = int(t_ms[stop - 1])
            report = devices.Report(
                int(t_ms[first]), last, t_ms=t_ms[part], fault=columns[0][part], clock_lost=columns[1][part]
            )
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=devices.DeviceState)
            state, more = devices.step(state, report, RULES, last)
            found += more
        return state, sorted(found, key=lambda one: (one.at_ms, one.rule))

    assert run(sorted({0, size, *(cut for cut in cuts if cut < size)})) == run([0, size])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.lists(st.integers(0, 2000), max_size=10))
def test_silence_is_the_same_however_often_time_is_told(gaps_h: list[int], looks_h: list[int]) -> None:
    """Contacts at given gaps; looks in between change nothing but when it is known."""
    contacts = [T0 + sum(gaps_h[:number]) * 3_600_000 for number in range(len(gaps_h) + 1)]
    end_ms = contacts[-1] + 500 * 3_600_000

    def run(looks: list[int]) -> list[Finding]:
        state, found = devices.DeviceState(), []
        moments = [(at_ms, 0) for at_ms in contacts] + [(at_ms, 1) for at_ms in [*looks, end_ms]]
        for at_ms, order in sorted(moments):
            state, more = devices.on_time(state, at_ms - 1 if order == 0 else at_ms, RULES)
            found += more
            if order == 0:
                state, more = devices.step(state, devices.Report(at_ms, at_ms), RULES, at_ms)
                found += more
        return found

    assert run([T0 + look * 3_600_000 for look in looks_h if T0 + look * 3_600_000 < end_ms]) == run([])


VALUE = st.one_of(st.none(), st.sampled_from([0.0, 20.0, 45.0, 100.0, 250.0, 400.0]))
NIGHTS = st.lists(
    st.tuples(VALUE, st.sampled_from([5.0, 10.0, 30.0, None]), st.sampled_from([60.0, 80.0, 82.0, 90.0]), VALUE),
    min_size=1,
    max_size=25,
)


def facts(number: int, wear: float | None, odi: float | None, nadir: float, suspect: float | None) -> nights.NightFacts:
    start_ms = T0 + number * 86_400_000
    return nights.NightFacts(
        date(2026, 3, 1) + timedelta(days=number),
        start_ms,
        start_ms + 28_800_000,
        valid_h=7.0,
        odi=odi,
        burden=odi,
        nadir_pct=nadir,
        wear_min=wear,
        suspect_min=suspect,
    )


@settings(max_examples=80, deadline=None)
@given(NIGHTS, st.randoms(use_true_random=False))
def test_nights_in_any_order_end_in_the_same_alerts(
    rows: list[tuple[float | None, float | None, float, float | None]], random
) -> None:
    """Streamed, shuffled or whole: the episodes agree, and so do the alerts that reconciling them leaves open."""
    whole = [facts(number, *row) for number, row in enumerate(rows)]
    expected = nights.evaluate(whole, RULES)
    shuffled = list(whole)
    random.shuffle(shuffled)
    for order in (whole, shuffled):
        state, cases = nights.start(), {rule: [] for rule in nights.RULES}
        latest = 0
        found = ()
        for one in order:
            state, found = nights.step(state, one, RULES)
            for rule, alerts in cases.items():
                known = [Known(case.from_ms, case.raised_ms, case.resolved_ms, case.grade) for case in alerts]
                mine = [episode for episode in found if episode.rule == rule]
                for finding in reconcile(rule, known, mine, since_ms=one.start_ms, late=one.end_ms < latest):
                    take(alerts, finding)
            latest = max(latest, one.end_ms)
        assert found == expected
        for rule, alerts in cases.items():
            open_ones = [case for case in alerts if case.state is not State.RESOLVED]
            lasting = [episode for episode in expected if episode.rule == rule and episode.over_ms is None]
            assert len(open_ones) == len(lasting), rule
            if order is whole:
                assert [(case.from_ms, case.raised_ms, case.resolved_ms) for case in alerts] == [
                    (one.from_ms, one.at_ms, one.over_ms) for one in expected if one.rule == rule
                ]
                assert not any(case.late or case.withdrawn for case in alerts)


def take(alerts: list[Case], finding: Finding) -> None:
    if alerts and alerts[-1].state is not State.RESOLVED:
        alerts[-1], _ = step(alerts[-1], finding, 1000)
    elif finding.holds:
        alerts.append(begin(finding, 1000)[0])


EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda at, grade: Finding("spo2_low", True, at, at, at, {}, grade), st.integers(1, 999), st.integers(1, 4)
        ),
        st.builds(lambda at: Finding("spo2_low", False, at, at, at, {}), st.integers(900, 999)),
        st.builds(Acknowledge, st.integers(1, 999)),
        st.builds(lambda at, length: Snooze(at, at + length), st.integers(1, 899), st.integers(1, 300)),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(EVENTS, st.lists(st.integers(1, 1500), max_size=8))
def test_an_alerts_life_is_the_same_however_often_time_is_told(events: list, ticks: list[int]) -> None:
    def order(event: object) -> tuple[int, int]:
        kind = 0 if isinstance(event, Finding) else 2 if isinstance(event, Tick) else 1
        return event.at_ms, kind  # type: ignore[attr-defined]  # every event has it

    def run(all_events: list) -> tuple[Case, list]:
        case, told = begin(Finding("spo2_low", True, 0, 0, 0, {}), 200)
        told = list(told)
        for event in sorted(all_events, key=order):
            if isinstance(event, Snooze) and case.state is State.RESOLVED:
                continue
            case = msgspec.json.decode(msgspec.json.encode(case), type=Case)
            case, changes = step(case, event, 200)
            told += changes
        return case, told

    assert run([*events, Tick(5000)]) == run([*events, *map(Tick, ticks), Tick(5000)])

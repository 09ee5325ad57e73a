"""The worklist over the API: who is in it, in which order, why, and whose it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gateway.service.access import Principal
from gateway.service.records import Records, Role
from gateway.service.views.worklist import worklist
from tests.integration.patients.conftest import Served
from tests.integration.patients.stories import CLINIC, LAST, NOW_MS, STORIES, Clinic


@pytest.fixture
def physician(served: Served) -> httpx.Client:
    return served.api(served.clinic.users[Role.PHYSICIAN])


def names(found: dict[str, Any]) -> list[str]:
    return [line["name"] for line in found["lines"]]


def lines(api: httpx.Client, **query: str) -> dict[str, Any]:
    answer = api.get("/worklist", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_most_urgent_first_and_who_needs_nothing_last(physician: httpx.Client) -> None:
    found = lines(physician)
    order = names(found)
    assert order[0] == "Case 104"  # an urgent alert
    assert set(order[1:4]) == {"Case 102", "Case 103", "Case 105"}  # warnings, the oldest first
    assert order.index("Case 102") < order.index("Case 103")
    calm = [line["name"] for line in found["lines"] if line["urgency"] == 0]
    assert order[-len(calm) :] == calm
    assert set(calm) == {"Case 101", "Case 107"}
    assert (found["total"], found["needing"]) == (len(STORIES), len(STORIES) - len(calm))


def test_each_line_says_why_and_how_it_goes(physician: httpx.Client) -> None:
    by_name = {line["name"]: line for line in lines(physician)["lines"]}
    kinds = {name: [one["kind"] for one in line["reasons"]] for name, line in by_name.items()}
    assert kinds["Case 102"][0] == "treatment_not_working"
    assert kinds["Case 103"] == ["mad_not_worn"]
    assert kinds["Case 105"] == ["device_silent", "follow_up"]  # the study is due today
    assert kinds["Case 106"] == ["no_data"]
    worn = by_name["Case 101"]
    assert worn["last_night"] == LAST.isoformat()
    assert (worn["nights_14"], worn["nights_30"]) == (14, 30)
    assert 2.0 < worn["odi4"]["mean"] < 6.0
    assert worn["wear_h"]["mean"] == pytest.approx(6.8, abs=0.6)
    assert worn["wear_h"]["before"] == pytest.approx(6.8, abs=0.6)
    unworn = by_name["Case 103"]
    assert unworn["wear_h"]["mean"] == 0.0
    assert by_name["Case 107"]["wear_h"] == {"mean": None, "before": None}  # no recorder's word is not "not worn"
    assert by_name["Case 105"]["heard_ms"] < by_name["Case 101"]["heard_ms"]
    assert by_name["Case 104"]["battery_pct"] == 12.0


@pytest.mark.parametrize("sort", ["odi4", "burden", "wear", "last_night", "nights_14", "nights_30", "heard", "name"])
def test_each_column_sorts_both_ways_and_what_is_not_known_stays_last(physician: httpx.Client, sort: str) -> None:
    up, down = lines(physician, sort=sort), lines(physician, sort=sort, descending="true")
    value = {
        "odi4": lambda line: line["odi4"]["mean"],
        "burden": lambda line: line["burden"]["mean"],
        "wear": lambda line: line["wear_h"]["mean"],
        "heard": lambda line: line["heard_ms"],
    }.get(sort, lambda line: line[sort])
    values = [value(line) for line in up["lines"]]
    known = [one for one in values if one is not None]
    assert known == sorted(known)
    assert values[len(known) :] == [None] * (len(values) - len(known))
    falling = [value(line) for line in down["lines"]]
    assert falling == sorted(known, reverse=True) + [None] * (len(values) - len(known))


def test_search_over_names_reasons_devices_in_any_case(physician: httpx.Client) -> None:
    assert names(lines(physician, search="CASE 101")) == ["Case 101"]
    assert names(lines(physician, search="worn row")) == ["Case 103"]
    assert names(lines(physician, search="o2ring-0000000004")) == ["Case 105"]
    assert lines(physician, search="nobody")["total"] == 0


def test_only_who_needs_attention_and_a_page_of_it(physician: httpx.Client) -> None:
    needing = lines(physician, needing="true")
    assert len(needing["lines"]) == needing["needing"]
    page = lines(physician, limit="2", offset="1")
    assert names(page) == names(lines(physician))[1:3]
    assert page["total"] == len(STORIES)


def test_a_team_cuts_the_list_and_anothers_is_hidden(served: Served) -> None:
    clinic = served.clinic
    records = clinic.records
    south = records.teams.add(CLINIC, "South")
    other = records.teams.add(CLINIC, "East")
    user = records.users.add(CLINIC, "both@clinic", Role.DENTIST, at_ms=0)
    for team in (clinic.team, south.id):
        records.teams.put_user(team, user.id, belongs=True)
    records.teams.put_patient(south.id, clinic.patients["Case 107"], belongs=True)
    api = served.api(user)
    assert names(lines(api, team=south.id)) == ["Case 107"]
    assert [one["name"] for one in lines(api)["teams"]] == ["North", "South"]
    assert api.get("/worklist", params={"team": other.id}).status_code == 404
    records.teams.put_user(clinic.team, user.id, belongs=False)
    assert names(lines(api)) == ["Case 107"]
    assert api.get("/worklist", params={"team": clinic.team}).status_code == 404


def test_who_is_in_no_team_sees_nobody(served: Served) -> None:
    user = served.clinic.records.users.add(CLINIC, "new@clinic", Role.COORDINATOR, at_ms=0)
    assert lines(served.api(user))["lines"] == []


def test_an_acknowledged_alert_waits_and_a_snoozed_one_rests(tmp_path: object, served: Served) -> None:
    records = served.clinic.records
    physician = served.api(served.clinic.users[Role.PHYSICIAN])
    patient = served.clinic.patients["Case 102"]
    alert = records.alerts.list(patient=patient, open_only=True)[0].id
    deed = {"who": "x", "at_ms": NOW_MS, "recorded_ms": NOW_MS}

    def urgency() -> int:
        line = next(one for one in lines(physician)["lines"] if one["name"] == "Case 102")
        return int(next(one["urgency"] for one in line["reasons"] if one["alert"] == alert))

    assert urgency() == 2
    records.alerts.acknowledge(alert, **deed)  # type: ignore[arg-type]
    assert urgency() == 1
    records.alerts.snooze(alert, NOW_MS + 3_600_000, **deed)  # type: ignore[arg-type]
    assert urgency() == 0
    records.alerts.tick(lambda _: NOW_MS + 3_600_000, lambda _rule, _subject: None, latest_ms=NOW_MS + 3_600_000,
                        recorded_ms=NOW_MS)  # fmt: skip
    assert urgency() == 2


def test_the_number_of_queries_does_not_grow_with_the_patients(tmp_path: object, tmp_path_factory: Any) -> None:
    counts = []
    for size in (1, 6):
        clinic = Clinic(tmp_path_factory.mktemp("few"), STORIES[5:6] * size)
        asked: list[str] = []
        engine = clinic.records._database._engine
        sa.event.listen(engine, "before_cursor_execute", lambda *given, asked=asked: asked.append(str(given[2])))
        who = Principal("x", frozenset({"read"}), clinic.users[Role.PHYSICIAN])
        from gateway.service.access import Access

        found = worklist(clinic.records, Access(clinic.records), who, now_ms=NOW_MS)
        assert found.total == size
        counts.append(len(asked))
        clinic.close()
    assert counts[0] == counts[1] < 25


def test_a_night_that_comes_is_there_at_the_next_look(served: Served) -> None:
    records: Records = served.clinic.records
    physician = served.api(served.clinic.users[Role.PHYSICIAN])
    before = next(one for one in lines(physician)["lines"] if one["name"] == "Case 107")
    device = next(one for one in before["devices"] if one.startswith("o2ring"))
    newest = records.results.nights(device=device, limit=1)[0]
    from dataclasses import replace

    night = LAST - timedelta(6)
    records.results.replace_night(
        replace(newest, night=night, start_ms=newest.start_ms - 6 * 86_400_000, end_ms=newest.end_ms - 6 * 86_400_000),
        (),
    )
    after = next(one for one in lines(physician)["lines"] if one["name"] == "Case 107")
    assert after["nights_14"] == before["nights_14"] + 1

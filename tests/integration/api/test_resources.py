"""What the API says about devices, nights, samples and itself, over a real store and real records."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.errors import ServerError
from gateway.service.api import ServiceStatus, create_token, serve
from gateway.service.nights import night_bounds
from gateway.service.records import Rejected
from tests.integration.api.conftest import Service
from tests.integration.api.synthetic import DEVICE, GATEWAY, NIGHT, NOW_MS, OTHER, SIZE, START_MS, ZONE

NIGHT_PATH = f"/api/v1/nights/{DEVICE}/{NIGHT.isoformat()}"


def test_devices(service: Service) -> None:
    listed = service.get("/api/v1/devices").json()
    assert [device["id"] for device in listed] == [DEVICE]
    one = service.get(f"/api/v1/devices/{DEVICE}").json()
    assert one == listed[0]
    assert (one["gateway"], one["model"], one["battery_pct"], one["zone"]) == (GATEWAY, "O2Ring", 64.0, ZONE)


def test_a_night_with_its_indices_and_bounds(service: Service) -> None:
    night = service.get(NIGHT_PATH).json()
    assert (night["state"], night["profile"], night["version"]) == ("closed", "peak", "1")
    assert night["noon_ms"] == list(night_bounds(NIGHT, ZONE))
    assert night["noon_ms"][1] - night["noon_ms"][0] == 23 * 3_600_000
    assert night["now_ms"] == NOW_MS
    assert night["indices"]["mean_spo2"] == pytest.approx(np.nanmean(service.night.spo2), abs=1e-3)
    listed = service.get("/api/v1/nights").json()
    assert listed["now_ms"] == NOW_MS
    assert [{**one, "now_ms": NOW_MS} for one in listed["nights"]] == [night]


def test_nights_are_chosen_by_date_and_device(service: Service) -> None:
    def count(**parameters: str) -> int:
        return len(service.get("/api/v1/nights", **parameters).json()["nights"])

    day, before, after = NIGHT.isoformat(), str(NIGHT - timedelta(1)), str(NIGHT + timedelta(1))
    assert count(**{"from": day, "to": day}) == count(device=DEVICE) == 1
    assert count(**{"from": after}) == count(to=before) == 0


def test_all_samples_of_a_night(service: Service) -> None:
    body = service.get(f"{NIGHT_PATH}/samples", points=SIZE, columns="spo2,pulse").json()
    assert (body["total"], body["bucket_ms"], body["interval_ms"]) == (SIZE, 0, 1000)
    assert body["t_ms"] == list(range(START_MS, START_MS + SIZE * 1000, 1000))
    spo2 = np.array([np.nan if value is None else value for value in body["columns"]["spo2"]], "f4")
    np.testing.assert_array_equal(spo2, service.night.spo2)
    assert list(body["columns"]) == ["spo2", "pulse"]
    assert set(body["stored"]) == {0}


def test_fewer_samples_keep_the_nadir(service: Service) -> None:
    body = service.get(f"{NIGHT_PATH}/samples", points=600, columns="spo2,pulse").json()
    assert 300 < len(body["t_ms"]) <= 600
    assert body["total"] == SIZE
    values = [value for value in body["columns"]["spo2"] if value is not None]
    assert min(values) == np.nanmin(service.night.spo2)
    assert None in body["columns"]["spo2"]
    places = (np.array(body["t_ms"]) - START_MS) // 1000
    for place, value in zip(places, body["columns"]["pulse"], strict=True):
        assert value is None or value == service.night.pulse[place]


def test_all_columns_unless_some_are_asked_for(service: Service) -> None:
    body = service.get(f"{NIGHT_PATH}/samples", points=100).json()
    assert set(body["columns"]) == {"spo2", "pulse", "perfusion", "motion", "flags"}
    assert set(body["columns"]["perfusion"]) == {None}


def test_a_part_of_a_night(service: Service) -> None:
    body = service.get(f"{NIGHT_PATH}/samples", start_ms=START_MS + 10_000, end_ms=START_MS + 20_000).json()
    assert body["t_ms"] == list(range(START_MS + 10_000, START_MS + 20_000, 1000))
    before, after = service.get(f"{NIGHT_PATH}/samples", end_ms=1).json(), (1 << 43) - 1
    assert (before["total"], before["start_ms"], before["end_ms"]) == (0, *[night_bounds(NIGHT, ZONE)[0]] * 2)
    assert service.get(f"{NIGHT_PATH}/samples", start_ms=after).json()["total"] == 0


def test_origins_are_told_apart(service: Service) -> None:
    totals = {
        origin: service.get(f"{NIGHT_PATH}/samples", origin=origin).json()["total"]
        for origin in ("live", "stored", "resolved")
    }
    assert totals == {"live": SIZE, "stored": 0, "resolved": SIZE}


def test_a_night_or_kind_without_samples_is_empty_not_missing(service: Service) -> None:
    for path, kind in ((f"/api/v1/nights/{DEVICE}/2020-01-01/samples", "oximetry"), (f"{NIGHT_PATH}/samples", "wear")):
        body = service.get(path, kind=kind).json()
        assert (body["total"], body["t_ms"], body["interval_ms"]) == (0, [], None)


def test_desaturations_in_order(service: Service) -> None:
    body = service.get(f"{NIGHT_PATH}/desaturations").json()
    assert (body["profile"], body["state"]) == ("peak", "closed")
    assert [one["start_ms"] for one in body["desaturations"]] == [one.start_ms for one in service.night.desaturations]
    first = service.night.desaturations[0]
    assert body["desaturations"][0]["nadir"] == first.nadir
    assert service.get(f"{NIGHT_PATH}/desaturations", profile="peak").json() == body


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (f"/api/v1/devices/{OTHER}", f"no such device: {OTHER}"),
        (f"/api/v1/nights?device={OTHER}", f"no such device: {OTHER}"),
        (f"/api/v1/nights/{OTHER}/2026-03-28/samples", f"no such device: {OTHER}"),
        (f"/api/v1/nights/{DEVICE}/2020-01-01", f"no results for {DEVICE} in the night of 2020-01-01"),
        (f"{NIGHT_PATH}/desaturations?profile=other", f"no results for {DEVICE} in the night of {NIGHT}"),
        ("/api/v1/nowhere", "Not Found"),
    ],
)
def test_what_is_not_there_is_a_problem_document(service: Service, path: str, detail: str) -> None:
    answer = service.get(path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": detail}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/devices/UPPER",
        "/api/v1/devices/" + "a" * 65,
        "/api/v1/devices/a%20b",
        f"/api/v1/nights/{DEVICE}/2026-02-30",
        f"/api/v1/nights/{DEVICE}/yesterday",
        "/api/v1/nights?from=2026-03-02&to=2026-03-01",
        "/api/v1/nights?limit=0",
        "/api/v1/nights?limit=1001",
        f"{NIGHT_PATH}/samples?kind=blood",
        f"{NIGHT_PATH}/samples?points=1",
        f"{NIGHT_PATH}/samples?points=100001",
        f"{NIGHT_PATH}/samples?points=3&columns=spo2,pulse",
        f"{NIGHT_PATH}/samples?columns=spo3",
        f"{NIGHT_PATH}/samples?columns=",
        f"{NIGHT_PATH}/samples?origin=guessed",
        f"{NIGHT_PATH}/samples?start_ms=-1",
        f"{NIGHT_PATH}/samples?end_ms={1 << 43}",
        "/api/v1/set-aside?limit=x",
        "/api/v1/set-aside?reason=%00",
        f"{NIGHT_PATH}?profile=%00",
        f"{NIGHT_PATH}?profile={'p' * 65}",
    ],
)
def test_what_obeys_no_rule_is_a_problem_document(service: Service, path: str) -> None:
    answer = service.get(path)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["title"]) == (422, HTTPStatus.UNPROCESSABLE_ENTITY.phrase)
    assert body["detail"]


@given(
    path=st.sampled_from(["nights", f"nights/{DEVICE}/{NIGHT}", f"nights/{DEVICE}/{NIGHT}/samples", "set-aside"]),
    parameters=st.dictionaries(
        st.sampled_from(["device", "from", "to", "limit", "profile", "kind", "points", "columns", "end_ms", "reason"]),
        st.one_of(st.text(max_size=20), st.integers().map(str), st.dates().map(str), st.just(DEVICE)),
        max_size=3,
    ),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_is_no_server_error(service: Service, path: str, parameters: dict[str, str]) -> None:
    answer = service.get(f"/api/v1/{path}", **parameters)
    assert answer.status_code in (200, 404, 422)
    assert answer.status_code == 200 or answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_no_server_error(service: Service, day: str) -> None:
    assert service.get(f"/api/v1/nights/{DEVICE}/{day}/samples").status_code in (200, 422)


def test_a_method_that_is_not_offered(service: Service) -> None:
    token = create_token(service.records, "writer", ["write"], created_ms=0)
    answer = httpx.post(service.url + "/api/v1/devices", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["title"]) == (405, "Method Not Allowed")


def test_set_aside_messages_are_counted_and_their_content_is_not_shown(service: Service) -> None:
    message = Rejected(5, GATEWAY, "somnolink/v1/home-1/up/x/oximetry", "decode", "no CBOR", b"\xff\xfe")
    service.records.set_aside.add([message, replace(message, reason="unknown_device", received_ms=6)])
    body = service.get("/api/v1/set-aside").json()
    assert body["counts"] == {"decode": 1, "unknown_device": 1}
    assert [one["received_ms"] for one in body["messages"]] == [6, 5]
    assert body["messages"][1]["size"] == 2
    assert "payload" not in body["messages"][0]
    assert len(service.get("/api/v1/set-aside", reason="decode").json()["messages"]) == 1


def test_ready_says_what_is_wrong(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = service.get("/api/v1/ready")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert set(answer.json()["checks"]) == {"broker", "store", "records"}
    monkeypatch.setattr(service, "status", ServiceStatus(False, "broker away since 22:14"))
    answer = service.get("/api/v1/ready")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert answer.json()["checks"]["broker"] == {"ok": False, "detail": "broker away since 22:14"}
    assert answer.json()["checks"]["store"]["ok"]


def test_metrics_tell_the_state_and_name_no_device(service: Service) -> None:
    reader = create_token(service.records, "metrics-test", ["metrics"], created_ms=0)
    service.get(f"/api/v1/devices/{DEVICE}")
    text = service.get("/metrics", token=reader).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["somnolink_broker_up"].samples[0].value == 1
    assert families["somnolink_samples_stored"].samples[0].value == 12
    assert families["somnolink_devices"].samples[0].value == 1
    nights = {sample.labels["state"]: sample.value for sample in families["somnolink_nights"].samples}
    assert nights == {"running": 0, "closed": 1, "revised": 0}
    routes = {sample.labels["route"] for sample in families["somnolink_http_request_seconds"].samples}
    assert any("{device}" in route for route in routes)
    assert DEVICE not in text


def test_a_busy_port_is_one_clear_line(service: Service) -> None:
    port = int(service.url.rpartition(":")[2])
    with pytest.raises(ServerError, match=f"cannot listen at 127.0.0.1:{port}: Address already in use"):
        serve(service.app, "127.0.0.1", port)
    with pytest.raises(ServerError, match="no such port"):
        serve(service.app, "127.0.0.1", 65_536)
    with pytest.raises(ServerError, match=r"cannot listen at nowhere\.invalid"):
        serve(service.app, "nowhere.invalid", 0)


def test_a_stopped_server_lets_go_of_its_port(service: Service) -> None:
    server = serve(service.app, "127.0.0.1", 0)
    port = int(server.url.rpartition(":")[2])
    assert httpx.get(server.url + "/api/v1/health").json() == {"status": "ok"}
    server.stop()
    server.stop()
    with socket.create_server(("127.0.0.1", port)):
        pass

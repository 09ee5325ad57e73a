"""A patient's night over the API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.api.models_night_view import NightViewOut
from tests.integration.views import night_scene as scene


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scene.Home]:
    made = scene.whole(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(home: scene.Home) -> Iterator[httpx.Client]:
    app = create_app(home.records, home.store, status=lambda: ServiceStatus(True, ""), clock=home.clock)
    token = create_token(home.records, "view", ["read"], created_ms=0)
    with (
        serve(app, "127.0.0.1", 0) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        yield client


def path(home: scene.Home, night: str = scene.NIGHT.isoformat()) -> str:
    return f"/api/v1/patients/{home.patient.id}/nights/{night}/view"


def test_the_answer_is_what_the_description_says(api: httpx.Client, home: scene.Home) -> None:
    answer = api.get(path(home))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    found = NightViewOut.model_validate_json(answer.content, strict=False)
    assert (found.patient, found.night, found.state) == (home.patient.id, scene.NIGHT, "closed")
    assert set(answer.json()) == set(NightViewOut.model_fields)
    spo2 = found.view.lanes["spo2"]
    assert None in spo2.values
    assert min(value for value in spo2.values if value is not None) == np.nanmin(home.samples.spo2)
    assert home.patient.name not in answer.text


def test_zooming_asks_for_a_part(api: httpx.Client, home: scene.Home) -> None:
    begin = scene.START_MS + 900_000
    part = api.get(path(home), params={"start_ms": begin, "end_ms": begin + 1_200_000, "points": 5000}).json()
    assert part["view"]["lanes"]["spo2"]["t_ms"] == list(range(begin, begin + 1_200_000, 1000))
    whole = api.get(path(home)).json()
    meeting = [one for one in whole["desaturations"] if begin <= one["end_ms"] and one["start_ms"] <= begin + 1_200_000]
    assert 0 < len(meeting) < len(whole["desaturations"])
    assert part["desaturations"] == meeting
    assert part["indices"] == whole["indices"]


def test_a_night_of_which_nothing_is_known_is_empty(api: httpx.Client, home: scene.Home) -> None:
    found = api.get(path(home, "2020-01-01")).json()
    assert (found["state"], found["recorded_ms"], found["view"]["lanes"]) == ("empty", None, {})
    assert (found["previous"], found["next"]) == (None, "2026-03-27")


@pytest.mark.parametrize(
    ("night", "parameters", "status"),
    [
        ("yesterday", {}, 422),
        ("2026-03-28", {"points": 1}, 422),
        ("2026-03-28", {"points": 100_001}, 422),
        ("2026-03-28", {"start_ms": -1}, 422),
        ("2026-03-28", {"end_ms": 1 << 43}, 422),
    ],
)
def test_what_cannot_be_asked_is_refused(
    api: httpx.Client, home: scene.Home, night: str, parameters: dict[str, int], status: int
) -> None:
    assert api.get(path(home, night), params=parameters).status_code == status


def test_there_is_no_such_patient(api: httpx.Client) -> None:
    assert api.get("/api/v1/patients/p-0123456789ab/nights/2026-03-28/view").status_code == 404

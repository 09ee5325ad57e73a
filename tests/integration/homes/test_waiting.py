"""A device that goes from one to the next: what nobody had waits, and nobody reads what another slept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pypdfium2 import PdfDocument

from gateway.service.api import serve
from gateway.service.patient_nights import patient_nights
from gateway.service.records import Assignment, Records, Role
from gateway.service.store.sqlite import SqliteStore
from gateway.service.unassigned import gaps, unassigned
from tests.integration.access.scene import Scene
from tests.integration.api import synthetic
from tests.integration.api.synthetic import DEVICE, NIGHT, SIZE, START_MS

END_MS = START_MS + SIZE * 1000
NIGHT_PATH = f"/api/v1/nights/{DEVICE}/{NIGHT.isoformat()}"
PERIOD = f"from={NIGHT.isoformat()}&to={NIGHT.isoformat()}"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """One night of one device, which is the first patient's; the second (`other`) is another team's."""
    made = Scene(tmp_path)
    with serve(made.app(), "127.0.0.1", 0) as server:
        made.url = server.url
        yield made
    made.store.close()
    made.records.close()


def waiting(scene: Scene, role: Role = Role.COORDINATOR, place: str = "near") -> list[dict[str, object]]:
    answer = scene.ask("GET", "/api/v1/unassigned", scene.tokens[role, place])
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.json()
    return found


def night_of(scene: Scene, place: str, path: str = NIGHT_PATH) -> httpx.Response:
    return scene.ask("GET", path, scene.tokens[Role.DENTIST, place])


def everything_about(scene: Scene, patient: str, place: str) -> dict[str, httpx.Response]:
    """All that a dentist who cares for a patient can ask for of that night."""
    about = f"/api/v1/patients/{patient}"
    paths = {
        "nights": "/api/v1/nights",
        "night": NIGHT_PATH,
        "samples": f"{NIGHT_PATH}/samples",
        "desaturations": f"{NIGHT_PATH}/desaturations",
        "stretches": f"{NIGHT_PATH}/stretches",
        "joined": f"{about}/nights?{PERIOD}",
        "outlook": f"{about}/outlook?{PERIOD}",
        "alerts": "/api/v1/alerts",
        "feed": "/api/v1/feed/clinic/events",
        "csv": f"{about}/report?format=csv&{PERIOD}",
        "samples as csv": f"{about}/report?format=csv&night={NIGHT.isoformat()}",
        "fhir": f"{about}/report?format=fhir&{PERIOD}",
        "edf": f"{about}/report?format=edf&night={NIGHT.isoformat()}",
        "pdf": f"{about}/report?format=pdf&{PERIOD}",
    }
    return {name: night_of(scene, place, path) for name, path in paths.items()}


def test_the_next_wearer_gets_nothing_of_the_last_ones_night_anywhere(scene: Scene) -> None:
    scene.records.assignments.end(scene.assignment, to_ms=END_MS + 1)
    scene.records.assignments.assign(DEVICE, scene.other, from_ms=END_MS + 1)
    told = everything_about(scene, scene.other, "clinic")
    for name in ("night", "desaturations", "stretches"):
        assert told[name].status_code == 404, name
    assert told["samples"].json()["t_ms"] == []  # of a night whose last hours are theirs, the hours
    assert [night["night"] for night in told["nights"].json()["nights"]] == []
    assert told["joined"].json() == []
    assert (told["alerts"].json()["alerts"], told["feed"].json()["events"]) == ([], [])
    assert (told["outlook"].json()["nights"], told["outlook"].json()["first"]) == (0, None)
    assert len(told["csv"].text.splitlines()) == 1  # the names of the columns
    for name in ("samples as csv", "edf"):
        assert told[name].status_code == 422, name
    assert all(entry["resource"]["resourceType"] != "Observation" for entry in told["fhir"].json()["entry"])
    text = PdfDocument(told["pdf"].content)
    assert "No night" in " ".join(page.get_textpage().get_text_range() for page in text)
    # and the one who slept it still has all of it
    own = everything_about(scene, scene.patient, "near")
    assert {answer.status_code for answer in own.values()} == {200}
    assert own["nights"].json()["nights"][0]["night"] == NIGHT.isoformat()
    assert "59408-5" in own["fhir"].text


def test_a_night_that_nobody_slept_waits_and_becomes_whose_it_is_given_to(scene: Scene) -> None:
    scene.records.assignments.end(scene.assignment, to_ms=START_MS - 1)
    assert waiting(scene) == [
        {
            "device": DEVICE,
            "home": synthetic.GATEWAY,
            "kind": "oximetry",
            "from_ms": START_MS,
            "to_ms": END_MS,
            "nights": 1,
            "samples": SIZE,
        }
    ]
    assert scene.records.assignments.unassigned() == (1, 1)
    assert night_of(scene, "near").status_code == 404
    given = {"device": DEVICE, "from_ms": START_MS, "to_ms": END_MS}
    path = f"/api/v1/patients/{scene.other}/assignments"
    assert scene.ask("POST", path, scene.tokens[Role.DENTIST, "clinic"], given).status_code == 201
    assert waiting(scene) == []
    assert scene.records.assignments.unassigned() == (0, 0)
    told = night_of(scene, "clinic", f"{NIGHT_PATH}/samples?points=100000").json()
    assert (len(told["t_ms"]), told["t_ms"][0]) == (SIZE, START_MS)
    assert night_of(scene, "near").status_code == 404


def test_a_night_that_ended_before_midnight_is_whose_what_waited_of_it_was_given_to(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    with SqliteStore(tmp_path / "samples.db") as store:
        synthetic.fill(store, records, size=3600)
        patient = records.people.add_patient("clinic", "The Patient", zone=synthetic.ZONE, at_ms=0)
        (one,) = unassigned(records, store, [DEVICE])
        records.assignments.assign(DEVICE, patient.id, from_ms=one.from_ms, to_ms=one.to_ms)
        assert unassigned(records, store, [DEVICE]) == []
        assert [night.night for night in patient_nights(records, patient, NIGHT, NIGHT)] == [NIGHT]
    records.close()


def test_only_the_part_that_nobody_had_waits(scene: Scene) -> None:
    change_ms = START_MS + 5 * 3_600_000
    scene.records.assignments.end(scene.assignment, to_ms=change_ms)
    (one,) = waiting(scene)
    assert (one["from_ms"], one["to_ms"], one["samples"]) == (change_ms, END_MS, 3 * 3600)
    assert one["nights"] == 0  # whose midnight it was has it


def test_it_is_told_to_the_clinics_staff_and_to_nobody_else(scene: Scene) -> None:
    scene.records.assignments.end(scene.assignment, to_ms=START_MS - 1)
    for role in (Role.ADMINISTRATOR, Role.PHYSICIAN, Role.DENTIST, Role.COORDINATOR):
        assert [len(waiting(scene, role, place)) for place in ("near", "clinic", "elsewhere")] == [1, 1, 0]
    refused = scene.ask("GET", "/api/v1/unassigned", scene.tokens[Role.PATIENT, "near"])
    assert refused.status_code == 403
    assert len(scene.ask("GET", "/api/v1/unassigned", scene.program).json()) == 1


@pytest.mark.parametrize(
    ("held", "waits"),
    [
        ([], [(10, 20)]),
        ([(0, 10)], [(10, 20)]),
        ([(20, None)], [(10, 20)]),
        ([(0, None)], []),
        ([(10, 20)], []),
        ([(12, 14)], [(10, 12), (14, 20)]),
        ([(14, 16), (11, 12)], [(10, 11), (12, 14), (16, 20)]),
        ([(0, 15), (15, None)], []),
        ([(0, 15), (16, 18)], [(15, 16), (18, 20)]),
    ],
)
def test_gaps(held: list[tuple[int, int | None]], waits: list[tuple[int, int]]) -> None:
    assert gaps((10, 20), [Assignment("a", "d", "p", first, last) for first, last in held]) == waits

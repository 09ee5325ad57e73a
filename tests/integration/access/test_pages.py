"""Every page x every role x own team, other team, other clinic, nobody: as this table says, page by page.

Letters and places are those of `test_table`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateway.errors import StoreUnavailableError
from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.api import serve
from gateway.service.records import Role
from gateway.service.web.pages import load
from gateway.service.web.registry import PAGES, page
from tests.integration.access.scene import Scene
from tests.integration.access.test_table import MEANT, ROLES
from tests.integration.access.visitor import Visitor, ask
from tests.integration.api import synthetic

load()

EXPECTED: dict[str, dict[str, str]] = {
    "/": {"anyone": "APDCS"},
    "/patients/{patient}": {"near": "PDCS"},
    "/patients/{patient}/nights/{night}": {"near": "PDCS"},
    "/account": {"anyone": "APDCS"},
    "/alerts": {"anyone": "PDC"},
    "/devices": {"anyone": "APDCS"},
    "/settings": {"anyone": "APDC"},
    "/users": {"anyone": "A"},
    "/audit": {"anyone": "A"},
}


def filled(scene: Scene, path: str) -> str:
    return path.format(patient=scene.patient, night=synthetic.NIGHT.isoformat(), device=synthetic.DEVICE)


def test_every_page_stands_in_the_table() -> None:
    assert set(PAGES) == set(EXPECTED)


@pytest.mark.parametrize("path", EXPECTED)
def test_who_sees_it(scene: Scene, path: str) -> None:
    allowed = {
        (ROLES[letter], place)
        for distance, letters in EXPECTED[path].items()
        for letter in letters
        for place in MEANT[distance]
    }
    answers = {key: ask(scene.url, filled(scene, path), scene.session(*key)) for key in scene.tokens}
    assert {answer.status_code for answer in answers.values()} <= {200, 403, 404}
    assert {key for key, answer in answers.items() if answer.status_code == 200} == allowed
    for answer in answers.values():
        assert "informs. It does not diagnose" in answer.text
    nobody = ask(scene.url, filled(scene, path))
    assert (nobody.status_code, nobody.headers["location"].partition("?")[0]) == (303, "/sign-in")
    assert ask(scene.url, filled(scene, path), "stale").status_code == 303


@pytest.mark.parametrize("path", EXPECTED)
def test_a_page_that_is_opened_is_in_the_audit(scene: Scene, path: str) -> None:
    role = ROLES[next(iter(EXPECTED[path].values()))[0]]
    before = scene.records.audit.last().number
    token = scene.session(role, "near")
    ask(scene.url, filled(scene, path), token)
    told = [one.what for one in scene.records.audit.after(before) if one.action == PAGES[path].action]
    assert told == ([] if PAGES[path].action is Action.OWN_ACCOUNT else [f"GET {filled(scene, path)}"])


def test_the_start_leads_to_sign_in_and_back(scene: Scene) -> None:
    assert ask(scene.url, "/alerts?show=unseen").headers["location"] == "/sign-in?next=/alerts%3Fshow%3Dunseen"
    assert ask(scene.url, "/sign-in").status_code == 200


def test_a_token_is_no_way_into_a_page(scene: Scene) -> None:
    answer = ask(scene.url, "/alerts", Authorization=f"Bearer {scene.tokens[Role.DENTIST, 'near']}")
    assert answer.status_code == 303


def test_only_reading_opens_a_page(scene: Scene) -> None:
    cookies = {"somnolink_session": scene.session(Role.DENTIST, "near")}
    for method in ("POST", "PUT", "DELETE"):
        assert httpx.request(method, f"{scene.url}/alerts", cookies=cookies).status_code in (403, 404, 405)


def test_the_policy_is_loose_for_pages_alone(scene: Scene) -> None:
    token = scene.session(Role.DENTIST, "near")
    policies = {
        path: ask(scene.url, path, token).headers["content-security-policy"]
        for path in ("/alerts", "/sign-in", "/api/v1/me", "/nowhere", "/static/pages.js")
    }
    loose = {path for path, policy in policies.items() if "unsafe" in policy}
    assert loose == {"/alerts"}
    assert "http" not in "".join(policies.values())


async def test_what_a_page_is_made_of_is_open_and_kept(scene: Scene) -> None:
    page = ask(scene.url, "/alerts", scene.session(Role.DENTIST, "near")).text
    script = page.partition('src="/_nicegui/')[2].partition('"')[0]
    answer = ask(scene.url, f"/_nicegui/{script}")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["cache-control"]
    assert ask(scene.url, "/_nicegui/nothing").status_code == 404


@pytest.fixture
def broken() -> Iterator[None]:
    """Pages that go wrong while they are built."""

    @page("/broken", Action.OWN_ACCOUNT, Target.SERVICE)
    def build(at: object) -> None:
        raise RuntimeError("a secret of the inside")

    @page("/away", Action.OWN_ACCOUNT, Target.SERVICE)
    async def away(at: object) -> None:
        raise StoreUnavailableError("host db.example refused")

    yield
    del PAGES["/broken"], PAGES["/away"]


@pytest.mark.parametrize(
    ("path", "status", "said"), [("/broken", 500, "went wrong"), ("/away", 503, "Nothing is lost")]
)
def test_what_goes_wrong_is_one_line(broken: None, scene: Scene, path: str, status: int, said: str) -> None:
    answer = ask(scene.url, path, scene.session(Role.DENTIST, "near"))
    assert answer.status_code == status
    assert said in answer.text
    assert "secret" not in answer.text
    assert "db.example" not in answer.text
    assert "sl-header" in answer.text


async def test_a_server_is_stopped_under_open_pages_and_started_anew_with_other_records(tmp_path: Path) -> None:
    scenes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        scenes.append(Scene(tmp_path / name))
    for scene, patient in zip(scenes, ("First", "Second"), strict=True):
        found = scene.records.people.patient(scene.patient)
        assert found is not None
        scene.records.people.change_patient(replace(found, name=patient))
        server = serve(scene.app(), "127.0.0.1", 0)
        scene.url = server.url
        visitor = Visitor(server.url, "/alerts", scene.session(Role.DENTIST, "near"))
        await visitor.connect()
        assert any(patient in str(element.get("text")) for element in visitor.elements.values())
        server.stop()
        with pytest.raises(httpx.ConnectError):
            ask(server.url, "/sign-in")
        scene.store.close()
        scene.records.close()


def test_made_up_data_are_labelled(scene: Scene) -> None:
    records = scene.records
    records.people.add_clinic("clinic-demo-1", "Demo", at_ms=0)
    user = records.users.add("clinic-demo-1", "demo", Role.DENTIST, at_ms=0)
    token = scene.sign_in.start_by_link(scene.sign_in.link(user.id).text, address="").token
    assert "Demo data" in ask(scene.url, "/alerts", token).text
    assert "Demo data" not in ask(scene.url, "/alerts", scene.session(Role.DENTIST, "near")).text

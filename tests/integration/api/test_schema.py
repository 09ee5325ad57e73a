"""The API held against its own description: what it answers is what it says that it answers, and never a 5xx.

Event streams are apart: they do not end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from gateway.service.access import Action
from gateway.service.api import serve
from gateway.service.api.route_rules import OPEN, ROUTE_RULES
from gateway.service.records import Role
from tests.integration.access.scene import Scene
from tests.integration.api import synthetic

EXAMPLES = 4
"""An operation; forty of each were tried once, and found nothing more."""

STREAMS = {"/api/v1/feed/{clinic}"}

load_all_checks()
ASKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)


@dataclass
class Described:
    """A served application, its description, and how to ask as whom."""

    scene: Scene
    schema: Any
    session: requests.Session


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    scene = Scene(tmp_path_factory.mktemp("described"))
    app = scene.app()
    with serve(app, "127.0.0.1", 0) as server, requests.Session() as session:
        scene.url = server.url
        yield Described(scene, schemathesis.openapi.from_dict(app.openapi()), session)
    scene.store.close()
    scene.records.close()


def known(scene: Scene) -> dict[str, str]:
    """Ids of what there is, by the name of the path's parameter."""
    return {
        "device": synthetic.DEVICE,
        "night": synthetic.NIGHT.isoformat(),
        "clinic": "clinic",
        "patient": scene.patient,
        "team": scene.spare,
        "user": scene.user,
        "assignment": scene.assignment,
        "alert": scene.alert,
        "home": synthetic.GATEWAY,
    }


def who(scene: Scene, method: str, path: str) -> dict[str, str]:
    """The headers of somebody who may do it."""
    action, _ = ROUTE_RULES.get((method, path.removeprefix("/api/v1")), (Action.OWN_ACCOUNT, None))
    if action is Action.OWN_ACCOUNT:
        session = scene.session(Role.DENTIST, "near")
        return {"Cookie": f"somnolink_session={session}", "Sec-Fetch-Site": "same-origin"}
    people = (Action.MANAGE_PEOPLE, Action.READ_AUDIT, Action.MANAGE_HOMES)
    token = scene.tokens[Role.ADMINISTRATOR, "near"] if action in people else scene.program
    return {"Authorization": f"Bearer {token}"}


OPERATIONS = sorted(
    (method, f"/api/v1{path}")
    for method, path in (*ROUTE_RULES, *OPEN)
    if f"/api/v1{path}" not in STREAMS and path not in ("/", "/metrics")
)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(one) for one in OPERATIONS])
def test_it_answers_as_it_says(described: Described, method: str, path: str) -> None:
    operation = described.schema[path][method.lower()]
    ids = known(described.scene)
    headers = who(described.scene, method, path)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)), there=st.booleans()
    )
    def answers(case: Any, there: bool) -> None:
        if there:
            case.path_parameters = {
                **case.path_parameters,
                **{k: v for k, v in ids.items() if k in case.path_parameters},
            }
        case.call_and_validate(
            base_url=described.scene.url,
            headers=headers,
            checks=ASKED,
            session=described.session,
            timeout=20,
            allow_redirects=False,
        )

    answers()

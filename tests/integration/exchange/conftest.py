from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.exchange.report.build import build
from gateway.service.exchange.report.gather import gather
from gateway.service.exchange.report.values import Report
from tests.integration.exchange import scene


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scene.Practice]:
    with scene.practice(tmp_path_factory.mktemp("practice")) as made:
        yield made


@pytest.fixture(scope="session")
def report(practice: scene.Practice) -> Report:
    period = (scene.FIRST, scene.LAST)
    return build(gather(practice.records, practice.store, practice.patient, period, now_ms=scene.NOW_MS))


@pytest.fixture(scope="session")
def api(practice: scene.Practice) -> Iterator[httpx.Client]:
    """The API, served; imports are marked to be analysed, and stay so."""
    token = create_token(practice.records, "exchange", ["read", "write"], created_ms=0)
    app = create_app(
        practice.records, practice.store, status=lambda: ServiceStatus(True, "ok", {}), clock=scene.StandingClock()
    )
    with (
        serve(app, "127.0.0.1", 0) as server,
        httpx.Client(
            base_url=server.url + "/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as client,
    ):
        yield client

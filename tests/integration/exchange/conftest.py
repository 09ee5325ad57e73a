from __future__ import annotations

from collections.abc import Iterator

import pytest

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

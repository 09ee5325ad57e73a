from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.service.api import ServiceStatus, create_app, create_token, serve
from tests.integration.alerts.scene import Desk, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(scene: Scene) -> Iterator[Desk]:
    """The scene with its API, served by a real server."""
    app = create_app(scene.records, scene.store, status=lambda: ServiceStatus(True, ""), clock=scene.clock)
    with serve(app, "127.0.0.1", 0) as server:
        yield Desk(scene, server.url, create_token(scene.records, "dentist", ["read", "write"], created_ms=0))

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.service.api import serve
from tests.integration.access.scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("access"))
    with serve(made.app(), "127.0.0.1", 0) as server:
        made.url = server.url
        yield made
    made.store.close()
    made.records.close()

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from gateway.service.api import serve
from gateway.service.records import User
from tests.integration.patients.stories import Clinic


@dataclass
class Served:
    """The clinic of `stories`, served."""

    clinic: Clinic
    url: str

    def api(self, user: User) -> httpx.Client:
        """The API as a browser of somebody signed in asks it."""
        return httpx.Client(
            base_url=f"{self.url}/api/v1",
            cookies={"somnolink_session": self.clinic.session(user)},
            headers={"Sec-Fetch-Site": "same-origin"},
            timeout=30,
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    clinic = Clinic(tmp_path_factory.mktemp("stories"))
    with serve(clinic.app(), "127.0.0.1", 0) as server:
        yield Served(clinic, server.url)
    clinic.close()

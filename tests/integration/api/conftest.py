from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.records import Records
from gateway.service.store.base import SampleStore
from tests.integration.api import synthetic


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now_ms = synthetic.NOW_MS

    def utc_ms(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def busy(self):  # type: ignore[no-untyped-def]  # never asked for here
        raise NotImplementedError


@dataclass
class Service:
    """The API over a real store and real records, served by a real server."""

    app: FastAPI
    url: str
    records: Records
    store: SampleStore
    night: synthetic.Night
    clock: SetClock
    token: str
    status: ServiceStatus = field(default_factory=lambda: ServiceStatus(True, "connected", {"samples_stored": 12}))

    def get(self, path: str, token: str | None = None, **parameters: str | int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.get(self.url + path, headers=headers, params=parameters or None)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("service")
    store, records = synthetic.open_both(folder)
    night = synthetic.fill(store, records)
    clock = SetClock()
    token = create_token(records, "test", ["read"], created_ms=0)
    made: list[Service] = []
    app = create_app(records, store, status=lambda: made[0].status, clock=clock)
    with serve(app, "127.0.0.1", 0) as server:
        made.append(Service(app, server.url, records, store, night, clock, token))
        yield made[0]
    store.close()
    records.close()

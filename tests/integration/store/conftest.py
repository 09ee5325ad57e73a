"""The stores that every contract test runs on: each fresh and empty, each the real thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from gateway.service.store import SampleStore, open_store
from tests.servers.influx_v2_front import TOKEN, InfluxV2Front
from tests.servers.influxdb import InfluxServer

STORES = ("sqlite", "influx-v1", "influx-v2")
_numbers = count()


@pytest.fixture(scope="session")
def influxdb() -> Iterator[InfluxServer]:
    """A running InfluxDB 1.6; each test takes a database of its own."""
    with InfluxServer() as server:
        yield server


@pytest.fixture(scope="session", params=STORES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Gives the URL of a new, empty store of one sort, each time it is called."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("stores")
        yield lambda: f"sqlite:///{Path(folder) / f'store-{next(_numbers)}.db'}"
        return
    server: InfluxServer = request.getfixturevalue("influxdb")
    if request.param == "influx-v1":
        yield lambda: f"influx+v1://127.0.0.1:{server.port}/db{next(_numbers)}"
        return
    with InfluxV2Front(server.url) as front:

        def new() -> str:
            name = f"db{next(_numbers)}"
            server.execute(f'CREATE DATABASE "{name}"')  # a bucket is made by the administrator
            return f"influx+v2://127.0.0.1:{front.port}?org=clinic&bucket={name}"

        yield new


@pytest.fixture
def url(place: Callable[[], str]) -> str:
    return place()


@pytest.fixture
def store(url: str) -> Iterator[SampleStore]:
    with open_store(url, token=TOKEN) as opened:
        yield opened

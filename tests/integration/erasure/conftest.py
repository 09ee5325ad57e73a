from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.service.records import Records
from gateway.service.records.tables import Base
from gateway.service.store import SampleStore, open_store
from tests.integration.erasure.scene import TwoPatients
from tests.servers.influxdb import InfluxServer
from tests.servers.postgresql import running

PASSWORD = "not in the address"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with running(PASSWORD) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    if request.param == "sqlite":
        opened = Records(tmp_path / "records.db")
        yield opened
        opened.close()
        return
    url: str = request.getfixturevalue("postgresql")
    opened = Records(url, password=PASSWORD)
    yield opened
    opened.close()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg", password=PASSWORD))
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    engine.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    with open_store(f"sqlite:///{tmp_path / 'samples.db'}") as opened:
        yield opened


@pytest.fixture
def influx() -> Iterator[SampleStore]:
    with InfluxServer() as server, open_store(f"influx+v1://127.0.0.1:{server.port}/erasure") as opened:
        yield opened


@pytest.fixture
def plain(store: SampleStore, tmp_path: Path) -> Iterator[TwoPatients]:
    """On SQLite alone."""
    opened = Records(tmp_path / "plain.db")
    yield TwoPatients(store, opened)
    opened.close()


@pytest.fixture
def scene(store: SampleStore, records: Records) -> TwoPatients:
    return TwoPatients(store, records)

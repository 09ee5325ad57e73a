"""The records database: opened, brought up to date, shared between threads and processes."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.errors import ConfigurationError, StoreRejectedError, StoreUnavailableError
from gateway.service.records import Contact, Records
from gateway.service.records.tables import Base


def test_the_migrations_make_exactly_the_tables_that_the_program_maps(records: Records, tmp_path: Path) -> None:
    with sa.create_engine(f"sqlite:///{tmp_path / 'records.sqlite'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_file_is_durable_against_a_power_cut(records: Records) -> None:
    with records._database.read() as session:
        pragmas = {
            name: session.execute(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_opening_again_keeps_what_is_there(records: Records, tmp_path: Path) -> None:
    records.devices.enrol("home-1", "o2ring-0011223344", zone="Europe/Berlin", at_ms=1)
    records.close()
    again = Records(f"sqlite:///{tmp_path / 'records.sqlite'}")
    assert [device.id for device in again.devices.list()] == ["o2ring-0011223344"]
    again.close()


def test_many_openings_at_once_migrate_once(tmp_path: Path) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            Records(tmp_path / "new.sqlite").close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_database_of_a_newer_version_is_left_alone(records: Records, tmp_path: Path) -> None:
    records.close()
    with sqlite3.connect(tmp_path / "records.sqlite") as raw:
        raw.execute("UPDATE alembic_version SET version_num = 'v9999'")
    with pytest.raises(ConfigurationError, match="another version of somnolink") as caught:
        Records(tmp_path / "records.sqlite")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"this is a letter, not a database\n" * 100)
    with pytest.raises(StoreUnavailableError, match="not a database") as caught:
        Records(tmp_path / "records.sqlite")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "sqlite:///:memory:", "sqlite://", "://", "postgresql://h:port/x"]
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Records(url)


def test_a_password_never_stands_in_an_error() -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        Records("postgresql://somno:geheim@127.0.0.1:1/none?connect_timeout=2")
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_transaction_that_fails_leaves_nothing(records: Records) -> None:
    with pytest.raises(StoreRejectedError), records._database.write() as session:
        session.execute(
            sa.insert(Base.metadata.tables["gateway"]),
            [{"id": "home-1", "name": "a", "first_seen_ms": 1, "last_seen_ms": 1}] * 2,
        )
    assert records.devices.gateways() == []


def test_a_writer_that_holds_the_file_too_long_makes_the_store_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.service.records.database.BUSY_TIMEOUT_MS", 50)
    records = Records(tmp_path / "records.sqlite")
    other = sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        records.devices.gateway_seen("home-1", 1)
    assert records.devices.gateways() == []  # readers go on
    other.execute("ROLLBACK")
    records.devices.gateway_seen("home-1", 1)
    assert len(records.devices.gateways()) == 1
    other.close()
    records.close()


def test_readers_and_writers_of_many_threads_lose_nothing(records: Records) -> None:
    records.devices.enrol("home-1", "o2ring-0011223344", zone="UTC", at_ms=0)
    failures: list[Exception] = []

    def work(offset: int) -> None:
        try:
            for step in range(20):
                records.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=step)
                records.devices.contact([Contact("o2ring-0011223344", at_ms=offset + step)])
                records.devices.list()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1000 * index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [alert.count for alert in records.alerts.list()] == [120]
    assert records.devices.list()[0].last_contact_ms == 5019

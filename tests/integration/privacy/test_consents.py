"""Consent on record: the latest word counts, all are kept, and what withdrawing does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.errors import ConfigurationError, StoreRejectedError
from gateway.service.exchange.report.export import Wanted, export
from gateway.service.records import Purpose, Records, Said
from gateway.service.records.tables import Base
from tests.integration.api import synthetic
from tests.servers.postgresql import running

PASSWORD = "not in the address"


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    if request.param == "sqlite":
        opened = Records(tmp_path / "records.db")
        yield opened
        opened.close()
        return
    with running(PASSWORD) as url:
        opened = Records(url, password=PASSWORD)
        yield opened
        opened.close()


def made(records: Records) -> str:
    patient = records.people.add_patient("clinic", "The Patient", zone="UTC", at_ms=1).id
    for device in ("o2ring-1", "mad-1", "bed-1"):
        records.devices.enrol("home-1", device, zone="UTC", at_ms=1)
    return patient


def test_the_latest_word_counts_and_all_are_kept(records: Records) -> None:
    patient = made(records)
    consents = records.consents
    assert consents.standing(patient) == {}
    assert not consents.withdrawn(patient, Purpose.RESEARCH)
    for at_ms, given in ((100, True), (200, False), (300, True)):
        said = Said(Purpose.RESEARCH, given, at_ms - 50, "2026-01", "on paper")
        consents.record(patient, said, by="anna", at_ms=at_ms)
    history = consents.history(patient)
    assert [(one.given, one.said_ms, one.recorded_ms, one.recorded_by) for one in history] == [
        (True, 50, 100, "anna"),
        (False, 150, 200, "anna"),
        (True, 250, 300, "anna"),
    ]
    assert consents.standing(patient) == {Purpose.RESEARCH: history[-1]}
    with pytest.raises(StoreRejectedError, match="in the past"):
        consents.record(patient, Said(Purpose.CARE, True, 401, "1"), by="anna", at_ms=400)
    with pytest.raises(StoreRejectedError, match="no such patient"):
        consents.record("p-000000000000", Said(Purpose.CARE, True, 1, "1"), by="anna", at_ms=400)


def test_care_withdrawn_takes_the_devices_back_and_keeps_what_was(records: Records) -> None:
    patient = made(records)
    held = records.assignments.assign("o2ring-1", patient, from_ms=100)
    over = records.assignments.assign("mad-1", patient, from_ms=10, to_ms=20)
    records.assignments.assign("bed-1", patient, from_ms=5_000)
    records.consents.record(patient, Said(Purpose.CARE, False, 900, "2026-01"), by="anna", at_ms=1000)
    left = {one.id: one.to_ms for one in records.assignments.list(patient=patient)}
    assert left == {held.id: 1000, over.id: 20}, "what lay ahead is gone, what was stays"
    known = records.people.patient(patient)
    assert known is not None
    assert known.archived_ms == 1000
    with pytest.raises(StoreRejectedError, match="withdrawn"):
        records.assignments.assign("o2ring-1", patient, from_ms=2000)
    records.consents.record(patient, Said(Purpose.CARE, True, 2000, "2026-01"), by="anna", at_ms=2000)
    records.assignments.assign("o2ring-1", patient, from_ms=2000)


def test_who_withdraws_sharing_is_named_in_no_report(tmp_path: Path) -> None:
    store, records = synthetic.open_both(tmp_path)
    synthetic.fill(store, records)
    patient = records.people.add_patient("clinic", "The Patient", zone=synthetic.ZONE, at_ms=1)
    records.assignments.assign(synthetic.DEVICE, patient.id, from_ms=1)
    wanted = Wanted("csv", first=synthetic.NIGHT, last=synthetic.NIGHT, identified=True)
    assert export(records, store, patient, wanted, now_ms=synthetic.NOW_MS).data
    records.consents.record(patient.id, Said(Purpose.SHARING, False, 1, "1"), by="anna", at_ms=2)
    with pytest.raises(ConfigurationError, match="withdrawn"):
        export(records, store, patient, wanted, now_ms=synthetic.NOW_MS)
    plain = Wanted("csv", first=synthetic.NIGHT, last=synthetic.NIGHT)
    assert export(records, store, patient, plain, now_ms=synthetic.NOW_MS).data
    store.close()
    records.close()


def test_the_tables_are_those_of_the_migrations(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'records.db'}")
    assert {"consent", "erasure", "erased_time"} <= set(sa.inspect(engine).get_table_names())
    assert set(Base.metadata.tables) <= set(sa.inspect(engine).get_table_names())
    engine.dispose()
    records.close()

"""A patient is erased: nothing is left that tells of them, and nothing of the other patient changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from gateway.clock import SystemClock
from gateway.errors import StoreRejectedError, StoreUnavailableError
from gateway.service.erasure.job import carry_out
from gateway.service.records import Erasure, ErasureState, Records
from gateway.service.records.tables import Base
from gateway.service.store import SampleStore
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import KINDS
from tests.integration.erasure.scene import (
    DEVICES,
    HANDED_MS,
    HOME,
    MAIL,
    NAME,
    NIGHTS,
    NOTE,
    NOW_MS,
    RING,
    TwoPatients,
    batch,
    same,
)


class Then(SystemClock):
    """Just after the third night."""

    def utc_ms(self) -> int:
        return NOW_MS


def erase(scene: TwoPatients) -> Erasure:
    """Ask and carry out."""
    found = scene.records.erasures.get(scene.ask())
    assert found is not None
    return carry_out(scene.records, scene.store, Then(), found)


def everything_on_record(records: Records) -> dict[str, str]:
    """Every row of every table, as text."""
    with records.erasures._database.read() as session:
        return {
            name: "\n".join(str(tuple(row)) for row in session.execute(sa.select(table)))
            for name, table in Base.metadata.tables.items()
        }


def test_no_table_knows_the_patient_but_for_the_opaque_id_of_the_erasure(scene: TwoPatients) -> None:
    scene.records.audit.add(
        at_ms=1, who="anna", account="u-1", address="", action="read_patient", what=f"GET /patients/{scene.gone}"
    )
    before = everything_on_record(scene.records)
    assert NAME in before["patient"]
    assert MAIL in before["account"]
    assert "theirs" in before["set_aside"]
    done = erase(scene)
    assert done.state is ErasureState.DONE
    told = everything_on_record(scene.records)
    for secret in (NAME, NAME.split()[0], MAIL, NOTE, scene.user, "theirs"):
        assert [name for name, rows in told.items() if secret in rows] == [], secret
    assert {name for name, rows in told.items() if scene.gone in rows} == {"audit", "erasure"}
    assert scene.records.audit.verify().number == 2
    assert "erased" in told["audit"]
    assert done.counts["alerts"] == done.counts["accounts"] == done.counts["treatment_steps"] == 1
    assert done.counts["set_aside"] == 2


def test_samples_of_every_kind_go_up_to_the_moment_the_device_was_handed_on(plain: TwoPatients) -> None:
    before = plain.kept()
    assert all(len(samples) for (kind, origin), samples in before.items() if origin == "stored")
    done = erase(plain)
    for kind in KINDS:
        for origin in ("live", "stored", "resolved"):
            assert len(plain.store.read(DEVICES[kind], kind, 0, HANDED_MS, origin=origin)) == 0
        assert done.counts[f"{kind}_samples"] > 0
    assert same(before, plain.kept())


def test_on_influxdb_too(influx: SampleStore, tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    scene = TwoPatients(influx, records)
    before = scene.kept()
    erase(scene)
    for kind in KINDS:
        assert len(influx.read(DEVICES[kind], kind, 0, HANDED_MS)) == 0
    assert same(before, scene.kept())
    records.close()


def test_results_go_and_the_night_that_was_shared_is_run_again_from_what_is_left(scene: TwoPatients) -> None:
    results = scene.records.results
    others = results.night(RING, NIGHTS[2])
    assert others is not None
    falls = results.desaturations(others)
    erase(scene)
    assert results.night(RING, NIGHTS[0]) is None
    shared = results.night(RING, NIGHTS[1])
    assert shared is not None
    assert all(one.start_ms >= HANDED_MS for one in results.desaturations(shared))
    assert len(results.desaturations(shared)) > 0
    assert results.night(RING, NIGHTS[2]) == others
    assert results.desaturations(others) == falls
    for kind in ("oximetry", "wear", "bed"):
        assert [night for _, night in results.stale(kind=kind)] == [NIGHTS[1]]  # type: ignore[arg-type]


def test_the_feed_goes_on_behind_what_was_erased(scene: TwoPatients) -> None:
    last = scene.records.feed.last()
    erase(scene)
    left = scene.records.feed.after(0)
    assert {one.patient for one in left} == {scene.stays}
    assert scene.records.feed.last() == last
    scene.records.alerts.raise_alert("outbox_full", HOME, "full", at_ms=NOW_MS)
    assert scene.records.feed.after(last)[0].id == last + 1


def test_the_latest_event_may_be_the_erased_patients(plain: TwoPatients) -> None:
    alert = plain.records.alerts.list(patient=plain.gone)[0].id
    plain.records.alerts.comment(alert, "hm", who="anna", at_ms=NOW_MS, recorded_ms=NOW_MS)
    last = plain.records.feed.last()
    erase(plain)
    assert plain.records.feed.last() == last
    plain.records.alerts.raise_alert("outbox_full", HOME, "full", at_ms=NOW_MS)
    assert [one.id for one in plain.records.feed.after(last)] == [last + 1]


def test_the_bytes_are_gone_from_the_files(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    store = SqliteStore(tmp_path / "samples.db")
    scene = TwoPatients(store, records)
    samples = store.read(RING, "oximetry", 0, HANDED_MS, origin="stored")
    # A row holds the columns side by side: four bytes of SpO2 and four of pulse are no accident.
    rows = [
        samples.columns["spo2"][place].tobytes() + samples.columns["pulse"][place].tobytes()
        for place in range(0, len(samples), 997)
    ]
    assert rows
    held = (tmp_path / "samples.db").read_bytes() + (tmp_path / "samples.db-wal").read_bytes()
    assert all(row in held for row in rows)
    erase(scene)
    for name in ("samples.db", "samples.db-wal", "records.db", "records.db-wal"):
        data = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else b""
        assert not [row for row in rows if row in data], name
        for secret in (NAME, MAIL, NOTE):
            assert secret.encode() not in data, name
    store.close()
    records.close()


def test_asked_twice_is_one_erasure_and_nobody_else_can_be_given_that_time(plain: TwoPatients) -> None:
    assert plain.ask() == plain.ask()
    done = erase(plain)
    assert plain.records.erasures.ask(plain.gone, by="chief", at_ms=NOW_MS) == done
    assert plain.records.erasures.list(clinic="clinic") == [done]
    assert plain.records.erasures.list(unfinished=True) == []
    third = plain.records.people.add_patient("clinic", "C", zone="UTC", at_ms=1).id
    with pytest.raises(StoreRejectedError, match="erased"):
        plain.records.assignments.assign(RING, third, from_ms=HANDED_MS - 1000, to_ms=HANDED_MS)
    with pytest.raises(StoreRejectedError, match="no such patient"):
        plain.records.erasures.ask("p-000000000000", by="chief", at_ms=NOW_MS)


def test_a_store_that_cannot_delete_leaves_the_erasure_open_and_says_why(
    plain: TwoPatients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> int:
        raise StoreUnavailableError("the store is away")

    with monkeypatch.context() as broken:
        broken.setattr(plain.store, "delete_between", away)
        with pytest.raises(StoreUnavailableError):
            erase(plain)
    (waiting,) = plain.records.erasures.list(unfinished=True)
    assert (waiting.state, waiting.problem) == (ErasureState.CUT, "the store is away")
    done = carry_out(plain.records, plain.store, Then(), waiting)
    assert (done.state, done.problem) == (ErasureState.DONE, "")
    assert len(plain.store.read(RING, "oximetry", 0, HANDED_MS)) == 0


def test_a_device_for_files_goes_with_its_patient(plain: TwoPatients) -> None:
    records = plain.records
    records.devices.enrol("files", "file-0011223344", zone="UTC", at_ms=1)
    records.assignments.assign("file-0011223344", plain.gone, from_ms=0)
    plain.store.append(
        [replace(batch("oximetry", 5_000_000, 60, origin="stored", session="f"), device="file-0011223344")]
    )
    erase(plain)
    assert records.devices.get("file-0011223344") is None
    assert "file-0011223344" not in plain.store.devices()

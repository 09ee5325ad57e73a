"""All that is held of one patient, as one ZIP: whole, exact, and nothing of anybody else."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import StoreUnavailableError
from gateway.service.exchange.whole import export_whole, name_of
from gateway.service.records import Purpose, Records, Said
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import KINDS
from tests.integration.erasure.scene import DEVICES, HANDED_MS, NAME, NOTE, NOW_MS, OTHER_NAME, TwoPatients


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> TwoPatients:
    folder = tmp_path_factory.mktemp("export")
    made = TwoPatients(SqliteStore(folder / "samples.db"), Records(folder / "records.db"))
    made.records.consents.record(made.gone, Said(Purpose.CARE, True, 1, "2026-01"), by="anna", at_ms=2)
    for what in (f"GET /api/v1/patients/{made.gone}/nights", f"GET /api/v1/patients/{made.stays}/nights"):
        made.records.audit.add(at_ms=1, who="anna", account="u-1", address="", action="read_patient", what=what)
    return made


@pytest.fixture(scope="module")
def archive(scene: TwoPatients) -> zipfile.ZipFile:
    patient = scene.records.people.patient(scene.gone)
    assert patient is not None
    told: list[tuple[int, int]] = []
    pieces = list(
        export_whole(
            scene.records, scene.store, patient, now_ms=NOW_MS, progress=lambda done, of: told.append((done, of))
        )
    )
    assert max(map(len, pieces)) < 4 << 20, "it comes in pieces"
    assert told[-1][0] == told[-1][1] > 10
    assert name_of(patient, NOW_MS) == f"{patient.id}_2026-03-06.zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def test_the_manifest_names_every_file_with_its_digest(archive: zipfile.ZipFile) -> None:
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    assert {one["name"] for one in manifest["files"]} | {"manifest.json"} == set(archive.namelist())
    for one in manifest["files"]:
        data = archive.read(one["name"])
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["bytes"], one["sha256"])


def test_the_records_are_told_and_nothing_of_the_other(archive: zipfile.ZipFile, scene: TwoPatients) -> None:
    record = {name: archive.read(name).decode() for name in archive.namelist() if name.startswith("record/")}
    patient = json.loads(record["record/patient.json"])
    assert (patient["id"], patient["name"], patient["teams"]) == (scene.gone, NAME, ["own"])
    assert NOTE in record["record/treatment_steps.json"]
    assert len(json.loads(record["record/assignments.json"])) == 5
    (alert,) = json.loads(record["record/alerts.json"])
    assert [event["event"] for event in alert["history"]] == ["raised"]
    assert json.loads(record["record/thresholds.json"]) == {"spo2_low.minutes": 7.0}
    assert json.loads(record["record/account.json"])["id"] == scene.user
    (consent,) = json.loads(record["record/consents.json"])
    assert (consent["purpose"], consent["given"]) == ("care", True)
    (read,) = [json.loads(line) for line in record["record/audit.jsonl"].splitlines()]
    assert "anna" not in record["record/audit.jsonl"], "staff stand there by role and id"
    assert scene.gone in read["what"]
    for text in record.values():
        assert scene.stays not in text
        assert OTHER_NAME not in text


def test_nights_end_where_the_device_was_handed_on(archive: zipfile.ZipFile) -> None:
    nights = [json.loads(line) for line in archive.read("record/nights.jsonl").splitlines()]
    assert {(one["kind"], one["night"]) for one in nights} == {
        (kind, night) for kind in ("oximetry", "wear", "bed") for night in ("2026-03-03", "2026-03-04")
    }
    found = [fall["start_ms"] for one in nights for fall in one["desaturations"]]
    assert found
    assert max(found) < HANDED_MS
    for one in nights:
        assert (one["indices"] is None) == (one["night"] == "2026-03-04"), "who had it at midnight is told the indices"


def test_every_sample_of_theirs_is_in_it_exactly(archive: zipfile.ZipFile, scene: TwoPatients) -> None:
    for kind in KINDS:
        for origin in ("live", "stored"):
            held = scene.store.read(DEVICES[kind], kind, 0, HANDED_MS, origin=origin)
            names = sorted(
                name
                for name in archive.namelist()
                if name.startswith(f"samples/{kind}/") and f"-{origin}" in name.rpartition("/")[2] + name
            )
            names = [name for name in names if f"-{origin}" in name]
            if kind == "waveform":
                told = {
                    column: np.concatenate([np.load(io.BytesIO(archive.read(name))) for name in of] or [np.empty(0)])
                    for column in ("t_ms", *held.columns)
                    if (of := [name for name in names if name.endswith(f"/{column}.npy")]) or not len(held)
                }
                for column, values in {"t_ms": held.t_ms, **held.columns}.items():
                    assert told[column].tolist() == values.tolist()
                continue
            rows = [row for name in names for row in csv.DictReader(io.StringIO(archive.read(name).decode()))]
            assert [int(row["t_ms"]) for row in rows] == held.t_ms.tolist()
            for column, values in held.columns.items():
                read = np.array([float(row[column] or "nan") for row in rows]).astype(values.dtype)
                assert read.tobytes() == values.tobytes() or np.array_equal(read, values, equal_nan=True)


def test_the_reports_are_in_it(archive: zipfile.ZipFile) -> None:
    assert archive.read("reports/report.pdf").startswith(b"%PDF")
    assert json.loads(archive.read("reports/report.fhir.json"))["resourceType"] == "Bundle"
    assert archive.read("reports/nights.csv").startswith(b"night,")


def test_one_that_broke_off_is_no_zip(scene: TwoPatients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    patient = scene.records.people.patient(scene.gone)
    assert patient is not None

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the store is away")

    monkeypatch.setattr(scene.store, "read", away)
    got = []
    with pytest.raises(StoreUnavailableError):
        got.extend(export_whole(scene.records, scene.store, patient, now_ms=NOW_MS))
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(got)))

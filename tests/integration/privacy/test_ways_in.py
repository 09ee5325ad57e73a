"""Consent, export and erasure over the API and from the shell."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.service.api import serve
from gateway.service.records import ErasureState, Records, Role
from gateway.service.store.sqlite import SqliteStore
from tests.integration.access.scene import Scene
from tests.integration.api import synthetic
from tests.integration.erasure.scene import HANDED_MS, RING, TwoPatients


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    with serve(made.app(), "127.0.0.1", 0) as server:
        made.url = server.url
        yield made
    made.store.close()
    made.records.close()


def test_a_consent_is_given_and_withdrawn_by_the_patient(scene: Scene) -> None:
    patient, path = scene.tokens[Role.PATIENT, "near"], f"/api/v1/patients/{scene.patient}/consents"
    dentist = scene.tokens[Role.DENTIST, "near"]
    assert scene.ask("GET", path, dentist).json()["standing"] == {"care": None, "sharing": None, "research": None}
    said = {"purpose": "research", "given": True, "said_ms": 1, "text_version": "2026-01"}
    assert scene.ask("POST", path, patient, said).status_code == 201
    assert scene.ask("POST", path, dentist, {**said, "given": False}).status_code == 201
    found = scene.ask("GET", path, patient).json()
    assert found["standing"] == {"care": None, "sharing": None, "research": False}
    assert [one["recorded_by"] for one in found["history"]] == [scene.patient, "dentist@near"]
    assert scene.ask("POST", path, dentist, {**said, "purpose": "selling"}).status_code == 422
    assert scene.ask("POST", path, dentist, {**said, "said_ms": 1 << 42}).status_code == 422
    entries = scene.records.audit.after(0)
    assert {one.who for one in entries if one.account and "consents" in one.what} == {scene.patient, "dentist@near"}


def test_the_patient_takes_everything_along(scene: Scene) -> None:
    answer = scene.ask("GET", f"/api/v1/patients/{scene.patient}/export", scene.tokens[Role.PATIENT, "near"])
    assert answer.headers["content-type"] == "application/zip"
    assert scene.patient in answer.headers["content-disposition"]
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert f"samples/oximetry/{synthetic.DEVICE}/{synthetic.NIGHT}-live.csv" in names


def test_an_administrator_erases_and_has_to_say_it_twice(scene: Scene) -> None:
    chief = scene.tokens[Role.ADMINISTRATOR, "clinic"]
    path = f"/api/v1/patients/{scene.patient}"
    assert scene.ask("DELETE", path, chief).status_code == 422
    assert scene.ask("DELETE", f"{path}?confirm={scene.other}", chief).status_code == 422
    assert scene.ask("DELETE", f"{path}?confirm={scene.patient}", scene.tokens[Role.DENTIST, "near"]).status_code == 403
    asked = scene.ask("DELETE", f"{path}?confirm={scene.patient}", chief)
    assert (asked.status_code, asked.json()["state"], asked.json()["asked_by"]) == (
        202,
        "asked",
        "administrator@clinic",
    )
    again = scene.ask("DELETE", f"{path}?confirm={scene.patient}", chief)
    assert again.json()["id"] == asked.json()["id"]
    (listed,) = scene.ask("GET", "/api/v1/clinics/clinic/erasures", chief).json()
    assert (listed["id"], listed["patient"]) == (asked.json()["id"], scene.patient)


def test_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "service.toml"
    config.write_text(f'[service]\ndata = "{tmp_path}"\n')
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    scene = TwoPatients(store, records)
    records.close()
    store.close()
    out = tmp_path / "whole.zip"

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--config", str(config)])
        return int(ended.value.code or 0)

    assert run("export", scene.gone, "--out", str(out)) == 0
    assert zipfile.ZipFile(out).testzip() is None
    assert out.stat().st_mode & 0o077 == 0
    assert run("export", scene.gone, "--out", str(out)) == 2, "nothing is overwritten"
    assert run("export", "p-000000000000", "--out", str(tmp_path / "x.zip")) == 2
    assert run("erase", scene.gone, "--yes") == 0
    assert f"{scene.gone} is erased" in capsys.readouterr().out
    assert run("erase", scene.gone, "--yes") == 0, "again is the same"
    assert run("erase", "p-000000000000", "--yes") == 2
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    assert records.people.patient(scene.gone) is None
    assert [one.state for one in records.erasures.list()] == [ErasureState.DONE]
    assert len(store.read(RING, "oximetry", 0, HANDED_MS)) == 0
    assert [one.action for one in records.audit.after(0)] == ["export_patient", "erase_patient", "erased"]
    records.close()
    store.close()

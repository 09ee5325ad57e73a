"""The report over the API and from the command line: the same files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import edfio
import httpx
import pytest

from gateway.cli import main
from tests.integration.exchange import scene

PERIOD = {"from": scene.FIRST.isoformat(), "to": scene.LAST.isoformat()}
BEGINNINGS = {"pdf": b"%PDF-", "csv": b"night,wear_h", "fhir": b'{"resourceType":"Bundle"', "edf": b"0       "}


@pytest.mark.parametrize("form", list(BEGINNINGS))
def test_every_format_over_the_api(api: httpx.Client, practice: scene.Practice, form: str) -> None:
    answer = api.get(f"/patients/{practice.patient.id}/report", params={**PERIOD, "format": form})
    assert answer.status_code == 200
    assert answer.content.startswith(BEGINNINGS[form])
    name = answer.headers["content-disposition"].partition("filename=")[2].strip('"')
    assert name.startswith(practice.patient.id)
    assert practice.patient.name not in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"


def test_another_night_by_its_date(api: httpx.Client, practice: scene.Practice) -> None:
    where = f"/patients/{practice.patient.id}/report"
    last = api.get(where, params={**PERIOD, "format": "edf", "night": scene.LAST.isoformat()})
    assert edfio.read_edf(io.BytesIO(last.content)).startdate == scene.LAST
    samples = api.get(where, params={**PERIOD, "format": "csv", "night": scene.LAST.isoformat()}).text
    assert samples.splitlines()[1].startswith("2026-04-10T20:30:00.000Z,96,")
    assert len(samples.splitlines()) == 28_801


@pytest.mark.parametrize(
    ("parameters", "status", "said"),
    [
        ({"format": "docx"}, 422, "rules of this resource"),
        ({"from": "2026-03-20", "to": "2026-03-19"}, 422, "a period is 0 to 800 days"),
        ({"night": "2025-01-01"}, 422, "no oximetry of"),
        ({"from": "2024-01-01", "to": "2024-01-31", "format": "edf"}, 422, "in the period"),
        ({"from": "0001-01-01"}, 422, "rules of this resource"),
        # That night is known, but none of its samples is in the store.
        ({**PERIOD, "format": "edf", "night": scene.FIRST.isoformat()}, 422, "no sample of that night is in the store"),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_problem(
    api: httpx.Client, practice: scene.Practice, parameters: dict[str, str], status: int, said: str
) -> None:
    answer = api.get(f"/patients/{practice.patient.id}/report", params=parameters)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_a_stranger_gets_nothing(api: httpx.Client, practice: scene.Practice) -> None:
    assert api.get("/patients/p-0123456789ab/report").status_code == 404
    where = f"{api.base_url}patients/{practice.patient.id}/report"
    assert httpx.get(where).status_code == 401


def test_a_pseudonym_unless_asked_for(api: httpx.Client, practice: scene.Practice) -> None:
    where = f"/patients/{practice.patient.id}/report"
    assert "Case 17" not in api.get(where, params={**PERIOD, "format": "fhir"}).text
    assert "Case 17" in api.get(where, params={**PERIOD, "format": "fhir", "identified": "true"}).text


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service's folder, with its settings, that no process has open."""
    folder = tmp_path_factory.mktemp("shell")
    with scene.practice(folder) as made:
        (folder / "patient").write_text(made.patient.id)
    (folder / "somnolink.toml").write_text(f'[service]\ndata = "{folder}"\n')
    return folder


def shell(home: Path, *arguments: str) -> int:
    """Run the command; its exit status."""
    with pytest.raises(SystemExit) as ended:
        main(["report", *arguments, "--config", str(home / "somnolink.toml")])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_writes_the_same(home: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    patient = (home / "patient").read_text()
    period = ("--from", PERIOD["from"], "--to", PERIOD["to"])
    assert shell(home, patient, "--format", "pdf", "--out", str(tmp_path / "report.pdf"), *period) == 0
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert capfdbinary.readouterr() == (b"", b"")
    assert shell(home, patient, "--format", "fhir", *period) == 0
    assert json.loads(capfdbinary.readouterr().out)["resourceType"] == "Bundle"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("p-0123456789ab",), "somnolink: no such patient: p-0123456789ab"),
        (("PATIENT", "--night", "yesterday"), "somnolink: --night yesterday: not a date as 2026-03-28"),
        (("PATIENT", "--format", "edf", "--to", "2024-01-31"), "in the period"),
        (("PATIENT", "--format", "csv", "--out", "/no/such/place"), "/no/such/place: cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    home: Path, arguments: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    given = [(home / "patient").read_text() if one == "PATIENT" else one for one in arguments]
    assert shell(home, *given) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert said in told.err

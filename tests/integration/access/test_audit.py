"""What somebody reads or changes of a patient is written down before it is told or done."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.cli import main
from gateway.service.records import Records, Role
from tests.integration.access.scene import Scene


def test_who_what_when_and_from_where(scene: Scene) -> None:
    before = scene.records.audit.last().number
    path = f"/api/v1/patients/{scene.patient}"
    token = scene.tokens[Role.DENTIST, "near"]
    assert scene.ask("GET", path, token).status_code == 200
    assert scene.ask("PATCH", path, token, {"sex": "female"}).status_code == 200
    assert scene.ask("GET", path, scene.tokens[Role.DENTIST, "clinic"]).status_code == 404
    user = scene.records.users.named("dentist@near")
    assert user is not None
    told = [
        (one.who, one.account, one.address, one.at_ms, one.action, one.what)
        for one in scene.records.audit.after(before)
    ]
    by = ("dentist@near", user.id, "127.0.0.1", scene.clock.now_ms)
    assert told == [(*by, "read_patient", f"GET {path}"), (*by, "change_patient", f"PATCH {path}")]
    assert scene.records.audit.verify().number == before + 2


def test_the_first_administrator_is_made_by_a_command(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOMNOLINK_SERVICE_DATA", str(tmp_path))

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["admin", *words])
        return int(str(ended.value.code or 0)), capsys.readouterr().out.strip()

    assert run("administrator", "Chief@Example.org")[0] == 0
    status, token = run("token", "chief@example.org")
    assert (status, token[:4]) == (0, "slk_")
    assert run("token", "nobody@example.org") == (2, "")
    assert run("administrator", "x", "--clinic", "clinic-nowhere")[0] == 6
    records = Records(f"{tmp_path}/records.db")
    (user,) = records.users.list(role=Role.ADMINISTRATOR)
    (known,) = records.tokens.list()
    assert (user.name, known.user) == ("chief@example.org", user.id)
    for number in range(2):
        records.audit.add(at_ms=number, who="a", account=None, address="", action="treat", what="POST /")
    noted = f"{records.audit.last().number}:{records.audit.last().sha256}"
    records.close()
    assert run("verify-audit") == (0, noted)
    assert run("verify-audit", "--noted", noted) == (0, noted)
    assert run("verify-audit", "--noted", "x")[0] == 2
    with sqlite3.connect(f"{tmp_path}/records.db") as raw:
        raw.execute("DELETE FROM audit WHERE number = 2")
    assert run("verify-audit")[0] == 0
    assert run("verify-audit", "--noted", noted)[0] == 6

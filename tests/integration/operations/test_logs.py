"""Logs: one object a line where asked for, and no patient in any line, whatever goes wrong."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.logs import FORMATTERS, OURS, Format
from gateway.errors import StoreUnavailableError
from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.records import Rejected
from tests.integration.alerts.scene import RECORDER, RING, T0, Desk, Scene

NAME = "Konstanze Mustermann"
NOTE = "her jaw aches since Whitsun"
IDENTITY = ("Konstanze", "Mustermann", "Whitsun", "1961")


@dataclass
class Logs:
    """All that the programs' loggers write, in both formats."""

    text: io.StringIO
    json: io.StringIO

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.json.getvalue().splitlines()]

    def both(self) -> str:
        return self.text.getvalue() + self.json.getvalue()


@pytest.fixture
def logs() -> Iterator[Logs]:
    """Our own loggers say all they can, more than the programs have them say."""
    taken = Logs(io.StringIO(), io.StringIO())
    handlers = []
    for stream, form in ((taken.text, "text"), (taken.json, "json")):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(FORMATTERS[form]())  # type: ignore[index]  # a literal, in tests
        handlers.append(handler)
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in OURS}
    for handler in handlers:
        root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield taken
    for handler in handlers:
        root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def desk(tmp_path: Path, logs: Logs) -> Iterator[Desk]:
    scene = Scene(tmp_path, assigned=False)
    app = create_app(scene.records, scene.store, status=lambda: ServiceStatus(True, ""), clock=scene.clock)
    with serve(app, "127.0.0.1", 0) as server:
        yield Desk(scene, server.url, create_token(scene.records, "dentist", ["read", "write"], created_ms=0))
    scene.close()


def treat(desk: Desk) -> str:
    """All that a clinic does with a patient; returns the opaque id."""
    given = {"name": NAME, "zone": "UTC", "sex": "female", "birth_year": 1961}
    patient = str(desk.ask("POST", "/patients", given).json()["id"])
    own = f"/patients/{patient}"
    for device in (RING, RECORDER):
        assert desk.ask("POST", f"{own}/assignments", {"device": device, "from_ms": 0}).status_code == 201
    effect = {"night": "2026-03-10", "kind": "sore_jaw", "severity": 2, "note": NOTE}
    assert desk.ask("POST", f"{own}/side-effects", effect).status_code == 201
    step = {"night": "2026-03-10", "advancement_mm": 4.0, "note": NOTE}
    assert desk.ask("POST", f"{own}/treatment-steps", step).status_code == 201
    desk.scene.live(T0, (85, 400))
    (alert,) = desk.get("/alerts", patient=patient)["alerts"]  # type: ignore[index]  # JSON
    for deed, body in (("acknowledge", {}), ("assign", {"to": "Dr. Whitsun"}), ("comments", {"text": NOTE})):
        assert desk.ask("POST", f"/alerts/{alert['id']}/{deed}", body).is_success
    assert desk.ask("PATCH", own, {"name": f"{NAME}-Meier"}).is_success
    return patient


def test_what_a_clinic_does_leaves_nobodys_name_in_the_logs(desk: Desk, logs: Logs) -> None:
    patient = treat(desk)
    desk.ask("POST", "/patients", {"name": NAME, "zone": "Mars/Olympus"})
    desk.ask("POST", "/patients", {"name": NAME * 100, "zone": "UTC"})
    desk.ask("GET", f"/patients/{NAME}")
    desk.ask("GET", "/patients", clinic=NAME)
    desk.ask("GET", f"/patients/{patient}/nights", **{"from": NOTE})
    desk.scene.records.set_aside.add([Rejected(1, "home-1", "topic", "codec", "no map", NOTE.encode())])
    logging.getLogger("gateway").info("the flow went through")
    assert "the flow went through" in logs.text.getvalue()
    assert [word for word in (*IDENTITY, desk.token) if word in logs.both()] == []


def test_what_fails_says_where_and_names_nobody(
    desk: Desk, logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    treat(desk)
    with sqlite3.connect(tmp_path / "records.db") as other:
        other.execute("DROP TABLE treatment_step")
        other.execute("ALTER TABLE patient RENAME COLUMN sex TO gender")
    given = {"name": NAME, "zone": "UTC", "birth_year": 1961}
    assert desk.ask("POST", "/patients", given).status_code == 503

    def add_patient(clinic: str, name: str, **_: object) -> None:
        raise ValueError(f"this name is none: {name}")

    monkeypatch.setattr(desk.scene.records.people, "add_patient", add_patient)
    assert desk.ask("POST", "/patients", given).status_code == 500
    said = logs.both()
    assert [word for word in (*IDENTITY, desk.token) if word in said] == []
    assert "records database" in said
    assert "POST /api/v1/patients failed" in said
    errors = [line["error"] for line in logs.lines() if line["message"] == "POST /api/v1/patients failed"]
    assert errors
    assert errors[0][0] == "ValueError"  # type: ignore[index]  # JSON
    assert f"test_logs.py:{add_patient.__code__.co_firstlineno + 1} in add_patient" in str(errors[0])


def emitted(form: Format, message: str, *arguments: object, error: BaseException | None = None) -> str:
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("gateway.service", logging.ERROR, __file__, 1, message, arguments, info)
    record.created = 1_773_527_400.25
    return FORMATTERS[form]().format(record)


def test_an_object_a_line_with_the_time_in_utc() -> None:
    line = emitted("json", "%s: it\nbroke", "ring")
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-03-14T22:30:00.250+00:00",
        "level": "ERROR",
        "logger": "gateway.service",
        "message": "ring: it\nbroke",
    }


def test_nobody_can_write_lines_of_his_own_into_the_text() -> None:
    line = emitted("text", "GET %s failed", "/x\n2026-01-01 INFO all is well\x1b[2J")
    assert "\n" not in line
    assert "\x1b" not in line
    assert r"/x\n2026-01-01 INFO all is well\x1b[2J failed" in line


def test_our_own_errors_are_told_in_full_and_others_by_their_type() -> None:
    try:
        try:
            raise sqlite3.OperationalError(f"near {NAME}")
        except sqlite3.OperationalError as cause:
            raise StoreUnavailableError("records database r.db: locked") from cause
    except StoreUnavailableError as error:
        told = json.loads(emitted("json", "failed", error=error))["error"]
        text = emitted("text", "failed", error=error)
    assert told[0] == "StoreUnavailableError: records database r.db: locked"
    assert "OperationalError" in told
    assert "Mustermann" not in str(told) + text
    assert text.splitlines()[1] == "    StoreUnavailableError: records database r.db: locked"
    away = emitted("json", "failed", error=ConnectionRefusedError(111, "Connection refused", "/home/Mustermann"))
    assert json.loads(away)["error"] == ["ConnectionRefusedError: Connection refused"]


def test_the_set_up_may_be_made_again_once_the_settings_are_known() -> None:
    program = (
        "import logging; from gateway.cli.logs import set_up_logs; set_up_logs(); set_up_logs(form='json');"
        "logging.getLogger('gateway.x').info('once'); logging.getLogger('paho').info('never')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["once"]
    assert done.stdout == ""

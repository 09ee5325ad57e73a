"""What a person does wrong: each is one clear line on stderr and a stated exit status, never a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def somnolink(*arguments: str, **environment: str) -> tuple[int, str]:
    program = "from gateway.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"SOMNOLINK_CONFIG": ""} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


def assert_one_line(stderr: str, *words: str) -> None:
    lines = [line for line in stderr.splitlines() if line.strip()]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("somnolink: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("analyze", "no-such-file.csv"), 2, ("no-such-file.csv",)),
        (("analyze", __file__), 2, ("test_wrong_input.py",)),
        (("demo", "--headless", "--replay", __file__), 2, ("test_wrong_input.py",)),
        (("demo", "--headless", "--broker", "nonsense"), 2, ("nonsense", "mqtt://")),
        (("demo", "--headless", "--broker", "mqtt://u:secret@127.0.0.1"), 2, ("password",)),
        (("demo", "--headless", "--broker", "mqtt://127.0.0.1:1"), 5, ("127.0.0.1:1",)),
        (("demo", "--nights", "0"), 2, ("--nights",)),
        (("demo", "--headless", "--profile", "nosuch"), 2, ("nosuch", "moderate")),
        (("demo", "--headless", "--store", "influx"), 2, ("influx",)),
        (("frobnicate",), 2, ("frobnicate",)),
        (("decode", "plx", "xyz"), 2, ("hexadecimal",)),
        (("decode", "nosuch", "00"), 2, ("nosuch", "plx")),
        (("decode", "viatom", "5500ff"), 2, ()),
        (("gateway", "--config", "no-such.toml"), 2, ("no-such.toml",)),
        (("token", "x", "--scope", "everything"), 2, ("read", "metrics")),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_one_line_and_a_status(arguments: tuple[str, ...], status: int, words: tuple[str, ...], tmp_path: Path) -> None:
    found = somnolink(
        *arguments,
        SOMNOLINK_SERVICE_STORE="influx+v1://127.0.0.1:1/x" if "influx" in arguments else "",
        SOMNOLINK_SERVICE_DATA=str(tmp_path),
    )
    assert found[0] == status, found[1]
    assert_one_line(found[1], *words)
    assert "secret" not in found[1]


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, stderr = somnolink("demo", "--port", str(port))
    assert status == 7
    assert_one_line(stderr, str(port))


def test_a_service_without_a_broker_says_so(tmp_path: Path) -> None:
    status, stderr = somnolink(
        "service",
        SOMNOLINK_BROKER_URL="mqtt://127.0.0.1:1",
        SOMNOLINK_SERVICE_DATA=str(tmp_path),
        SOMNOLINK_SERVICE_HTTP_PORT="0",
    )
    assert status == 5
    assert_one_line(stderr, "127.0.0.1:1")


def test_a_disk_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    status, stderr = somnolink("gateway", SOMNOLINK_HOME_DATA=str(blocked / "home"))
    assert status == 6
    assert_one_line(stderr, "outbox")


def test_doctor_says_what_to_do_in_plain_words(tmp_path: Path) -> None:
    program = "from gateway.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "doctor"],
        env=os.environ | {"SOMNOLINK_BROKER_URL": "mqtt://127.0.0.1:1", "SOMNOLINK_HOME_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "PROBLEM  Broker" in done.stdout
    assert "Your nights are kept in the box" in done.stdout
    assert "ok       Disk" in done.stdout

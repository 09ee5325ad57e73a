"""The composition's home, broker and service, without containers: a night that is simulated there can be read here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gateway.service.api import create_token
from gateway.service.records import Records
from tests.integration.deploy.conftest import DEPLOY, ROOT

HOME = [sys.executable, str(DEPLOY / "simulated_home.py")]
SERVICE = [sys.executable, "-c", "from gateway.cli import main; main()", "service"]


def environment(port: int, secrets: Path, password: str, **more: str) -> dict[str, str]:
    """The settings that docker-compose.yml gives, but for names of machines and paths."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SOMNOLINK_BROKER_URL": f"mqtts://localhost:{port}",
        "SOMNOLINK_BROKER_CA_FILE": str(secrets / "broker-ca.crt"),
        "SOMNOLINK_BROKER_PASSWORD_FILE": str(secrets / password),
        **more,
    }


def home_environment(port: int, secrets: Path, data: Path, pace: str) -> dict[str, str]:
    return environment(
        port,
        secrets,
        "home-password",
        SOMNOLINK_HOME_GATEWAY="home-1",
        SOMNOLINK_HOME_DATA=str(data),
        SOMNOLINK_HOME_MODE="both",
        SOMNOLINK_HOME_ZONE="Europe/Berlin",
        SIMULATION_PACE=pace,
    )


@contextmanager
def started(command: list[str], settings: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, env=settings) as process:
        try:
            yield
            assert process.poll() is None, "it ended by itself"
        finally:
            process.kill()


def test_a_night_of_the_simulated_home_is_served(port: int, secrets: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        http_port = probe.getsockname()[1]
    records = Records(tmp_path / "service" / "records.db")
    token = create_token(records, "test", ["read"], created_ms=0)
    records.close()
    service = environment(
        port,
        secrets,
        "service-password",
        SOMNOLINK_SERVICE_DATA=str(tmp_path / "service"),
        SOMNOLINK_SERVICE_HTTP_PORT=str(http_port),
        SOMNOLINK_SERVICE_AUTO_ENROL="true",
        SOMNOLINK_SERVICE_ZONE="Europe/Berlin",
    )
    home = home_environment(port, secrets, tmp_path / "home", "900")
    with started(SERVICE, service), started(HOME, home):
        (night,) = first_nights(f"http://127.0.0.1:{http_port}/api/v1/nights", token)
        assert night["device"].startswith("o2ring-")
        assert night["zone"] == "Europe/Berlin"
        assert night["valid_s"] > 0
        assert (tmp_path / "home" / "outbox.db").stat().st_size > 0  # what the composition's health check looks at
        assert int((tmp_path / "home" / "reached").read_text()) > 0


def first_nights(url: str, token: str) -> list[dict[str, str]]:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            nights = httpx.get(url, headers={"Authorization": f"Bearer {token}"}).json()["nights"]
        except httpx.TransportError:
            nights = []
        # A night shows with its first samples; the first seconds count as valid some seconds later.
        if nights and float(nights[0]["valid_s"]) > 0:
            return list(nights)
        time.sleep(0.2)
    raise AssertionError("no night came")


def test_a_pace_that_is_none_is_one_clear_line(port: int, secrets: Path, tmp_path: Path) -> None:
    settings = home_environment(port, secrets, tmp_path, "nan")
    done = subprocess.run(HOME, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "simulated home: SIMULATION_PACE must be a number of 1 or more\n"

"""The composition's home, broker and service, without containers: a night that is simulated there can be read here."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from gateway.service.api import create_token
from gateway.service.records import Records
from tests.integration.deploy.conftest import DEPLOY, ROOT

HOME = [sys.executable, str(DEPLOY / "simulated_home.py")]
MAIN = [sys.executable, "-c", "from gateway.cli import main; main()"]
SERVICE = [*MAIN, "service"]
COMPOSITION = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
INVITE = shlex.split(
    COMPOSITION["services"]["invitation"]["entrypoint"][-1].partition("|| somnolink ")[2].partition(">")[0]
)


def service_environment(port: int, http_port: int, secrets: Path, data: Path) -> dict[str, str]:
    """The settings that docker-compose.yml gives, but for names of machines and paths."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SOMNOLINK_BROKER_URL": f"mqtts://localhost:{port}",
        "SOMNOLINK_BROKER_CA_FILE": str(secrets / "broker-ca.crt"),
        "SOMNOLINK_BROKER_PASSWORD_FILE": str(secrets / "service-password"),
        "SOMNOLINK_BROKER_DYNAMIC_SECURITY": "true",
        "SOMNOLINK_BROKER_ADMIN_PASSWORD_FILE": str(secrets / "broker-admin-password"),
        "SOMNOLINK_SERVICE_PUBLIC_URL": f"http://127.0.0.1:{http_port}",
        "SOMNOLINK_SERVICE_DATA": str(data),
        "SOMNOLINK_SERVICE_HTTP_PORT": str(http_port),
        "SOMNOLINK_SERVICE_AUTO_ENROL": "true",
        "SOMNOLINK_SERVICE_ZONE": "Europe/Berlin",
    }


def home_environment(data: Path, invitation: Path, pace: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SOMNOLINK_CONFIG": str(data / "home.toml"),
        "SIMULATION_INVITATION": str(invitation),
        "SOMNOLINK_HOME_DATA": str(data),
        "SOMNOLINK_HOME_MODE": "both",
        "SOMNOLINK_HOME_ZONE": "Europe/Berlin",
        "SIMULATION_PACE": pace,
    }


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
    service = service_environment(port, http_port, secrets, tmp_path / "service")
    home = home_environment(tmp_path / "home", tmp_path / "line", "900")
    url = f"http://127.0.0.1:{http_port}/api/v1"
    with started(SERVICE, service):
        wait_until_it_answers(url)
        invited = subprocess.run([*MAIN, *INVITE], env=service, check=True, capture_output=True, text=True, timeout=60)
        (tmp_path / "line").write_text(invited.stdout)
        with started(HOME, home):
            served(url, token, tmp_path / "home")


def served(url: str, token: str, home: Path) -> None:
    (night,) = first_nights(f"{url}/nights", token)
    assert night["device"].startswith("o2ring-")
    assert night["zone"] == "Europe/Berlin"
    assert float(night["valid_s"]) > 0
    assert (home / "outbox.db").stat().st_size > 0  # what the composition's health check looks at
    assert int((home / "reached").read_text()) > 0
    (told,) = httpx.get(f"{url}/homes", headers={"Authorization": f"Bearer {token}"}).json()["homes"]
    assert (told["name"], told["state"]["online"]) == ("Simulated home", True)


def wait_until_it_answers(url: str) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("no service came")


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


def test_a_pace_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "home.toml").write_text("")
    settings = home_environment(tmp_path, tmp_path / "line", "nan")
    done = subprocess.run(HOME, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "simulated home: SIMULATION_PACE must be a number of 1 or more\n"

"""The composition's broker, without containers: its scripts and configuration, run by a real Mosquitto."""

from __future__ import annotations

import socket
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from gateway.service.homes import DynamicSecurity
from gateway.wire.client import BrokerAddress
from tests.integration.deploy.conftest import ROOT, Session, make_accounts, make_secrets, read


def test_every_secret_of_the_composition_is_made_and_closed_to_others(secrets: Path) -> None:
    composition = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    wanted = {Path(secret["file"]).name for secret in composition["secrets"].values()}
    assert {file.name for file in secrets.iterdir()} == wanted
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    values = {read(secrets, name) for name in wanted if "." not in name}
    assert len(values) == 8
    assert all(len(value) == 64 for value in values)


def test_making_them_again_changes_nothing_and_makes_what_is_missing(secrets: Path, tmp_path: Path) -> None:
    other = tmp_path / "secrets"
    make_secrets(other)
    before = {file.name: file.read_bytes() for file in other.iterdir()}
    (other / "broker-admin-password").unlink()
    make_secrets(other)
    after = {file.name: file.read_bytes() for file in other.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"broker-admin-password"}
    assert before["service-password"] != read(secrets, "service-password").encode()


def test_the_certificate_is_for_the_names_that_homes_use(secrets: Path) -> None:
    shown = subprocess.run(
        ["openssl", "x509", "-in", secrets / "broker.crt", "-noout", "-ext", "subjectAltName"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ("DNS:mosquitto", "DNS:localhost", "DNS:sleep.example.org", "IP Address:192.0.2.7"):
        assert name in shown


def accounts(port: int, secrets: Path) -> DynamicSecurity:
    """As the service makes them, with the secrets of the composition."""
    password, authority = read(secrets, "broker-admin-password"), secrets / "broker-ca.crt"
    admin = BrokerAddress("localhost", port, True, "somnolink-admin", password, authority)
    return DynamicSecurity(admin, read(secrets, "service-password"))


def test_at_first_the_administrator_alone_comes_in(port: int, secrets: Path) -> None:
    for user, password in (("somnolink-service", read(secrets, "service-password")), ("home-1", "")):
        stranger = Session(port, secrets, user, password)
        assert stranger.reason == "Not authorized"
        stranger.stop()
    accounts(port, secrets).prepare()
    service = Session(port, secrets, "somnolink-service", read(secrets, "service-password"))
    assert service.reason == "Success"
    service.stop()


def test_accounts_that_are_there_are_kept(secrets: Path, tmp_path: Path) -> None:
    make_accounts(secrets, tmp_path)
    file = tmp_path / "dynamic-security.json"
    first = file.read_text()
    assert read(secrets, "broker-admin-password") not in first
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(tmp_path.stat().st_mode)) == (0o600, 0o700)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    file.write_text(first + "\n")
    make_accounts(secrets, tmp_path)
    assert file.read_text() == first + "\n"


def test_a_home_reaches_the_service_and_nobody_else(port: int, secrets: Path) -> None:
    accounts(port, secrets).prepare()
    accounts(port, secrets).admit("home-1", "its own")
    service = Session(port, secrets, "somnolink-service", read(secrets, "service-password"))
    home = Session(port, secrets, "home-1", "its own")
    assert (service.reason, home.reason) == ("Success", "Success")
    assert service.subscribe("somnolink/v1/+/up/#") == [1]
    for foreign in ("somnolink/v1/home-2/up/x/oximetry", "somnolink/v1/service/status", "elsewhere"):
        home.client.publish(foreign, b"x", qos=1).wait_for_publish(10)
    home.client.publish("somnolink/v1/home-1/up/x/oximetry", b"x", qos=1).wait_for_publish(10)
    assert service.arrived.wait(10)
    assert service.received == ["somnolink/v1/home-1/up/x/oximetry"]
    home.stop()
    service.stop()


def test_a_wrong_password_is_refused(port: int, secrets: Path) -> None:
    stranger = Session(port, secrets, "home-1", "password")
    assert stranger.reason == "Not authorized"
    stranger.stop()


def test_without_tls_nobody_comes_in(port: int) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert not connected.wait(0.5)
    client.loop_stop()


def test_an_authority_that_is_not_ours_is_not_trusted(port: int, tmp_path: Path) -> None:
    make_secrets(tmp_path / "other")
    context = ssl.create_default_context(cafile=str(tmp_path / "other" / "broker-ca.crt"))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")

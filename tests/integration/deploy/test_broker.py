"""The composition's broker, without containers: its scripts and configuration, run by a real Mosquitto."""

from __future__ import annotations

import getpass
import os
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import require

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


def make_secrets(folder: Path, *names: str) -> None:
    require("openssl", "openssl")
    environment = {**os.environ, "SOMNOLINK_SECRETS": str(folder)}
    subprocess.run([DEPLOY / "make-secrets", *names], env=environment, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    make_secrets(folder, "sleep.example.org", "192.0.2.7")
    return folder


@pytest.fixture(scope="module")
def port(secrets: Path) -> Iterator[int]:
    """Mosquitto with deploy/mosquitto/mosquitto.conf, its paths and port changed to ours."""
    program = require("mosquitto", "mosquitto")
    require("mosquitto_passwd", "mosquitto")
    folder = secrets.parent
    auth = folder / "auth"
    auth.mkdir()
    environment = {
        **os.environ,
        "SECRETS": str(secrets),
        "TARGET": str(auth),
        "ACL": str(DEPLOY / "mosquitto" / "acl"),
        "OWNER": getpass.getuser(),
    }
    subprocess.run([DEPLOY / "mosquitto" / "make-users"], env=environment, check=True, capture_output=True, timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
    for old, new in (
        ("listener 8883", f"listener {free} 127.0.0.1"),
        ("/run/secrets/broker-certificate", str(secrets / "broker.crt")),
        ("/run/secrets/broker-key", str(secrets / "broker.key")),
        ("/mosquitto/auth/", f"{auth}/"),
        ("/mosquitto/data/", f"{folder}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "mosquitto.conf").write_text(text + f"user {getpass.getuser()}\n")
    with subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until and process.poll() is None:
                with socket.socket() as trial:
                    if trial.connect_ex(("127.0.0.1", free)) == 0:
                        break
                time.sleep(0.05)
            yield free
        finally:
            process.terminate()


class Session:
    """One client's answers, waited for."""

    def __init__(self, port: int, secrets: Path, user: str, password: str) -> None:
        self.connected = threading.Event()
        self.received: list[str] = []
        self.arrived = threading.Event()
        self.subscribed = threading.Event()
        self.granted: list[int] = []
        self.reason = ""
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user, protocol=mqtt.MQTTv5)
        self.client.username_pw_set(user, password)
        self.client.tls_set(str(secrets / "broker-ca.crt"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.connect("localhost", port)
        self.client.loop_start()
        assert self.connected.wait(10)

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: object, _more: object) -> None:
        self.reason = str(reason)
        self.connected.set()

    def _on_subscribe(self, _client: object, _data: object, _id: int, reasons: list[object], _more: object) -> None:
        self.granted = [reason.value for reason in reasons]  # type: ignore[attr-defined]  # paho's ReasonCode
        self.subscribed.set()

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self.received.append(message.topic)
        self.arrived.set()

    def subscribe(self, topic: str) -> list[int]:
        self.subscribed.clear()
        self.client.subscribe(topic, 1)
        assert self.subscribed.wait(10)
        return self.granted

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def read(secrets: Path, name: str) -> str:
    return (secrets / name).read_text("utf-8")


def test_every_secret_of_the_composition_is_made_and_closed_to_others(secrets: Path) -> None:
    composition = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    wanted = {Path(secret["file"]).name for secret in composition["secrets"].values()}
    assert {file.name for file in secrets.iterdir()} == wanted
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    values = {read(secrets, name) for name in wanted if "." not in name}
    assert len(values) == 5
    assert all(len(value) == 64 for value in values)


def test_making_them_again_changes_nothing_and_makes_what_is_missing(secrets: Path, tmp_path: Path) -> None:
    other = tmp_path / "secrets"
    make_secrets(other)
    before = {file.name: file.read_bytes() for file in other.iterdir()}
    (other / "home-password").unlink()
    make_secrets(other)
    after = {file.name: file.read_bytes() for file in other.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"home-password"}
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


def test_a_home_reaches_the_service_and_nobody_else(port: int, secrets: Path) -> None:
    service = Session(port, secrets, "somnolink-service", read(secrets, "service-password"))
    home = Session(port, secrets, "home-1", read(secrets, "home-password"))
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

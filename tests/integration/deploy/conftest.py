from __future__ import annotations

import getpass
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import require, require_file
from tests.servers.mosquitto import PLUGINS

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


def make_secrets(folder: Path, *names: str) -> None:
    require("openssl", "openssl")
    environment = {**os.environ, "SOMNOLINK_SECRETS": str(folder)}
    subprocess.run([DEPLOY / "make-secrets", *names], env=environment, check=True, capture_output=True, timeout=60)


def make_accounts(secrets: Path, target: Path) -> None:
    require("mosquitto_passwd", "mosquitto")
    environment = {**os.environ, "SECRETS": str(secrets), "TARGET": str(target), "OWNER": getpass.getuser()}
    script = DEPLOY / "mosquitto" / "make-accounts"
    subprocess.run([script], env=environment, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    make_secrets(folder, "sleep.example.org", "192.0.2.7")
    return folder


@pytest.fixture(scope="module")
def port(secrets: Path) -> Iterator[int]:
    """Mosquitto with deploy/mosquitto/mosquitto.conf, its paths and port changed to ours."""
    program = require("mosquitto", "mosquitto")
    plugin = require_file(PLUGINS, "mosquitto")
    folder = secrets.parent
    accounts = folder / "accounts"
    accounts.mkdir()
    make_accounts(secrets, accounts)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
    for old, new in (
        ("listener 8883", f"listener {free} 127.0.0.1"),
        ("/run/secrets/broker-certificate", str(secrets / "broker.crt")),
        ("/run/secrets/broker-key", str(secrets / "broker.key")),
        ("/usr/lib/mosquitto_dynamic_security.so", str(plugin)),
        ("/mosquitto/accounts/", f"{accounts}/"),
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

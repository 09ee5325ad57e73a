"""`somnolink service` as an operator runs it: HTTPS, JSON logs, metrics by a token from a file, a backup under way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.service.backup import Places, restore
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.codec import encode_batch
from gateway.wire.messages import Batch, ClockInfo
from tests.servers.certificates import CertificateFiles, write_certificates
from tests.servers.mosquitto import MosquittoServer
from tests.servers.process import free_port

SOMNOLINK = str(Path(sys.executable).with_name("somnolink"))
RING = "o2ring-0011223344"
T0_MS = 1_773_527_400_000
METRICS = "beef" * 16
PASSWORD = "a broker's password"


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "not within the time"
        time.sleep(0.05)


@dataclass
class Clinic:
    """A running service and all that it was given."""

    folder: Path
    environment: dict[str, str]
    url: str
    files: CertificateFiles
    process: subprocess.Popen[bytes]
    broker: MosquittoServer

    def get(self, path: str, token: str = "", authority: Path | None = None) -> httpx.Response:
        trusted = ssl.create_default_context(cafile=str(authority or self.files.authority))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(self.url + path, headers=headers, verify=trusted, timeout=20)

    def answers(self, path: str, authority: Path | None = None) -> bool:
        try:
            return self.get(path, authority=authority).is_success
        except httpx.TransportError:
            return False

    def run(self, *arguments: str) -> str:
        command = [SOMNOLINK, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def log(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    files = write_certificates(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "metrics").write_text(METRICS)
    port = free_port()
    users = {"somnolink-service": PASSWORD, "home-1": "home"}
    with MosquittoServer(users=users) as broker:
        config = tmp_path / "service.toml"
        config.write_text(
            f"""
[broker]
url = "mqtt://127.0.0.1:{broker.port}"
password_file = "{tmp_path}/password"
[service]
data = "{tmp_path}/data"
auto_enrol = true
http_port = {port}
http_certificate_file = "{files.certificate}"
http_key_file = "{files.key}"
metrics_token_file = "{tmp_path}/metrics"
[log]
format = "json"
"""
        )
        environment = {**os.environ, "SOMNOLINK_CONFIG": str(config)}
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen([SOMNOLINK, "service"], env=environment, stderr=log)
        started = Clinic(tmp_path, environment, f"https://127.0.0.1:{port}", files, process, broker)
        try:
            wait_for(lambda: process.poll() is not None or started.answers("/api/v1/health"))
            yield started
        finally:
            process.terminate()
            process.wait(30)


def publish(broker: MosquittoServer) -> None:
    """Ten minutes of a ring at home."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set("home-1", "home")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    columns = {"spo2": np.full(600, 95, "<f4"), "pulse": np.full(600, 60, "<f4")}
    batch = Batch(RING, "oximetry", "live", "s1", 0, T0_MS, columns, ClockInfo("arrival", 500), dt_ms=1000)
    client.publish(topics.batch("home-1", RING, "oximetry"), encode_batch(batch), qos=1).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


def test_it_takes_in_answers_is_backed_up_renews_its_certificate_and_logs_for_machines(clinic: Clinic) -> None:
    token = clinic.run("token", "page")
    publish(clinic.broker)
    samples = f"/api/v1/nights/{RING}/2026-03-14/samples"
    wait_for(lambda: clinic.get(samples, token).is_success and len(clinic.get(samples, token).json()["t_ms"]) == 600)

    assert "somnolink_samples_total 600.0" in clinic.get("/metrics", METRICS).text
    assert clinic.get(samples, METRICS).status_code == 403

    folder = Path(clinic.run("backup", str(clinic.folder / "backups")))
    there = Places(clinic.folder / "new" / "samples.db", clinic.folder / "new" / "records.db")
    restore(folder, there, now_ms=T0_MS)
    assert there.samples is not None
    with SqliteStore(there.samples) as store:
        assert len(store.read(RING, "oximetry", 0, 1 << 60)) == 600

    (clinic.folder / "renewed").mkdir()
    renewed = write_certificates(clinic.folder / "renewed")
    shutil.copyfile(renewed.certificate, clinic.files.certificate)
    shutil.copyfile(renewed.key, clinic.files.key)
    clinic.process.send_signal(signal.SIGHUP)
    wait_for(lambda: clinic.answers("/api/v1/health", renewed.authority))
    clinic.files.certificate.write_text("no certificate")
    clinic.process.send_signal(signal.SIGHUP)
    wait_for(lambda: any("the old certificate stays in use" in line["message"] for line in clinic.log()))
    assert clinic.answers("/api/v1/health", renewed.authority)

    clinic.process.terminate()
    assert clinic.process.wait(30) == 0
    assert clinic.log()
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in clinic.log())
    said = (clinic.folder / "log").read_text()
    assert [secret for secret in (token, METRICS, PASSWORD) if secret in said] == []

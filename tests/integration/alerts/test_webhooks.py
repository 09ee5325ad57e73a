"""Signed webhooks: in order, tried again later and later, none left out when the service is killed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.service.alerts.webhooks import MOST_TRIES, WebhookSender, signature, wait_s
from gateway.service.records import Records
from tests.conftest import ROOT
from tests.integration.alerts.scene import Desk, Scene, raise_one, wait_for
from tests.servers.bounded import killed_after

SECRET = "a secret of thirty-two characters"


@dataclass
class Receiver:
    """A webhook's other end, a real HTTP server."""

    answers: list[int] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def ids(self) -> list[int]:
        return [json.loads(body)["id"] for _, body in self.seen]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.answers.pop(0) if made.answers else 204
            made.seen.append((dict(self.headers.items()), body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if status == 302:
                self.send_header("Location", made.url)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/alerts"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def sender(scene: Scene, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookSender]:
    monkeypatch.setenv("SOMNOLINK_WEBHOOK_TEST", SECRET)
    scene.records.webhooks.add("clinic", receiver.url, "env:SOMNOLINK_WEBHOOK_TEST", at_ms=0)
    made = WebhookSender(scene.records, scene.clock)
    made.start()
    yield made
    made.stop()


def check_signature(headers: dict[str, str], body: bytes) -> None:
    """As the documentation tells a receiver to."""
    signed = headers["Somnolink-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(headers["Somnolink-Signature"], f"v1={expected}")
    assert headers["Somnolink-Event"] == str(json.loads(body)["id"])


def test_a_webhook_is_told_in_order_and_signed(scene: Scene, receiver: Receiver, sender: WebhookSender) -> None:
    for number in range(5):
        raise_one(scene.records, number)
    wait_for(lambda: sender.delivered == 5)
    assert receiver.ids == [1, 2, 3, 4, 5]
    for headers, body in receiver.seen:
        check_signature(headers, body)
        assert headers["Content-Type"] == "application/json"
        assert abs(int(headers["Somnolink-Timestamp"]) - scene.clock.now_ms // 1000) <= 1


def test_a_webhook_that_fails_is_tried_again_later_and_later(
    scene: Scene, receiver: Receiver, sender: WebhookSender
) -> None:
    receiver.answers = [500, 302, 404]
    raise_one(scene.records, 1)
    raise_one(scene.records, 2)
    for tries in (1, 2, 3):
        wait_for(lambda: scene.records.webhooks.list()[0].tries == tries)  # noqa: B023  # done within the turn
        hook = scene.records.webhooks.list()[0]
        assert hook.next_ms == scene.clock.now_ms + round(wait_s(tries) * 1000)
        assert len(receiver.seen) == tries, "and not before its time"
        scene.clock.now_ms = hook.next_ms
    wait_for(lambda: sender.delivered == 2)
    assert receiver.ids == [1, 1, 1, 1, 2], "in order, and a redirect is not followed"
    assert scene.records.webhooks.list()[0].problem == ""


def test_waits_double_up_to_an_hour() -> None:
    assert [wait_s(tries) for tries in (1, 2, 3, 12, 13, 24)] == [1, 2, 4, 2048, 3600, 3600]


def test_an_event_that_is_never_taken_is_given_up_and_counted(
    scene: Scene, receiver: Receiver, sender: WebhookSender
) -> None:
    receiver.answers = [503] * MOST_TRIES
    raise_one(scene.records, 1)

    def on() -> bool:
        scene.clock.now_ms += 3_600_000
        raise_one(scene.records, scene.records.feed.last() + 1) if len(receiver.seen) < MOST_TRIES else None
        return scene.records.webhooks.list()[0].given_up == 1

    wait_for(on, 40)
    wait_for(lambda: sender.delivered >= 1)
    assert receiver.ids[: MOST_TRIES + 1] == [1] * MOST_TRIES + [2]


def test_gone_is_gone(scene: Scene, receiver: Receiver, sender: WebhookSender) -> None:
    receiver.answers = [410]
    raise_one(scene.records, 1)
    wait_for(lambda: scene.records.webhooks.list()[0].disabled_ms is not None)
    raise_one(scene.records, 2)
    time.sleep(0.2)
    assert len(receiver.seen) == 1


def test_a_secret_that_is_not_there_sends_nothing(scene: Scene, receiver: Receiver) -> None:
    scene.records.webhooks.add("clinic", receiver.url, "file:/nowhere/secret", at_ms=0)
    raise_one(scene.records, 1)
    made = WebhookSender(scene.records, scene.clock)
    made.start()
    wait_for(lambda: scene.records.webhooks.list()[0].tries == 1)
    made.stop()
    assert receiver.seen == []
    assert "/nowhere/secret" in scene.records.webhooks.list()[0].problem


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("http://example.org/", "env:SOMNOLINK_WEBHOOK_A"),
        ("ftp://example.org/", "env:SOMNOLINK_WEBHOOK_A"),
        ("https://user:word@example.org/", "env:SOMNOLINK_WEBHOOK_A"),
        ("https://[bad/", "env:SOMNOLINK_WEBHOOK_A"),
        ("https://example.org/", "env:PATH"),
        ("https://example.org/", "file:relative"),
        ("https://example.org/", "the secret itself"),
    ],
)
def test_a_webhook_that_is_none_is_refused(desk: Desk, url: str, reference: str) -> None:
    answer = desk.ask("POST", "/clinics/clinic/webhooks", {"url": url, "secret_ref": reference})
    assert answer.status_code == 422
    assert desk.get("/clinics/clinic/webhooks") == []


def test_a_webhook_is_added_told_and_removed(desk: Desk) -> None:
    given = {"url": "https://example.org/alerts", "secret_ref": "env:SOMNOLINK_WEBHOOK_A"}
    made = desk.ask("POST", "/clinics/clinic/webhooks", given).json()
    assert "SOMNOLINK" not in json.dumps(made)
    assert [one["id"] for one in desk.get("/clinics/clinic/webhooks")] == [made["id"]]  # type: ignore[attr-defined]  # JSON
    assert desk.ask("DELETE", f"/webhooks/{made['id']}").status_code == 204
    assert desk.get("/clinics/clinic/webhooks") == []


def test_a_signature_changes_with_every_part() -> None:
    known = signature(SECRET, 1, b"body")
    assert known != signature(SECRET, 2, b"body")
    assert known != signature(SECRET, 1, b"body ")
    assert known != signature("another", 1, b"body")


PROGRAM = """
import sys, time
from gateway.clock import SystemClock
from gateway.service.alerts.webhooks import WebhookSender
from gateway.service.records import Records
records = Records(sys.argv[1])
sender = WebhookSender(records, SystemClock())
sender.start()
print("up", flush=True)
while True:
    records.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=1)
    records.alerts.resolve("outbox_full", "home-1", at_ms=2)
    print("x", flush=True)
"""


def test_killed_at_any_moment_no_event_is_lost_and_none_comes_in_another_order(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMNOLINK_WEBHOOK_TEST", SECRET)
    path = tmp_path / "records.db"
    records = Records(path)
    records.webhooks.add("clinic", receiver.url, "env:SOMNOLINK_WEBHOOK_TEST", at_ms=0)
    for rounds in (3, 7, 5):
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, cwd=ROOT, env=os.environ
        )
        assert child.stdout is not None
        with killed_after(child):
            for _ in range(1 + rounds):
                assert child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.wait(20)
        child.stdout.close()
    sender = WebhookSender(records, SystemClock())
    sender.start()
    last = records.feed.last()
    assert last >= 2 * (3 + 7 + 5)
    wait_for(lambda: bool(receiver.ids) and max(receiver.ids) == last)
    sender.stop()
    first_seen = list(dict.fromkeys(receiver.ids))
    assert first_seen == list(range(1, last + 1))
    assert len(receiver.ids) - last <= 3, "at most the one that was on its way at each kill comes twice"
    for headers, body in receiver.seen:
        check_signature(headers, body)
    for alert in records.alerts.list():
        assert [one.event for one in records.alerts.history(alert.id)] in (["raised"], ["raised", "resolved"])
    records.close()

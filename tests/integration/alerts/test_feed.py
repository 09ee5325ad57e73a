"""The feed's three ways out: server-sent events that go on, MQTT, signed webhooks; none left out, whoever is away."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.service.alerts.mqtt_feed import MqttFeed
from gateway.service.alerts.webhooks import MOST_TRIES, WebhookSender, signature, wait_s
from gateway.service.records import Records
from gateway.wire.access import SERVICE_USER, allowed
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import BrokerAddress, Connection
from gateway.wire.feed import FeedEvent, decode_event
from gateway.wire.topics import feed as feed_topic
from tests.conftest import ROOT
from tests.integration.alerts.scene import HOME, T0, Desk, Scene

SECRET = "a secret of thirty-two characters"


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "not within the time"
        time.sleep(0.01)


def raise_one(records: Records, number: int) -> None:
    records.alerts.raise_alert("outbox_full", f"home-{number}", "full", at_ms=T0 + number)


class Listener:
    """A program that listens to the feed over HTTP."""

    def __init__(self, desk: Desk, last: int | None = None, path: str = "/feed/clinic") -> None:
        self.events: queue.Queue[FeedEvent] = queue.Queue()
        self.ids: list[int] = []
        self.open = threading.Event()
        headers = {"Authorization": f"Bearer {desk.token}"} | ({} if last is None else {"Last-Event-ID": str(last)})
        self._client = httpx.Client(timeout=30)
        request = self._client.build_request("GET", f"{desk.url}/api/v1{path}", headers=headers)
        self._answer = self._client.send(request, stream=True)
        assert self._answer.status_code == 200
        assert self._answer.headers["content-type"].startswith("text/event-stream")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._answer.iter_lines():
                self.open.set()
                if line.startswith("id: "):
                    self.ids.append(int(line[4:]))
                if line.startswith("data: "):
                    self.events.put(decode_event(line[6:]))
        except (httpx.HTTPError, httpx.StreamError):
            pass

    def next(self) -> FeedEvent:
        return self.events.get(timeout=20)

    def ended(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_a_listener_hears_each_event_as_it_happens(desk: Desk) -> None:
    listener = Listener(desk)
    assert listener.open.wait(10)
    desk.scene.live(T0, (85, 300), (96, 60))
    first, second = listener.next(), listener.next()
    assert (first.event, second.event) == ("raised", "resolved")
    assert (first.rule, first.patient, first.severity) == ("spo2_low", desk.scene.patient.id, "urgent")
    assert first.evidence.values == {"level_pct": 88.0, "minutes": 5.0, "lowest_pct": 85.0}
    assert listener.ids == [first.id, second.id]


def test_a_listener_that_was_away_goes_on_where_it_left_off(desk: Desk) -> None:
    for number in range(5):
        raise_one(desk.scene.records, number)
    listener = Listener(desk, last=3)
    assert [listener.next().id, listener.next().id] == [4, 5]
    raise_one(desk.scene.records, 5)
    assert listener.next().id == 6
    assert [Listener(desk, path="/feed/clinic?after=4").next().id] == [5]
    listed = desk.get("/feed/clinic/events", after=4)
    assert ([one["id"] for one in listed["events"]], listed["last"]) == ([5, 6], 6)  # type: ignore[index]  # JSON


def test_a_clinic_hears_its_own_events_only(desk: Desk) -> None:
    records = desk.scene.records
    records.people.add_clinic("clinic-other", "Other", at_ms=0)
    records.devices.gateway_seen("home-9", 0)
    records.people.set_gateway_clinic("home-9", "clinic-other")
    mine, others = Listener(desk, last=0), Listener(desk, last=0, path="/feed/clinic-other")
    raise_one(records, 9)
    raise_one(records, 1)
    assert (mine.next().gateway, others.next().gateway) == ("home-1", "home-9")
    assert mine.events.empty()
    assert others.events.empty()


def test_a_wrong_place_to_go_on_from_is_refused(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.token}", "Last-Event-ID": "yesterday"}
    assert httpx.get(f"{desk.url}/api/v1/feed/clinic", headers=headers).status_code == 422


def test_the_server_stops_at_once_with_listeners_on_the_line(scene: Scene) -> None:
    from gateway.service.api import ServiceStatus, create_app, create_token, serve

    app = create_app(scene.records, scene.store, status=lambda: ServiceStatus(True, ""), clock=scene.clock)
    server = serve(app, "127.0.0.1", 0)
    desk = Desk(scene, server.url, create_token(scene.records, "x", ["read"], created_ms=0))
    listeners = [Listener(desk) for _ in range(3)]
    assert all(listener.open.wait(10) for listener in listeners)
    server.stop()
    assert all(listener.ended(5) for listener in listeners)


class MqttListener:
    """A program that listens over MQTT, under the clinic's own name."""

    def __init__(self, address: BrokerAddress) -> None:
        self.events: queue.Queue[FeedEvent] = queue.Queue()
        self._connection = Connection(
            address,
            "listener",
            on_message=lambda message: self.events.put(decode_event(message.payload)),
            on_lost=lambda _reason: None,
        )
        self._connection.open([feed_topic("clinic")])

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker([SERVICE_USER, "clinic"]) as running:
        yield running


def test_every_event_is_published_once_while_all_goes_well(scene: Scene, broker: EmbeddedBroker) -> None:
    raise_one(scene.records, 0)
    listener = MqttListener(broker.address("clinic"))
    feed = MqttFeed(scene.records, broker.address(SERVICE_USER))
    feed.start()
    for number in range(1, 20):
        raise_one(scene.records, number)
    assert [listener.events.get(timeout=20).id for _ in range(20)] == list(range(1, 21))
    feed.stop()
    assert scene.records.feed.cursor("mqtt") == 20
    raise_one(scene.records, 20)
    again = MqttFeed(scene.records, broker.address(SERVICE_USER))
    again.start()
    assert listener.events.get(timeout=20).id == 21
    again.stop()
    assert listener.events.empty()
    listener.close()


def test_a_broker_that_was_away_misses_nothing(scene: Scene) -> None:
    with EmbeddedBroker([SERVICE_USER]) as first:
        port = first.address(SERVICE_USER).port
    feed = MqttFeed(scene.records, BrokerAddress("127.0.0.1", port, username=SERVICE_USER, password="x"))
    feed.start()
    raise_one(scene.records, 1)
    wait_for(lambda: feed.problem is not None)
    assert scene.records.feed.cursor("mqtt") == 0
    feed.stop()


def test_no_home_reads_or_writes_the_feed() -> None:
    for action in ("read", "write"):
        assert not allowed(HOME, action, feed_topic("clinic"))  # type: ignore[arg-type]  # a literal
    assert allowed(SERVICE_USER, "write", feed_topic("clinic"))


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
    assert signature(SECRET, 1, b"1.x") != signature(SECRET, 11, b".x"[1:])


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
        for _ in range(1 + rounds):
            assert child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
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

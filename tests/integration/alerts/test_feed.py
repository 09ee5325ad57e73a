"""The feed's three ways out: server-sent events that go on, MQTT, signed webhooks; none left out, whoever is away."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import httpx
import pytest

from gateway.service.alerts.mqtt_feed import MqttFeed
from gateway.wire.access import SERVICE_USER, allowed
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import BrokerAddress, Connection
from gateway.wire.feed import FeedEvent, decode_event
from gateway.wire.topics import feed as feed_topic
from tests.integration.alerts.scene import HOME, T0, Desk, Scene, raise_one, wait_for
from tests.servers.mosquitto import MosquittoServer


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
    wait_for(lambda: feed.published == 20)  # the broker's word comes a moment after the listener has it
    feed.stop()
    assert scene.records.feed.cursor("mqtt") == 20
    raise_one(scene.records, 20)
    again = MqttFeed(scene.records, broker.address(SERVICE_USER))
    again.start()
    assert listener.events.get(timeout=20).id == 21
    again.stop()
    assert listener.events.empty()
    listener.close()


def test_a_broker_that_was_away_is_told_what_happened_meanwhile(scene: Scene) -> None:
    with MosquittoServer() as server:
        address = BrokerAddress("127.0.0.1", server.port)
        feed = MqttFeed(scene.records, address)
        feed.start()
        raise_one(scene.records, 1)
        wait_for(lambda: feed.published == 1)
        server.kill9()
        raise_one(scene.records, 2)
        wait_for(lambda: feed.problem is not None)
        server.start()
        listener = MqttListener(address)
        raise_one(scene.records, 3)
        ids = [listener.events.get(timeout=30).id]
        while ids[-1] < 3:
            ids.append(listener.events.get(timeout=30).id)
        wait_for(lambda: feed.published >= 3)
        feed.stop()
        listener.close()
    assert ids == sorted(ids), "2 may have gone out before anyone listened again, 1 may have come twice"
    assert feed.published >= 3
    assert scene.records.feed.cursor("mqtt") == 3


def test_no_home_reads_or_writes_the_feed() -> None:
    for action in ("read", "write"):
        assert not allowed(HOME, action, feed_topic("clinic"))  # type: ignore[arg-type]  # a literal
    assert allowed(SERVICE_USER, "write", feed_topic("clinic"))

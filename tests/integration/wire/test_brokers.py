"""The client against Mosquitto with an ACL, Mosquitto with roles, and the embedded broker: the same rules."""

from __future__ import annotations

import os
import queue
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import BrokerError, BrokerRefusalError
from gateway.service.homes import DynamicSecurity
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER, mosquitto_acl
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import BrokerAddress, Connection, Message, Will
from tests.servers.certificates import write_certificates
from tests.servers.mosquitto import ADMIN, MosquittoServer
from tests.servers.process import free_port

USERS = {"home": "pw-home", "away": "pw-away", SERVICE_USER: "pw-service"}
OWN = topics.batch("home", "plx-1", "oximetry")
FOREIGN = topics.batch("away", "plx-1", "oximetry")


class Peer:
    """One user's connection and what it heard."""

    def __init__(self, address: BrokerAddress, *, name: str = "", will: Will | None = None, **options: Any) -> None:
        self.heard: queue.Queue[Message] = queue.Queue()
        self.lost: queue.Queue[str] = queue.Queue()
        self.connection = Connection(
            address,
            name or f"test-{address.username}",
            on_message=self.heard.put,
            on_lost=self.lost.put,
            will=will,
            **options,
        )

    def open(self, *subscriptions: str) -> Peer:
        self.connection.open(subscriptions)
        return self

    def next(self) -> Message:
        return self.heard.get(timeout=10)


@pytest.fixture(scope="module", params=["mosquitto", "dynamic security", "embedded"])
def address_of(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Where each user connects."""
    if request.param == "mosquitto":
        with MosquittoServer(users=USERS, acl=mosquitto_acl(), tls=True) as server:
            yield lambda user: BrokerAddress("127.0.0.1", server.port, True, user, USERS[user], server.ca_file)
    elif request.param == "dynamic security":
        with MosquittoServer(admin_password="pw-admin", tls=True) as server:
            admin = BrokerAddress("127.0.0.1", server.port, True, ADMIN, "pw-admin", server.ca_file)
            accounts = DynamicSecurity(admin, USERS[SERVICE_USER])
            accounts.prepare()
            for user in ("home", "away"):
                accounts.admit(user, USERS[user])
            yield lambda user: replace(admin, username=user, password=USERS[user])
    else:
        with EmbeddedBroker(list(USERS)) as broker:
            yield broker.address


@pytest.fixture
def peers(address_of: Any) -> Iterator[Any]:
    made: list[Peer] = []

    def make(user: str, *subscriptions: str, **options: Any) -> Peer:
        made.append(Peer(address_of(user), name=f"test-{user}-{len(made)}", **options))
        return made[-1].open(*subscriptions)

    yield make
    for peer in made:
        peer.connection.close()


def test_a_gateway_reaches_the_service_and_the_service_the_gateway(peers: Any) -> None:
    service = peers(SERVICE_USER, topics.ALL_BATCHES, topics.ALL_STATUS)
    home = peers("home", topics.ack("home"), topics.command("home"), topics.SERVICE_STATUS)
    home.connection.publish(OWN, b"\x00\xff")
    home.connection.publish(topics.status("home"), b"{}")
    heard = {(message.topic, message.payload) for message in (service.next(), service.next())}
    assert heard == {(OWN, b"\x00\xff"), (topics.status("home"), b"{}")}
    service.connection.publish(topics.ack("home"), b"[]")
    assert (home.next().topic, home.heard.empty()) == (topics.ack("home"), True)


def test_what_a_gateway_says_on_anothers_topics_never_arrives(peers: Any) -> None:
    service = peers(SERVICE_USER, topics.ALL_BATCHES, topics.ALL_STATUS)
    away = peers("away", topics.ack("away"), topics.SERVICE_STATUS)
    home = peers("home")
    for topic in (FOREIGN, topics.status("away"), topics.ack("away"), topics.SERVICE_STATUS, topics.ack("home")):
        home.connection.publish(topic, b"forged")
    home.connection.publish(OWN, b"own")  # after the others, so all of them have been dealt with when it arrives
    assert service.next().payload == b"own"
    assert service.heard.empty()
    service.connection.publish(topics.ack("away"), b"true")
    assert away.next().payload == b"true"
    assert away.heard.empty()


@pytest.mark.parametrize("topic", [topics.ack("away"), "somnolink/v1/+/down/ack", topics.ALL_BATCHES, "#"])
def test_a_gateway_cannot_listen_to_another(address_of: Any, peers: Any, topic: str) -> None:
    spy = Peer(address_of("home"), name="spy")
    try:
        spy.open(topic)
    except BrokerError as error:
        assert "subscription" in str(error)  # noqa: PT017 - brokers may refuse now, or stay silent
    peers(SERVICE_USER).connection.publish(topics.ack("away"), b"secret")
    peers("away").connection.publish(FOREIGN, b"secret")
    away = peers("away", topics.ack("away"))
    peers(SERVICE_USER).connection.publish(topics.ack("away"), b"end")
    assert away.next().payload == b"end"
    spy.connection.close()
    assert spy.heard.empty()


def test_a_wrong_password_is_one_clear_line(address_of: Any) -> None:
    for wrong in (replace(address_of("home"), password="wrong"), replace(address_of("home"), password=None)):
        with pytest.raises(BrokerRefusalError, match="refuses home") as caught:
            Peer(wrong).open()
        assert "\n" not in str(caught.value)
    with pytest.raises(BrokerError, match="refuses nobody"):
        Peer(replace(address_of("home"), username="nobody", password="x")).open()


def test_retained_presence_is_told_to_who_comes_later_and_marked_so(peers: Any) -> None:
    early = peers("home", topics.SERVICE_STATUS)
    service = peers(SERVICE_USER)
    service.connection.publish(topics.SERVICE_STATUS, b'{"online":true}', retain=True)
    first = early.next()
    late = peers("away", topics.SERVICE_STATUS).next()
    assert (first.payload, first.retained) == (b'{"online":true}', False)
    assert (late.payload, late.retained) == (b'{"online":true}', True)


def test_the_will_is_sent_for_who_vanishes_and_not_for_who_says_goodbye(address_of: Any, peers: Any) -> None:
    service = peers(SERVICE_USER, topics.ALL_STATUS)
    while not service.heard.empty():
        service.heard.get()
    polite = peers("away", will=Will(topics.status("away"), b"gone"))
    polite.connection.close()
    vanished = peers("home", will=Will(topics.status("home"), b"gone"))
    stream = vanished.connection._client.socket()
    assert stream is not None
    with socket.socket(fileno=os.dup(stream.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    heard = [service.next()]
    while heard[-1].topic != topics.status("home") or heard[-1].payload != b"gone":
        heard.append(service.next())
    if address_of("home").tls:  # amqtt may send it after a goodbye too; a gateway's goodbye says the same as its will
        assert topics.status("away") not in [message.topic for message in heard if message.payload == b"gone"]
    assert vanished.lost.get(timeout=10)
    with pytest.raises(BrokerError, match="gone"):
        vanished.connection.publish(OWN, b"")


class TestMosquitto:
    """What only a full broker shows."""

    def test_no_broker_a_wrong_authority_and_a_server_that_is_none(self, tmp_path: Any) -> None:
        with pytest.raises(BrokerError, match=r"no broker at 127\.0\.0\.1"):
            Peer(BrokerAddress("127.0.0.1", free_port())).open()
        with pytest.raises(BrokerError, match=r"no broker at no\.such\.host\.invalid"):
            Peer(BrokerAddress("no.such.host.invalid", 1883)).open()
        other = write_certificates(tmp_path).authority
        with MosquittoServer(users=USERS, acl=mosquitto_acl(), tls=True) as server:
            address = BrokerAddress("127.0.0.1", server.port, True, "home", USERS["home"], other)
            for wrong in (address, replace(address, ca_file=None)):
                with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED") as caught:
                    Peer(wrong).open()
                assert not isinstance(caught.value, BrokerRefusalError)
                assert "\n" not in str(caught.value)
            with pytest.raises(BrokerError):
                Peer(replace(address, tls=False)).open()  # plain text to a TLS port

    def test_what_is_not_acknowledged_keeps_the_broker_from_sending_more(self) -> None:
        with MosquittoServer(settings="max_inflight_messages 5") as server:
            address = BrokerAddress("127.0.0.1", server.port)
            slow = Peer(address, name="slow", manual_acknowledgement=True).open("t")
            fast = Peer(address, name="fast").open("t")
            for number in range(20):
                fast.connection.publish("t", b"%d" % number)
            everything = [fast.next() for _ in range(20)]
            held = [slow.next() for _ in range(5)]
            assert [message.payload for message in held] == [message.payload for message in everything[:5]]
            with pytest.raises(queue.Empty):
                slow.heard.get(timeout=0.3)
            fast.connection.acknowledge(held[:1])  # another connection's: left alone
            with pytest.raises(queue.Empty):
                slow.heard.get(timeout=0.3)
            slow.connection.acknowledge(held[:1])
            assert slow.next().payload == b"5"
            slow.connection.acknowledge(held[1:])
            assert [slow.next().payload for _ in range(4)] == [b"6", b"7", b"8", b"9"]
            slow.connection.close()
            fast.connection.close()

    def test_acknowledged_from_the_network_thread_they_go_as_one_and_all_is_heard_once(self) -> None:
        heard: queue.Queue[bytes] = queue.Queue()
        held: list[Message] = []

        def received(message: Message) -> None:
            heard.put(message.payload)
            held.append(message)
            if len(held) == 10:  # as many as the broker sends unconfirmed
                reader.acknowledge(held)
                held.clear()

        with MosquittoServer(settings="max_inflight_messages 10\nmax_queued_messages 0") as server:
            address = BrokerAddress("127.0.0.1", server.port)
            reader = Connection(
                address, "reader", on_message=received, on_lost=lambda _: None, manual_acknowledgement=True
            )
            reader.open(["t"])
            writer = Peer(address, name="writer").open()
            sent = [b"%d" % number for number in range(500)]
            for payload in sent:
                writer.connection.publish("t", payload)
            assert [heard.get(timeout=10) for _ in sent] == sent
            with pytest.raises(queue.Empty):
                heard.get(timeout=0.3)
            reader.close()
            writer.connection.close()


class TestEmbedded:
    def test_a_port_that_is_taken_is_one_clear_line(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(BrokerError, match=f"port {port} on 127.0.0.1 is not free"), EmbeddedBroker(["a"], port):
                pass

    def test_it_comes_back_on_the_same_port_and_tells_who_was_connected(self) -> None:
        with EmbeddedBroker(["home"]) as first:
            home = Peer(first.address("home")).open()
            port = first.address("home").port
        assert home.lost.get(timeout=10)
        with EmbeddedBroker(["home"], port) as second:
            again = Peer(second.address("home")).open(topics.SERVICE_STATUS)
            again.connection.close()
        assert first.address("home").password != second.address("home").password

"""A service on a live Mosquitto whose accounts it makes, and a box's connection to it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.clock import SystemClock
from gateway.service.app import Service, ServiceConfig
from gateway.service.homes import DynamicSecurity, Joined, Place
from gateway.service.records import Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER
from gateway.wire.client import BrokerAddress, Connection, Message
from gateway.wire.codec import encode_batch
from gateway.wire.messages import Batch
from tests.servers.mosquitto import ADMIN, MosquittoServer

ADMIN_PASSWORD = "a" * 64
SERVICE_PASSWORD = "b" * 64


def admin(server: MosquittoServer) -> BrokerAddress:
    """Where the broker takes commands."""
    return BrokerAddress(server.host, server.port, username=ADMIN, password=ADMIN_PASSWORD)


def accounts_of(server: MosquittoServer) -> DynamicSecurity:
    return DynamicSecurity(admin(server), SERVICE_PASSWORD)


@contextmanager
def service(folder: Path, server: MosquittoServer, *, http: bool = False, auto_enrol: bool = True) -> Iterator[Service]:
    """The whole service, with its accounts made as at a start."""
    accounts = accounts_of(server)
    accounts.prepare()
    own = replace(admin(server), username=SERVICE_USER, password=SERVICE_PASSWORD)
    records = Records(folder / "records.db")
    config = ServiceConfig(
        own,
        "UTC",
        auto_enrol=auto_enrol,
        http_port=0 if http else None,
        accounts=accounts,
        accounts_key=ADMIN_PASSWORD.encode(),
        place=Place(broker=own.url),
    )
    with SqliteStore(folder / "samples.db") as store, Service(config, store, records, SystemClock()) as running:
        running.start(wait_s=15)
        running.enrolment.repair()  # whatever another test left at the broker is out
        yield running
    records.close()


def join(running: Service, box: str = "0" * 64, *, gateway: str | None = None) -> Joined:
    """A box of a new home, or of one that is there."""
    invitation = running.enrolment.invite("clinic", "a box", by="test", gateway=gateway)
    joined = running.enrolment.join(invitation.code, box)
    assert joined is not None
    return joined


@dataclass
class Box:
    """A home's connection to the broker."""

    joined: Joined
    heard: queue.Queue[Message] = field(default_factory=queue.Queue)
    lost: queue.Queue[str] = field(default_factory=queue.Queue)

    def open(self, *subscriptions: str) -> Box:
        address = BrokerAddress.parse(self.joined.broker, username=self.joined.gateway, password=self.joined.password)
        self.connection = Connection(
            address, f"somnolink-{self.joined.gateway}", on_message=self.heard.put, on_lost=self.lost.put
        )
        self.connection.open(subscriptions or [topics.ack(self.joined.gateway)])
        return self

    def send(self, batches: list[Batch], *, gateway: str = "") -> None:
        for batch in batches:
            topic = topics.batch(gateway or self.joined.gateway, batch.device, batch.kind)
            self.connection.publish(topic, encode_batch(batch))

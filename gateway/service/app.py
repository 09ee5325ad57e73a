"""The service, put together: broker -> ingest -> store and records -> API and page."""

from __future__ import annotations

import gc
import logging
import sys
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Final, Self

from gateway.clock import Clock
from gateway.errors import ConfigurationError
from gateway.service.alerts.mqtt_feed import MqttFeed
from gateway.service.alerts.webhooks import WebhookSender
from gateway.service.api.app import create_app
from gateway.service.api.rate import RateLimit
from gateway.service.api.server import HttpTls, RunningServer, serve
from gateway.service.api.status import ServiceStatus
from gateway.service.erasure.job import ErasureJob
from gateway.service.homes import AccountKeeper, BrokerAccounts, Enrolment, Place
from gateway.service.ingest.ingest import Ingest
from gateway.service.link.line import ServiceLink
from gateway.service.records import Records
from gateway.service.retention import RetentionJob
from gateway.service.sign_in import SignIn
from gateway.service.store.base import SampleStore
from gateway.settings import RetentionSettings, SignInSettings
from gateway.wire.client import BrokerAddress

SWITCH_S: Final = 0.0005

log = logging.getLogger(__name__)


def settle_heap() -> None:
    """Leave what start-up has made out of the search for cycles, which would stop a long answer for 100 ms and more."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What a service is told, beside its store and records.

    Attributes
    ----------
    retention : RetentionSettings or None
        None: nothing is ever deleted.
    accounts : BrokerAccounts or None
        None: the broker's accounts are made by hand.
    accounts_key : bytes
        What the homes' passwords are made from.
    place : Place or None
        Where homes find service and broker; None: by the service's own addresses.
    """

    broker: BrokerAddress
    zone: str
    auto_enrol: bool = False
    http_host: str = "127.0.0.1"
    http_port: int | None = 8080
    retention: RetentionSettings | None = None
    http_tls: HttpTls | None = None
    http_trusted_proxies: str = "127.0.0.1"
    rate: RateLimit | None = None
    accounts: BrokerAccounts | None = None
    accounts_key: bytes = b""
    place: Place | None = None
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    public_url: str = ""


class Service:
    """A running service. It owns neither store nor records: who opened them closes them.

    Raises
    ------
    ConfigurationError
        A file that the settings of sign-in name cannot be read.

    Attributes
    ----------
    sign_in : SignIn
        Lets people in.
    """

    def __init__(self, config: ServiceConfig, store: SampleStore, records: Records, clock: Clock) -> None:
        self._config = config
        self.store = store
        self.records = records
        self.sign_in: Final = SignIn(records, clock, config.sign_in, public_url=config.public_url)
        self._link = ServiceLink(config.broker)
        self.ingest = Ingest(records, store, clock, self._link, auto_enrol=config.auto_enrol, zone=config.zone)
        self._feed = MqttFeed(records, config.broker)
        self._webhooks = WebhookSender(records, clock)
        place = config.place or Place(broker=config.broker.url, authority=config.broker.ca_file)
        self.enrolment = Enrolment(records, clock, accounts=config.accounts, key=config.accounts_key, place=place)
        self._keeper = AccountKeeper(self.enrolment)
        self._retention = RetentionJob(config.retention, store, records, clock) if config.retention else None
        self._erasures = ErasureJob(records, store, clock, forget=self.ingest.forget, inside=self.ingest.inside)
        self._clock = clock
        self._server: RunningServer | None = None

    def start(self, *, wait_s: float = 0.0) -> None:
        """Answer requests and take in what comes; with `wait_s`, return once the broker is connected.

        Raises
        ------
        BrokerError
            It is not within `wait_s`.
        ServerError
            The port is taken.
        """
        self._webhooks.start()
        self._feed.start()
        if self._config.http_port is not None:
            app = create_app(
                self.records,
                self.store,
                clock=self._clock,
                status=self.status,
                analyse=self.ingest.analyse,
                enrolment=self.enrolment,
                rate=self._config.rate,
                erase=self._erasures.wake,
                zone=self._config.zone,
                sign_in=self.sign_in,
            )
            self._server = serve(
                app,
                self._config.http_host,
                self._config.http_port,
                tls=self._config.http_tls,
                trusted_proxies=self._config.http_trusted_proxies,
            )
        # Network, worker and store are threads that hand over to each other; by default each waits 5 ms for its turn.
        sys.setswitchinterval(SWITCH_S)
        self.ingest.start()
        self._erasures.start()
        self._link.start(self.ingest, wait_s=wait_s)
        self._keeper.start()
        if self._retention is not None:
            self._retention.start()
        settle_heap()

    def stop(self) -> None:
        """End in an order in which nothing taken is left unanswered that could be answered."""
        if self._retention is not None:
            self._retention.stop()
        self._erasures.stop()
        self._keeper.stop()
        self.ingest.stop()
        self._link.stop()
        self._feed.stop()
        self._webhooks.stop()
        if self._server is not None:
            self._server.stop()
        gc.unfreeze()

    def reload_certificate(self) -> None:
        """Take up a renewed certificate; one that cannot be used is logged, and the old one stays."""
        if self._server is not None:
            try:
                self._server.reload_certificate()
            except ConfigurationError as error:
                log.error("%s; the old certificate stays in use", error)

    @property
    def url(self) -> str | None:
        """Where the page is, if it is."""
        return None if self._server is None else self._server.url

    def status(self) -> ServiceStatus:
        """How taking in is doing."""
        problem = self._link.problem
        return ServiceStatus(
            broker_ok=problem is None,
            broker_detail=problem or f"connected to {self._config.broker}",
            counters={
                **asdict(self.ingest.counters),
                "broker_connections": self._link.connections,
                "presences_refused": self.ingest.presence.refused,
                "joins_refused": self.enrolment.refused,
                "accounts_repaired": self._keeper.repaired,
                "night_steps": self.ingest.nights.steps,
                "night_reruns": self.ingest.nights.reruns,
                "failed_nights": self.ingest.failed_nights,
                "alert_events": self.ingest.alerts.events,
                "feed_published": self._feed.published,
                "webhooks_delivered": self._webhooks.delivered,
                "webhooks_failed": self._webhooks.failed,
                **self._erasures.counters,
                **({} if self._retention is None else self._retention.counters),
            },
            gauges={"ingest_waiting": float(self.ingest.waiting)},
        )

    def __enter__(self) -> Self:
        """Nothing more than the object: `start` starts."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

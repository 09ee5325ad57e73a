"""Prometheus metrics: requests as they are served, and the service's state as it is when asked."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import StoreError
from gateway.service.api.context import Context

Family = CounterMetricFamily | GaugeMetricFamily


class ServiceCollector(Collector):
    """Reads broker, store, ingest and records when Prometheus asks: nothing is counted twice or kept stale."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def describe(self) -> list[Family]:
        """Nothing beforehand: the names come with the values."""
        return []

    def collect(self) -> Iterator[Family]:
        """One family after the other; those of the records are left out while the records do not answer."""
        status = self._context.status()
        store = self._context.store.health()
        yield GaugeMetricFamily("somnolink_broker_up", "1 while connected to the broker", float(status.broker_ok))
        yield GaugeMetricFamily("somnolink_store_up", "1 while the sample store works", float(store.ok))
        yield GaugeMetricFamily("somnolink_store_pending", "Batches waiting for a commit", store.pending)
        yield CounterMetricFamily("somnolink_store_batches", "Batches committed", store.batches)
        yield CounterMetricFamily("somnolink_store_commits", "Commits", store.commits)
        if store.size_bytes is not None:
            yield GaugeMetricFamily("somnolink_store_size_bytes", "Size of the sample store", store.size_bytes)
        for name, count in sorted(status.counters.items()):
            yield CounterMetricFamily(f"somnolink_{name}", f"{name.replace('_', ' ')} since the start", count)
        for name, value in sorted(status.gauges.items()):
            yield GaugeMetricFamily(f"somnolink_{name}", f"{name.replace('_', ' ')} now", value)
        yield from self._of_records()

    def _of_records(self) -> Iterator[Family]:
        records = self._context.records
        try:
            devices = len(records.devices.list())
            nights = records.results.counts()
            reasons = records.set_aside.counts()
            alerts = records.alerts.open_count()
            waiting_devices, waiting_nights = records.assignments.unassigned()
            homes = records.homes.homes()
            online = sum(one.online for one in records.states.gateways().values())
        except StoreError:
            yield GaugeMetricFamily("somnolink_records_up", "1 while the records answer", 0)
            return
        yield GaugeMetricFamily("somnolink_records_up", "1 while the records answer", 1)
        yield GaugeMetricFamily("somnolink_devices", "Enrolled devices", devices)
        yield GaugeMetricFamily("somnolink_alerts_open", "Open alerts", alerts)
        yield GaugeMetricFamily("somnolink_unassigned_devices", "Devices with nights of nobody", waiting_devices)
        yield GaugeMetricFamily("somnolink_unassigned_nights", "Nights that wait for an assignment", waiting_nights)
        yield GaugeMetricFamily("somnolink_homes", "Homes that may speak", sum(one.revoked_ms is None for one in homes))
        revoked = sum(one.revoked_ms is not None for one in homes)
        yield GaugeMetricFamily("somnolink_homes_revoked", "Homes that may not", revoked)
        yield GaugeMetricFamily("somnolink_homes_online", "Homes that are connected", online)
        by_state = GaugeMetricFamily("somnolink_nights", "Results of nights by state", labels=["state"])
        for state, count in nights.items():
            by_state.add_metric([state.value], count)
        yield by_state
        aside = GaugeMetricFamily("somnolink_set_aside", "Messages set aside by reason", labels=["reason"])
        for reason, count in reasons.items():
            aside.add_metric([reason], count)
        yield aside


class RequestTimes:
    """ASGI middleware that times each request under its route's pattern, never its path: a path may name a device."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "somnolink_http_request_seconds",
            "Time to serve a request",
            ["method", "route", "status"],
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how long its answer took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._seconds.labels(scope["method"], route, str(status)).observe(time.perf_counter() - begun)

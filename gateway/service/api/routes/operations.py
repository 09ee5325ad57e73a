"""How the service is doing: liveness, readiness, messages that were set aside, metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gateway.errors import StoreError
from gateway.service.api.context import CODE_PATTERN, Context
from gateway.service.api.models import CheckOut, HealthOut, ReadyOut, SetAsideOut, SetAsidesOut


def router(context: Context) -> APIRouter:
    """Routes ``/health``, ``/ready`` and ``/set-aside``."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health")
    def get_health() -> HealthOut:
        """The process answers. Open to anyone: it tells nothing else."""
        return HealthOut()

    @routes.get("/ready", responses={503: {"model": ReadyOut}})
    def get_ready(response: Response) -> ReadyOut:
        """Whether store, records and broker work; 503 if one does not."""
        status = context.status()
        store = context.store.health()
        checks = {
            "broker": CheckOut(ok=status.broker_ok, detail=status.broker_detail),
            "store": CheckOut(ok=store.ok, detail=store.detail),
            "records": _records(context),
        }
        ready = all(check.ok for check in checks.values())
        response.status_code = 200 if ready else 503
        return ReadyOut(ready=ready, checks=checks)

    @routes.get("/set-aside")
    def list_set_aside(
        reason: Annotated[str | None, Query(pattern=CODE_PATTERN)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> SetAsidesOut:
        """Messages that could not be stored, the newest first, with their counts by reason."""
        found = context.records.set_aside.list(reason=reason, limit=limit)
        return SetAsidesOut(
            counts=context.records.set_aside.counts(), messages=[SetAsideOut.of(message) for message in found]
        )

    return routes


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """The route ``/metrics``."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/metrics", response_class=Response)
    def get_metrics() -> Response:
        """Metrics in Prometheus's text format; they name no device and no person."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _records(context: Context) -> CheckOut:
    try:
        context.records.check()
    except StoreError as error:
        return CheckOut(ok=False, detail=str(error))
    return CheckOut(ok=True, detail="answers")

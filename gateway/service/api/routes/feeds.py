"""The alert feed as server-sent events and as lists, and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, HTTPException, Path, Query, Response
from fastapi.responses import StreamingResponse

from gateway.service.api.context import ClinicId, Context, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models_alerts import FeedEventOut, FeedOut, WebhookIn, WebhookOut
from gateway.wire.feed import FeedEvent

Seq = Annotated[int, Query(ge=0, lt=1 << 53, description="Id of the last event that was seen")]
WebhookId = Annotated[str, Path(pattern=r"^w-[0-9a-f]{12}$", description="Id of the webhook")]
LastEventId = Annotated[str | None, Header(pattern=r"^[0-9]{1,15}$", description="Where to go on; beats `after`")]


def router(context: Context) -> APIRouter:
    """Routes ``/feed`` and ``/webhooks``."""
    routes = APIRouter(tags=["alerts"])
    _feed(routes, context)
    _webhooks(routes, context)
    return routes


def _feed(routes: APIRouter, context: Context) -> None:
    feed = context.records.feed

    @routes.get(
        "/feed/{clinic}",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events, one an event"}},
    )
    def stream_feed(
        who: Caller, clinic: ClinicId, after: Seq | None = None, last_event_id: LastEventId = None
    ) -> StreamingResponse:
        """A clinic's events behind `Last-Event-ID` (or `after`; without either from now on), each as it happens."""
        context.clinic(clinic)
        seen = after if last_event_id is None else int(last_event_id)
        start = feed.last() if seen is None else seen

        def shown(events: Sequence[FeedEvent]) -> Sequence[FeedEvent]:
            now = context.sign_in.now(who)
            return [] if now is None else context.access.events(now, events)

        return StreamingResponse(
            context.feed.stream(clinic, start, shown),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @routes.get("/feed/{clinic}/events")
    def list_events(
        who: Caller, clinic: ClinicId, after: Seq = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> FeedOut:
        """A clinic's events behind `after`, in order: what a listener missed."""
        context.clinic(clinic)
        found = feed.after(after, clinic=clinic, limit=limit)
        events = [FeedEventOut.model_validate(msgspec.to_builtins(one)) for one in context.access.events(who, found)]
        return FeedOut(last=found[-1].id if found else after, events=events)


def _webhooks(routes: APIRouter, context: Context) -> None:
    webhooks = context.records.webhooks

    @routes.get("/clinics/{clinic}/webhooks")
    def list_webhooks(clinic: ClinicId) -> list[WebhookOut]:
        """A clinic's webhooks and how they are doing."""
        context.clinic(clinic)
        return [WebhookOut.of(one) for one in webhooks.list(clinic=clinic)]

    @routes.post("/clinics/{clinic}/webhooks", status_code=201)
    def add_webhook(clinic: ClinicId, given: WebhookIn) -> WebhookOut:
        """Tell an address of the clinic's alerts, from the next event on."""
        context.clinic(clinic)
        with refusing():
            return WebhookOut.of(webhooks.add(clinic, given.url, given.secret_ref, at_ms=context.clock.utc_ms()))

    @routes.delete("/webhooks/{webhook}", status_code=204)
    def remove_webhook(webhook: WebhookId) -> Response:
        """Tell an address no more."""
        if not webhooks.remove(webhook):
            raise HTTPException(404, f"no such webhook: {webhook}")
        return Response(status_code=204)

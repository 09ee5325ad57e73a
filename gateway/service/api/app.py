"""The HTTP application: the API under ``/api/v1``, the page at ``/``, metrics at ``/metrics``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry

from gateway.clock import Clock, SystemClock
from gateway.service import web
from gateway.service.access.gate import Gate
from gateway.service.alerts.stream import FeedHub
from gateway.service.api import problems
from gateway.service.api.auth import AccessRule, Authentication
from gateway.service.api.context import Context
from gateway.service.api.guard import guard
from gateway.service.api.headers import SecurityHeaders
from gateway.service.api.metrics import RequestTimes, ServiceCollector
from gateway.service.api.models import ProblemOut
from gateway.service.api.rate import RateLimit, RateLimiter
from gateway.service.api.route_rules import DOORS
from gateway.service.api.routes import (
    accounts,
    alerts,
    audit,
    devices,
    feeds,
    follow_ups,
    homes,
    imports,
    night_view,
    nights,
    operations,
    own_account,
    patient_nights,
    patients,
    privacy,
    reports,
    samples,
    session,
    thresholds,
    views,
)
from gateway.service.api.status import ServiceStatus
from gateway.service.exchange.imports.commit import Analyse
from gateway.service.homes import Enrolment
from gateway.service.records import Records
from gateway.service.sign_in import SignIn
from gateway.service.store.base import SampleStore
from gateway.service.web.pages import load
from gateway.service.web.router import NICEGUI_FILES, Pages, is_page

PREFIX: Final = "/api/v1"
HEALTH: Final = f"{PREFIX}/health"
METRICS: Final = "/metrics"

RULE: Final = AccessRule(
    public={HEALTH},
    public_folders=(web.STATIC_FOLDER,),
    scopes={METRICS: "metrics"},
    doors=frozenset((method, PREFIX + path) for method, path in DOORS),
)
"""Health, and the pages' own files, which hold no data, are open, and so are the ways in, and the door for boxes that
show a one-time code; everything else takes a token or a session."""


def create_app(
    records: Records,
    store: SampleStore,
    *,
    status: Callable[[], ServiceStatus],
    clock: Clock | None = None,
    analyse: Analyse | None = None,
    enrolment: Enrolment | None = None,
    rate: RateLimit | None = None,
    erase: Callable[[], None] | None = None,
    zone: str = "UTC",
    sign_in: SignIn | None = None,
) -> FastAPI:
    """Make the HTTP application.

    Parameters
    ----------
    records, store
        Open; they stay the caller's to close.
    status : callable
        Asked at each look at readiness and metrics; called from any thread.
    clock : Clock or None
        Whose time tokens expire by and freshness is judged by; the machine's if None.
    analyse : Analyse or None
        Takes what an import stored; if None, it is analysed when the service starts.
    enrolment : Enrolment or None
        How homes join; None: they do not join by a code here.
    rate : RateLimit or None
        How much one address may ask; None for as much as it likes.
    erase : callable or None
        Has erasures looked at now that were asked for; if None, they are carried out when the service starts.
    zone : str
        IANA name of the zone in which pages show times that are no patient's and no device's.
    sign_in : SignIn or None
        Lets people in; None for one with all settings as they are by default.
    """
    clock = clock or SystemClock()
    feed = FeedHub(records)
    sign_in = sign_in or SignIn(records, clock)
    enrolment = enrolment or Enrolment(records, clock)
    context = Context(records, store, clock, status, feed, sign_in, enrolment, analyse, erase)
    site = web.Site(context, Gate(records, clock), zone)
    load()
    registry = CollectorRegistry()
    registry.register(ServiceCollector(context))
    app = problems.DescribedApi(
        title="somnolink",
        version="1",
        summary="Nights, samples and results of home sleep monitoring.",
        openapi_url=f"{PREFIX}/openapi.json",
        # The built-in documentation pages load their scripts from the internet.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=web.lifespan(site),
        dependencies=[Depends(guard(records, clock))],
        responses={code: {"model": ProblemOut} for code in (400, 401, 403, 404, 422, 429, 503)},
    )
    modules = (
        devices,
        homes,
        nights,
        samples,
        patients,
        patient_nights,
        privacy,
        follow_ups,
        views,
        night_view,
        reports,
        imports,
        alerts,
        thresholds,
        feeds,
        operations,
        accounts,
        audit,
        session,
        own_account,
    )
    for module in modules:
        app.include_router(module.router(context), prefix=PREFIX)
    app.include_router(operations.metrics_router(registry))
    app.state.before_stop = feed.close
    web.mount(app)
    problems.install(app)
    # The last added is the first asked.
    app.add_middleware(Authentication, records=records, clock=clock, rule=RULE, sign_in=sign_in)
    app.add_middleware(Pages, site=site)
    if rate is not None:
        app.add_middleware(RateLimiter, limit=rate)
    app.add_middleware(RequestTimes, registry=registry)
    app.add_middleware(SecurityHeaders, cacheable=(web.STATIC_FOLDER,), lasting=(NICEGUI_FILES,), is_page=is_page)
    return app

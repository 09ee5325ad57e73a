"""NiceGUI, once a process: it keeps its state in modules and knows one event loop.

So all servers of a process run on one loop (`gateway.service.api.server`), NiceGUI is started on it with the first
application and never again, and it has one page of its own: whatever the router let through. Which application, user
and page that is stands in the request's state. When an application stops, its open pages are deleted, the rest stays.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final
from urllib.parse import parse_qs

import nicegui
from fastapi import FastAPI
from nicegui import Client, core, ui
from starlette.requests import Request
from starlette.types import ASGIApp

from gateway.errors import HiddenError, SomnolinkError
from gateway.service.web.context import PageContext, Site
from gateway.service.web.failure import Failure
from gateway.service.web.frame import show_failure
from gateway.service.web.static_files import ICON
from gateway.service.web.visit import Visit

BUILD_S: Final = 20.0
"""A page that takes longer than this to build is answered with an error."""

RECONNECT_S: Final = 10.0
"""How long a page whose socket broke off is kept, so that it goes on where it was."""

FILES: Final = tuple(
    f"/_nicegui/{nicegui.__version__}/{name}/" for name in ("static", "libraries", "components", "resources", "esm")
)
"""Beginnings of the paths of NiceGUI's own files."""

HEAD: Final = """
<meta name="referrer" content="no-referrer">
<link rel="stylesheet" href="/static/pages.css">
<script src="/static/pages.js" defer></script>
"""
BODY: Final = """
<p class="sl-loading" role="status">Loading …</p>
<noscript><p class="sl-noscript">This page needs JavaScript.</p></noscript>
"""

_LOG: Final = logging.getLogger(__name__)
_started: list[AbstractAsyncContextManager[Any]] = []


async def start() -> ASGIApp:
    """Start NiceGUI on the running loop, if it is not; give its application."""
    if not _started:
        host = FastAPI()
        core.app.config.socket_io_js_transports = ["websocket"]
        ui.run_with(
            host,
            title="somnolink",
            favicon=ICON.read_text("utf-8"),
            dark=None,
            language="en-US",
            tailwind=False,
            binding_refresh_interval=None,
            reconnect_timeout=RECONNECT_S,
            message_history_length=200,
            show_welcome_message=False,
        )
        ui.add_head_html(HEAD, shared=True)
        ui.add_body_html(BODY, shared=True)
        ui.page("/{path:path}", response_timeout=BUILD_S)(_any_page)
        _guard_socket()
        logging.getLogger("nicegui").addFilter(_is_a_fault)
        running = host.router.lifespan_context(host)
        await running.__aenter__()
        _started.append(running)
    return core.app


def end_pages(site: Site) -> None:
    """Delete whatever pages of a site are open; on the loop."""
    for client in list(Client.instances.values()):
        visit = visit_of(client)
        if visit is not None and visit.site is site:
            # Whose socket has just been closed would be deleted once more when it has not come again.
            for task in client._delete_tasks.values():
                task.cancel()
            client.delete()


def visit_of(client: Client) -> Visit | None:
    """What the router let through when the page was asked for."""
    request = client._request
    return None if request is None else getattr(request.state, "visit", None)


def client_of(query: bytes) -> Client | None:
    """The page whose socket asks to be opened; None if it names none."""
    named = parse_qs(query.decode("latin-1")).get("client_id", [""])[0]
    return Client.instances.get(named)


async def _any_page(request: Request) -> None:
    """Build the page that the router found, or what is told instead."""
    visit: Visit = request.state.visit
    client = ui.context.client
    at, failure = visit.at, visit.failure
    if failure is None and visit.page is not None:
        client.on_exception(lambda error: _failed_event(at, error))
        try:
            built = visit.page.build(at, **visit.ids)
            if inspect.isawaitable(built):
                await built
            return
        except Exception as error:
            failure = Failure.of(error)
            if failure.status >= 500:
                _LOG.error("page %s failed", visit.page.path, exc_info=error)
        client.content.clear()
    failure = failure or Failure.of(HiddenError())
    client.status_code = failure.status
    show_failure(at, failure)


def _failed_event(at: PageContext, error: Exception) -> None:
    """Say in one line that what somebody tried on an open page was not done."""
    failure = Failure.of(error)
    if failure.signed_out:
        ui.navigate.to(f"/sign-in?next={at.path}")
    else:
        ui.notify(failure.detail, type="negative", position="top", close_button="Close", timeout=0)


def _is_a_fault(record: logging.LogRecord) -> bool:
    """What somebody may not do, or typed wrongly, is no fault of ours: they are told, the log is not."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, SomnolinkError) and Failure.of(error).status < 500)


def _guard_socket() -> None:
    """Have a socket speak for the page that it was opened for alone.

    NiceGUI takes the page's id from each message, whoever sends it; and what a browser wants logged, it logs.
    """
    handlers: dict[str, Callable[..., object]] = core.sio.handlers["/"]
    for name in ("event", "javascript_response", "ack"):
        core.sio.on(name, _of_its_own_page(handlers[name]))
    core.sio.on("log", lambda _sid, _message: None)


def _of_its_own_page(handler: Callable[[str, dict[str, Any]], object]) -> Callable[[str, dict[str, Any]], None]:
    def checked(sid: str, message: dict[str, Any]) -> None:
        if isinstance(message, dict) and message.get("client_id") in core.sio.rooms(sid):
            handler(sid, message)

    return checked

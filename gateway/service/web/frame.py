"""What is around every page: header, navigation by role, and what the product is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from nicegui import ui

from gateway.service.access import RULES, Action
from gateway.service.records import Role
from gateway.service.web import parts
from gateway.service.web.context import PageContext
from gateway.service.web.failure import Failure
from gateway.service.web.live import watch

PURPOSE: Final = "somnolink informs. It does not diagnose, and it is no primary alarm."

NAVIGATION: Final[tuple[tuple[str, str, Action], ...]] = (
    ("/", "Patients", Action.READ_ALERT),
    ("/alerts", "Alerts", Action.READ_ALERT),
    ("/devices", "Devices", Action.READ_DEVICE),
    ("/settings", "Settings", Action.READ_THRESHOLDS),
    ("/users", "Users", Action.MANAGE_PEOPLE),
    ("/audit", "Audit", Action.READ_AUDIT),
)
"""Path, its name, and what who sees it may do."""

THEME_BUTTON: Final = (
    '<button type="button" class="sl-button sl-icon" data-theme-button aria-label="Light or dark"'
    ' title="Light or dark">◐</button>'
)

ROLES: Final[Mapping[Role, str]] = {
    Role.ADMINISTRATOR: "Administrator",
    Role.PHYSICIAN: "Sleep physician",
    Role.DENTIST: "Dentist",
    Role.COORDINATOR: "Coordinator",
    Role.PATIENT: "Patient",
}


@contextmanager
def frame(at: PageContext, title: str) -> Iterator[None]:
    """Put header, navigation and footer around what is built inside; `title` is its heading and the tab's name."""
    ui.page_title(f"{title} · somnolink")
    ui.html('<a class="sl-skip" href="#main">Skip to the content</a>', sanitize=False)
    with ui.element("header").classes("sl-header"):
        ui.link("somnolink", "/").classes("sl-brand")
        with ui.element("nav").classes("sl-nav").props('aria-label="Pages"'):
            for path, name in navigation(at):
                link = ui.link(name, path)
                if path == at.path:
                    link.props('aria-current="page"')
        with ui.element("div").classes("sl-self"):
            if at.is_demo:
                ui.label("Demo data").classes("sl-demo").props('title="Nobody here is real"')
            ui.html(THEME_BUTTON, sanitize=False)
            with ui.link(target="/account").classes("sl-account"):
                ui.label(at.user.name)
                ui.label(ROLES[at.user.role]).classes("sl-muted sl-small")
            ui.html('<button type="button" class="sl-button" data-sign-out>Sign out</button>', sanitize=False)
    with ui.element("main").classes("sl-main").props('id="main" tabindex="-1"'):
        parts.heading(title, 1)
        yield
    with ui.element("footer").classes("sl-footer"):
        ui.label(PURPOSE)
    watch(at)


def navigation(at: PageContext) -> list[tuple[str, str]]:
    """Paths and names of the pages that are for somebody like the user."""
    role = at.user.role
    if role is Role.PATIENT:
        return [("/", "My nights"), ("/devices", "My devices")]
    return [(path, name) for path, name, action in NAVIGATION if role in RULES[action]]


def show_failure(at: PageContext, failure: Failure) -> None:
    """The page that is shown instead of one that cannot be."""
    with frame(at, failure.title), ui.element("div").classes("sl-card sl-blank").props('role="alert"'):
        ui.label(failure.detail)
        ui.link("Back to the start", "/")

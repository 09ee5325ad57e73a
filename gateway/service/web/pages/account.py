"""One's own account. ``static/account.js`` shows and changes it, over the API: so no password is typed into a field
that a page's socket follows.
"""

from __future__ import annotations

from typing import Final

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import ROLES, frame

PARTS: Final = (
    ("password", "Password"),
    ("factor", "Second factor"),
    ("sessions", "Where you are signed in"),
    ("tokens", "API tokens"),
)


@page("/account", Action.OWN_ACCOUNT, Target.SESSION)
def build(at: PageContext) -> None:
    """The account of who is signed in."""
    ui.add_head_html('<script type="module" src="/static/account.js"></script>')
    with frame(at, "Your account"):
        ui.label(f"Signed in as {at.user.name}, {ROLES[at.user.role].lower()}.").classes("sl-muted")
        for name, title in PARTS:
            with parts.card(title):
                # An element without children of its own, which is therefore the script's to fill.
                ui.html("", sanitize=False).classes("sl-stack").props(f'id="account-{name}"')

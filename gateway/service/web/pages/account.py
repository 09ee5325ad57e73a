"""One's own account."""

from __future__ import annotations

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.web import PageContext, page
from gateway.service.web.frame import frame


@page("/account", Action.OWN_ACCOUNT, Target.SERVICE)
async def build(at: PageContext) -> None:
    """The account."""
    with frame(at, "Account"):
        pass

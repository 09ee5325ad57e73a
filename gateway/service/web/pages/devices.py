"""Devices."""

from __future__ import annotations

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.web import PageContext, page
from gateway.service.web.frame import frame


@page("/devices", Action.READ_DEVICE, Target.LIST)
async def build(at: PageContext) -> None:
    """The devices."""
    with frame(at, "Devices"):
        ui.label("Nothing here yet")

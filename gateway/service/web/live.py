"""What goes on while a page is open: it follows the feed, and it ends with the session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from nicegui import background_tasks, ui

from gateway.service.web.context import PageContext

WATCH_S: Final = 20.0
"""How often an open page that nobody touches looks whether its session goes on."""


def follow(at: PageContext, signs: AsyncIterator[None], show: Callable[[], Awaitable[None]]) -> None:
    """Show anew at each sign, as whoever the user is by then, until the page is closed or the session over."""
    client = ui.context.client

    async def following() -> None:
        await client.connected()
        async for _ in signs:
            if client.is_deleted:
                return
            await at.look()
            await show()

    task = background_tasks.create(following(), name=f"follow {at.path}", context=client.content)
    client.on_delete(lambda: task.cancel())


def watch(at: PageContext) -> None:
    """Leave the page when its session is over, also if nothing is done in it."""
    ui.timer(WATCH_S, at.look, immediate=False)

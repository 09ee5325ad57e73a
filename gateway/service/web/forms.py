"""Forms in dialogs: fields, a button, and what was typed in as a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date

from nicegui import ui

from gateway.errors import StoreRejectedError
from gateway.service.access import RULES, Action
from gateway.service.web import PageContext, parts


def may(at: PageContext, action: Action) -> bool:
    """Whether somebody of the user's role does that at all: else no button offers it. The gate decides."""
    return at.user.role in RULES[action]


@contextmanager
def form(title: str, deed: str, on_done: Callable[[], Awaitable[bool]]) -> Iterator[ui.dialog]:
    """A dialog with fields, put into the block, and a button; it closes when `on_done` says that it is done."""
    # On the page itself: what is around the button is built anew while the dialog is still closing.
    with (
        ui.context.client.content,
        ui.dialog() as dialog,
        ui.element("div").classes("sl-card sl-dialog wide").props('role="document"'),
    ):
        parts.heading(title)
        with ui.element("div").classes("sl-form"):
            yield dialog

        async def submit() -> None:
            if await on_done():
                dialog.close()

        with ui.element("div").classes("sl-row"):
            parts.button(deed, submit, "main")
            parts.button("Cancel", dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


def number_of(field: ui.input, name: str, *, whole: bool = False) -> float | None:
    """What was typed in as a number; None if nothing was.

    Raises
    ------
    StoreRejectedError
        It is none.
    """
    text = str(field.value or "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or (whole and value != int(value)):
        raise StoreRejectedError(f"{name} is a {'whole ' if whole else ''}number")
    return value


def day_of(field: ui.input, name: str) -> date:
    """What was typed in as a date.

    Raises
    ------
    StoreRejectedError
        It is none.
    """
    try:
        return date.fromisoformat(str(field.value or ""))
    except ValueError:
        raise StoreRejectedError(f"{name} is a date such as 2026-03-28") from None

"""Parts that pages share: severities, numbers and times, states, buttons, and asking before or undoing after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Literal

from nicegui import ui

from gateway.service.nights import zone_info
from gateway.service.records import Severity

Tone = Literal["urgent", "warning", "info", "good", "none"]
"""Names of colours in ``pages.css``."""

SIGNS: Final[dict[Tone, str]] = {"urgent": "▲", "warning": "◆", "info": "●", "good": "✓", "none": "–"}
"""Stands before the word: a colour is never all that tells."""

SEVERITIES: Final[dict[Severity, tuple[Tone, str]]] = {
    Severity.URGENT: ("urgent", "Urgent"),
    Severity.WARNING: ("warning", "Warning"),
    Severity.INFO: ("info", "Note"),
}

UNDO_S: Final = 10.0
"""How long something that was done offers to be undone."""

MISSING: Final = "–"

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """A number with its unit, such as ``4.3 %``; a dash where there is none."""
    if value is None or value != value:
        return MISSING
    return f"{value:.{digits}f}{f' {unit}' if unit else ''}"


def moment(at_ms: int | None, zone: str) -> str:
    """A time by a zone's wall clock, which it names, such as ``Sun 29 Mar 2026, 07:30 CEST``; a dash for none."""
    if at_ms is None:
        return MISSING
    return datetime.fromtimestamp(at_ms / 1000, zone_info(zone)).strftime("%a %-d %b %Y, %H:%M %Z")


def ago(at_ms: int | None, now_ms: int) -> str:
    """How long ago something was, in its largest whole unit from two on."""
    if at_ms is None:
        return "never"
    age_ms = now_ms - at_ms
    if age_ms < _MINUTE_MS:
        return "just now"
    if age_ms < 2 * _HOUR_MS:
        return f"{age_ms // _MINUTE_MS} min ago"
    if age_ms < 2 * _DAY_MS:
        return f"{age_ms // _HOUR_MS} h ago"
    return f"{age_ms // _DAY_MS} days ago"


def badge(tone: Tone, text: str) -> ui.label:
    """A word in a colour, with the colour's sign before it."""
    return ui.label(f"{SIGNS[tone]} {text}").classes(f"sl-badge {tone}")


def severity(value: Severity) -> ui.label:
    """How soon somebody should look."""
    return badge(*SEVERITIES[value])


def heading(text: str, level: int = 2) -> ui.element:
    """A heading, 1 to 6."""
    found = ui.element(f"h{level}")
    with found:
        ui.label(text).classes("sl-inline")
    return found


@contextmanager
def card(title: str = "") -> Iterator[ui.element]:
    """A box around what belongs together."""
    with ui.element("section").classes("sl-card") as box:
        if title:
            box.props["aria-label"] = title
            heading(title)
        yield box


def empty(title: str, hint: str) -> None:
    """Said where there is nothing: that it is so, and what makes it otherwise."""
    with ui.element("div").classes("sl-blank"):
        heading(title, 3)
        ui.label(hint).classes("sl-muted")


def loading(text: str = "Loading …") -> ui.element:
    """Said while something is on its way; delete it when it is there."""
    with ui.element("div").classes("sl-blank sl-muted").props('role="status"') as found:
        ui.spinner(size="1.6em")
        ui.label(text)
    return found


class Table:
    """A table that becomes a list of boxes at phone width: each cell knows its column's name."""

    def __init__(self, *columns: str, label: str) -> None:
        self._columns = columns
        table = ui.element("table").classes("sl-table")
        table.props["aria-label"] = label
        with table:
            with ui.element("thead"), ui.element("tr"):
                for column in columns:
                    with ui.element("th").props('scope="col"'):
                        ui.label(column).classes("sl-inline")
            self._body = ui.element("tbody")

    @contextmanager
    def row(self) -> Iterator[Callable[[], ui.element]]:
        """A row; what is given makes its next cell, to be filled in a `with`."""
        columns = iter(self._columns)

        def cell() -> ui.element:
            made = ui.element("td")
            made.props["data-label"] = next(columns)
            return made

        with self._body, ui.element("tr"):
            yield cell


Kind = Literal["plain", "main", "danger"]


Handler = Callable[[], Awaitable[None] | None]
"""What an event does."""


def outliving(handler: Handler) -> Callable[[], Awaitable[None]]:
    """A handler that goes on when it has deleted the element whose event it handles, as by showing a list anew."""
    client = ui.context.client

    async def handled() -> None:
        with client.content:
            doing = handler()
            if doing is not None:
                await doing

    return handled


def button(text: str, on_click: Handler, kind: Kind = "plain") -> ui.button:
    """A button: one `main` a form, `danger` for what takes something away."""
    made = ui.button(text, on_click=outliving(on_click), color=None).props("unelevated no-caps")
    return made.classes(f"sl-button {kind}")


async def confirm(question: str, deed: str) -> bool:
    """Ask before something that cannot be undone; `deed` is what the button says, such as ``Remove``."""
    with ui.dialog() as dialog, ui.element("div").classes("sl-card sl-dialog"):
        ui.label(question)
        with ui.element("div").classes("sl-row"):
            button(deed, lambda: dialog.submit(True), "danger")
            button("Cancel", lambda: dialog.submit(False)).props("autofocus")
    return bool(await answer(dialog))


async def answer(dialog: ui.dialog) -> object:
    """Open a dialog, and let it go when it is closed; what it was closed with, None also if the page is gone first."""
    given: object = await dialog
    if not dialog.is_deleted:
        dialog.delete()
    return given


def done(text: str, undo: Callable[[], Awaitable[None]] | None = None) -> None:
    """Say what was done, for a while; with `undo`, offer to take it back."""
    client = ui.context.client
    before = client.storage.pop("toast", None)
    if isinstance(before, ui.element) and not before.is_deleted:
        before.delete()
    with client.content, ui.element("div").classes("sl-toast").props('role="status"') as toast:
        client.storage["toast"] = toast
        ui.label(text)
        if undo is not None:

            async def taken_back() -> None:
                toast.delete()
                await undo()

            button("Undo", taken_back)
        ui.timer(UNDO_S, lambda: None if toast.is_deleted else toast.delete(), once=True)

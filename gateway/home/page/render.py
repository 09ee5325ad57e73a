"""The page as HTML, and the same as JSON. Pure: facts in, text out."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from gateway.home.conditions import Condition, DeviceFacts, HomeFacts, conditions_of

REFRESH_S: Final = 30

STYLE: Final = (
    "body{font:1.15rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;"
    "background:#fff}h1{font-size:1.5rem}section{border-left:.4rem solid #2e7d32;padding:.2rem 1rem;margin:1.2rem 0}"
    "section.wrong{border-color:#b3261e}section.note{border-color:#8a6d00}h2{font-size:1.2rem;margin:.3rem 0}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem .4rem 0;border-bottom:1px "
    "solid #ddd}footer{color:#555;font-size:.95rem;margin-top:2rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#16161a}th,td{border-color:#444}footer{color:#aaa}}"
)


class DeviceLine(msgspec.Struct, frozen=True):
    """A device, as the page's JSON tells it."""

    device: str
    name: str
    last_contact_ms: int
    last_pull_ms: int
    battery_pct: float | None


class ConditionLine(msgspec.Struct, frozen=True):
    """A condition, as the page's JSON tells it."""

    code: str
    name: str
    wrong: bool
    title: str
    meaning: str
    action: str


class PageStatus(msgspec.Struct, frozen=True):
    """All that the page shows, for programs."""

    now_ms: int
    pending: int
    devices: list[DeviceLine]
    conditions: list[ConditionLine]


def page_status(facts: HomeFacts) -> PageStatus:
    """Return what the page shows."""
    lines = []
    for found in conditions_of(facts):
        words = found.words
        lines.append(ConditionLine(found.code, found.name, found.wrong, words.title, words.meaning, words.action))
    devices = [
        DeviceLine(one.device, one.name, one.last_contact_ms, one.last_pull_ms, one.battery_pct)
        for one in facts.devices
    ]
    return PageStatus(facts.now_ms, facts.pending, devices, lines)


def page_html(facts: HomeFacts, zone: tzinfo) -> str:
    """Return the page: what is wrong first, then the devices. It reloads itself."""
    conditions = conditions_of(facts)
    parts = [_told(condition) for condition in conditions]
    if not any(condition.wrong for condition in conditions):
        parts.insert(0, '<section class="good"><h2>All is well.</h2><p>You can go to bed as usual.</p></section>')
    waiting = (
        "Everything is at the clinic."
        if facts.pending == 0
        else f"{facts.pending} packets wait in this box to be sent to the clinic."
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sleep box</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_S}"><style>{STYLE}</style></head><body><main>'
        f"<h1>Your sleep box</h1>{''.join(parts)}{_table(facts.devices, zone)}<p>{waiting}</p></main>"
        f"<footer>{_when(facts.now_ms, zone)}. This box collects and sends. It raises no alarm and makes no diagnosis; "
        "in an emergency call your local emergency number.</footer></body></html>"
    )


def _told(condition: Condition) -> str:
    words = condition.words
    whose = f" ({html.escape(condition.name)})" if condition.name else ""
    return (
        f'<section class="{"wrong" if condition.wrong else "note"}"><h2>{html.escape(words.title)}{whose}</h2>'
        f"<p>{html.escape(words.meaning)}</p><p><strong>What to do:</strong> {html.escape(words.action)}</p></section>"
    )


def _table(devices: Sequence[DeviceFacts], zone: tzinfo) -> str:
    if not devices:
        return "<p>No device has been met since the box was started.</p>"
    rows = "".join(
        f"<tr><td>{html.escape(one.name)}</td><td>{_when(one.last_contact_ms, zone)}</td>"
        f"<td>{_when(one.last_pull_ms, zone) if one.last_pull_ms else '-'}</td>"
        f"<td>{'-' if one.battery_pct is None else f'{one.battery_pct:.0f} %'}</td></tr>"
        for one in devices
    )
    return (
        "<table><thead><tr><th>Device</th><th>Last heard</th><th>Last night fetched</th><th>Battery</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _when(utc_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, zone).strftime("%d %B, %H:%M")

"""The night's numbers as HTML: what it says first, each number with its unit, and what they say. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from analytics.oximetry.results import Severity
from gateway.service.records import NightKind
from gateway.service.views.night_values import Index, NightAccount
from gateway.service.web.parts import SIGNS, Tone, number

GROUPS: Final[dict[NightKind, str]] = {"oximetry": "Oximetry", "wear": "MAD", "bed": "Bed"}
TONES: Final[dict[Severity, Tone]] = {"normal": "good", "mild": "info", "moderate": "warning", "severe": "urgent"}
RUNNING: Final = "So far: the night is still running, and no class is said of it."


def numbers(account: NightAccount) -> str:
    """The whole section."""
    told = {kind: [one for one in account.indices if one.of == kind] for kind in GROUPS}
    groups = "".join(
        f'<section><h3>{name}</h3><dl class="night-indices">{"".join(map(_index, told[kind]))}</dl></section>'
        for kind, name in GROUPS.items()
        if told[kind]
    )
    said = "".join(
        f"<div><dt>{escape(one.label)} ({escape(one.unit)})</dt><dd>{escape(one.says)}</dd></div>"
        for one in account.indices
    )
    meaning = f'<details class="night-says"><summary>What these numbers are</summary><dl>{said}</dl></details>'
    notes = "".join(f"<li>{escape(note)}</li>" for note in account.notes)
    return (
        f'{_reading(account)}<div class="night-groups">{groups}</div>'
        f"{meaning if said else ''}{f'<ul class=night-notes>{notes}</ul>' if notes else ''}"
    )


def _reading(account: NightAccount) -> str:
    if account.reading is None:
        return f'<p class="sl-muted night-first">{RUNNING}</p>' if account.state == "running" else ""
    first, *others = account.reading.sentences
    return (
        f'<p class="night-first">{escape(first)}</p><p class="sl-muted sl-small night-others">'
        f"{escape(' '.join(others))}</p>"
    )


def _index(one: Index) -> str:
    """A number whose meaning also stands in its hint."""
    badge = ""
    if one.severity is not None and one.severity in TONES:
        tone = TONES[one.severity]
        badge = f'<span class="sl-badge {tone}">{SIGNS[tone]} {one.severity}</span>'
    return (
        f'<div data-index="{one.name}" title="{escape(one.says)}"><dt>{escape(one.label)}</dt>'
        f'<dd><b>{number(one.value, one.digits)}</b> <span class="unit">{escape(one.unit)}</span>{badge}</dd></div>'
    )

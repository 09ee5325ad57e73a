"""The rows of the worklist as text of HTML: a thousand of them as elements of their own would make a slow page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from gateway.service.records import AlertState
from gateway.service.views.urgency import Reason, Urgency
from gateway.service.views.worklist import Line, Moving
from gateway.service.web.parts import MISSING, SIGNS, Tone, ago, number

TONES: Final[dict[Urgency, tuple[Tone, str]]] = {
    Urgency.NOW: ("urgent", "Today"),
    Urgency.SOON: ("warning", "This week"),
    Urgency.WATCH: ("info", "Later"),
    Urgency.NONE: ("none", "Nothing to do"),
}
REASONS_SHOWN: Final = 3
COLUMNS: Final = 8


def body(lines: Sequence[Line], now_ms: int, *, divided: bool) -> str:
    """All rows; `divided` puts a line between who needs attention and who does not."""
    told, was_calm = [], not divided
    for line in lines:
        calm = line.urgency is Urgency.NONE
        if calm and not was_calm:
            told.append(f'<tr class="sl-divide"><td colspan="{COLUMNS}">Nothing to do</td></tr>')
        was_calm = calm or was_calm
        told.append(row(line, now_ms))
    return "".join(told)


def row(line: Line, now_ms: int) -> str:
    """One patient; the name is a link, so that the keyboard reaches it."""
    tone, word = TONES[line.urgency]
    teams = f'<span class="sl-delta">{escape(", ".join(line.teams))}</span>' if line.teams else ""
    why = "".join(_reason(one, now_ms) for one in line.reasons[:REASONS_SHOWN])
    more = len(line.reasons) - REASONS_SHOWN
    why += f'<li class="sl-muted">and {more} more</li>' if more > 0 else ""
    night = MISSING if line.last_night is None else line.last_night.strftime("%a %-d %b")
    battery = "" if line.battery_pct is None else f'<span class="sl-delta">battery {line.battery_pct:.0f} %</span>'
    cells = (
        ("", "wide", f'<span class="sl-badge {tone}">{SIGNS[tone]} {word}</span>'),
        (
            "",
            "wide",
            f'<a class="name" href="/patients/{escape(line.patient)}">{escape(line.name)}</a>{teams}',
        ),
        ("", "wide why", f"<ul>{why}</ul>" if why else '<span class="calm">–</span>'),
        (
            "Last night",
            "num",
            f'{night}<span class="sl-delta">{line.nights_14} of 14, {line.nights_30} of 30 nights</span>',
        ),
        ("ODI4", "num", _moving(line.odi4, 1, "/h")),
        ("Burden", "num", _moving(line.burden, 0, "")),
        ("Wear", "num", _moving(line.wear_h, 1, "h")),
        ("Heard", "num", f"{escape(ago(line.heard_ms, now_ms)) if line.devices else 'no device'}{battery}"),
    )
    style = ' class="rest"' if line.urgency is Urgency.NONE else ""
    return f"<tr{style}>" + "".join(_cell(*cell) for cell in cells) + "</tr>"


def _cell(name: str, style: str, content: str) -> str:
    named = f' data-name="{name}"' if name else ""
    return f'<td class="{style}"{named}>{content}</td>'


def _reason(one: Reason, now_ms: int) -> str:
    tone = TONES[one.urgency][0]
    state = {AlertState.ESCALATED: "escalated, ", AlertState.ACKNOWLEDGED: "seen, ", AlertState.SNOOZED: "resting, "}
    word = "" if one.state is None else state.get(one.state, "")
    age = f"{word}{ago(one.since_ms, now_ms)}" if one.since_ms else word.rstrip(", ")
    return (
        f'<li><span class="sl-badge {tone}" aria-hidden="true">{SIGNS[tone]}</span>'
        f'<span>{escape(one.text)} <span class="sl-muted sl-small">{escape(age)}</span></span></li>'
    )


def _moving(one: Moving, digits: int, unit: str) -> str:
    if one.mean is None:
        return MISSING
    said = number(one.mean, digits, unit)
    if one.before is not None:
        change = round(one.mean - one.before, digits)
        said += f'<span class="sl-delta">{"±0" if change == 0 else f"{change:+.{digits}f}"} in 2 weeks</span>'
    return said

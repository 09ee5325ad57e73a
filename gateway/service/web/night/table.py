"""The night's desaturations as one piece of HTML: six hundred rows of elements each of its own would take seconds.

Every text in it is a number or a time of ours; nothing that anybody typed in stands here.
"""

from __future__ import annotations

from typing import Final

from gateway.service.records import Desaturation
from gateway.service.views.night_values import NightAccount
from gateway.service.web.night.axis import clock
from gateway.service.web.night.words import duration

DEEP_PCT: Final = 4.0
"""From this depth on a desaturation counts in the ODI4."""

COLUMNS: Final = (
    ("Nadir at", "Time of day of the lowest value", ""),
    ("Depth", "Baseline less nadir", ""),
    ("Nadir", "Lowest SpO2", ""),
    ("Baseline", "SpO2 before the fall", "wide"),
    ("Lasted", "From the begin of the fall to the end of the recovery", ""),
    ("Area", "Between baseline and trace", "wide"),
    ("Confidence", "0 to 1: how sure it is that this was a desaturation", "wide"),
)


def table(account: NightAccount) -> str:
    """The table, in order of time; each row says where it is on the axis."""
    head = "".join(f'<th scope="col" title="{hint}" class="{kind}">{name}</th>' for name, hint, kind in COLUMNS)
    rows = "".join(_row(one, account) for one in account.desaturations)
    return f'<table class="sl-table night-falls"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(one: Desaturation, account: NightAccount) -> str:
    noon_ms = account.noon_ms.start_ms
    named = account.noon_ms.end_ms - account.noon_ms.start_ms != 86_400_000  # an hour may come twice
    at = clock(one.nadir_ms, account.zone, seconds=True, named=named)
    deep = "deep" if one.depth >= DEEP_PCT else ""
    return (
        f'<tr data-from="{(one.start_ms - noon_ms) / 1000:.1f}" data-to="{(one.end_ms - noon_ms) / 1000:.1f}"'
        f' data-depth="{one.depth:g}"><td><button type="button" title="Show in the figure">{at}</button></td>'
        f'<td class="{deep}">{one.depth:.1f} %</td><td>{one.nadir:.0f} %</td>'
        f'<td class="wide">{one.baseline:.1f} %</td><td>{duration(one.end_ms - one.start_ms)}</td>'
        f'<td class="wide">{one.area:.0f} %·s</td><td class="wide">{one.confidence:.2f}</td></tr>'
    )

"""The time axis: where the wall clock of the patient's zone shows a round time, also where the clocks change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.service.nights import zone_info

STEPS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600)
_OFFSETS_S: Final = 900
"""Zones are ahead of UTC by whole quarters of an hour."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment (UTC ms) and what the clock on the wall shows then."""

    at_ms: int
    text: str


def ticks(start_ms: int, end_ms: int, zone: str, most: int) -> list[Tick]:
    """Round times between two moments, in order.

    Parameters
    ----------
    zone : str
        IANA name of the patient's zone.
    most : int
        About as many as there is room for: the steps are the smallest that need no more.

    Returns
    -------
    list of Tick
        An hour that is passed twice has both, each with the zone's name of then; one that is left out has none.
    """
    span_s = (end_ms - start_ms) / 1000
    step_s = next((one for one in STEPS_S if span_s / one <= max(most, 1)), STEPS_S[-1])
    info = zone_info(zone)
    by_s = min(step_s, _OFFSETS_S)
    found = []
    for at_s in range(-(-start_ms // (by_s * 1000)) * by_s, end_ms // 1000 + 1, by_s):
        local = datetime.fromtimestamp(at_s, info)
        if (local.hour * 3600 + local.minute * 60 + local.second) % step_s == 0:
            found.append((at_s * 1000, local))
    texts = [local.strftime("%H:%M:%S" if step_s < 60 else "%H:%M") for _, local in found]
    twice = {text for text, count in Counter(texts).items() if count > 1}
    return [
        Tick(at_ms, f"{text} {local.tzname()}" if text in twice and span_s < 26 * 3600 else text)
        for (at_ms, local), text in zip(found, texts, strict=True)
    ]


def clock(at_ms: int, zone: str, *, seconds: bool = False, named: bool = False) -> str:
    """What the clock on the wall shows, such as ``02:10``, ``02:10:05`` or ``02:10 CEST``."""
    local = datetime.fromtimestamp(at_ms / 1000, zone_info(zone))
    return local.strftime(("%H:%M:%S" if seconds else "%H:%M") + (" %Z" if named else ""))

"""The MAD's part of a night: worn, not worn, or not known, which is not the same as not worn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.nights.records import Note, SensorRecord, WearState
from analytics.nights.spans import Span, length_s, overlap_s, share_pct, union

COMPLETE_PCT: Final = 80.0
"""With recorder data for this share of the window a night without wear is "not worn"."""


@dataclass(frozen=True, slots=True)
class Wear:
    """See `PatientNight`, whose fields these become."""

    state: WearState
    wear_h: float | None
    suspect_h: float
    recorder_pct: float | None
    wear_of_sleep_pct: float | None
    mad_of_oximetry_pct: float | None
    notes: tuple[Note, ...]


def wear_of(
    records: Sequence[SensorRecord], window: Sequence[Span], oximetry: Sequence[Span], sleep_h: float | None
) -> Wear:
    """Wear in one night.

    Parameters
    ----------
    records
        The night's; those of ``recorder`` and ``wear`` are read.
    window
        When wear would matter: the sleep, or the usual night.
    oximetry
        Recordings that count.
    sleep_h
        Hours asleep; None where unknown.
    """
    worn = union((r.start_ms, r.end_ms) for r in records if r.kind == "wear" and not r.suspect)
    suspect = union((r.start_ms, r.end_ms) for r in records if r.kind == "wear" and r.suspect)
    seen = union([*worn, *suspect, *((r.start_ms, r.end_ms) for r in records if r.kind == "recorder")])
    if not seen:
        return Wear("no_data", None, 0.0, None, None, None, ("no_recorder",))
    wear_h, known_pct = length_s(worn) / 3600, share_pct(seen, window)
    notes: list[Note] = ["suspect_wear"] if suspect else []
    state: WearState = "worn" if worn else "not_worn"
    if known_pct < COMPLETE_PCT:
        state = "partial" if known_pct > 0 or worn else "no_data"
        notes.append("recorder_incomplete")
    known = state in ("worn", "not_worn")
    return Wear(
        state=state,
        wear_h=None if state == "no_data" else wear_h,
        suspect_h=length_s(suspect) / 3600,
        recorder_pct=known_pct,
        wear_of_sleep_pct=min(100.0, overlap_s(worn, window) / (36.0 * sleep_h)) if known and sleep_h else None,
        mad_of_oximetry_pct=share_pct(worn, oximetry) if known and oximetry else None,
        notes=tuple(notes),
    )

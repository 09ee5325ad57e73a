"""Which night a record belongs to, which records are one sleep, and which of two at once counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from analytics.calendar import night_bounds, night_of
from analytics.nights.records import SensorRecord, Unused, UnusedReason
from analytics.nights.spans import length_s, overlap_s

EPISODE_GAP_H: Final = 2.0
"""A sensor that is silent for less is still in the same sleep: a battery, a bathroom, a ring put on late."""
NAP_BELOW_H: Final = 3.0
"""A second sleep of this length or more is part of the night; a shorter one is a nap."""
OVERLAP_S: Final = 300.0
"""Two recordings may share this much and still be one after the other: clocks differ, hands fumble."""
LEAST_VALID_S: Final = 600.0
"""A recording with less valid time tells no rate."""

Episode = list[SensorRecord]


def placed(record: SensorRecord, zone: str) -> list[tuple[date, SensorRecord]]:
    """The nights of a record with its part of each, in order of time.

    Oximetry and bed records belong whole to the night of their middle, for their indices cannot be cut; the others
    are cut at noon.
    """
    if record.kind in ("oximetry", "bed"):
        return [(night_of((record.start_ms + record.end_ms) // 2, zone), record)]
    parts = []
    night = night_of(record.start_ms, zone)
    while True:
        start_ms, end_ms = night_bounds(night, zone)
        first, after = max(record.start_ms, start_ms), min(record.end_ms, end_ms)
        if first < after:
            parts.append((night, msgspec.structs.replace(record, start_ms=first, end_ms=after, valid_s=0.0)))
        if record.end_ms <= end_ms:
            return parts
        night += timedelta(days=1)


def sleeps_and_naps(records: Sequence[SensorRecord]) -> tuple[list[Episode], list[Episode]]:
    """Episodes of sleep, in order of time, and naps apart.

    Parameters
    ----------
    records
        Of one night, in order of their starts. Wear stands for sleep only where no other sensor tells, and recorder
        data and suspect wear never do.
    """
    telling = [r for r in records if r.kind in ("oximetry", "bed")]
    telling = telling or [r for r in records if r.kind == "wear" and not r.suspect]
    episodes: list[Episode] = []
    reach_ms = 0
    for record in telling:
        if not episodes or record.start_ms - reach_ms >= EPISODE_GAP_H * 3_600_000:
            episodes.append([])
            reach_ms = record.end_ms
        episodes[-1].append(record)
        reach_ms = max(reach_ms, record.end_ms)
    longest = max(episodes, key=hours, default=None)
    sleeps = [episode for episode in episodes if episode is longest or hours(episode) >= NAP_BELOW_H]
    return sleeps, [episode for episode in episodes if not any(episode is sleep for sleep in sleeps)]


def hours(episode: Sequence[SensorRecord]) -> float:
    """Hours that any record of an episode covers."""
    return length_s((record.start_ms, record.end_ms) for record in episode) / 3600


def counting(records: Sequence[SensorRecord]) -> tuple[list[SensorRecord], list[Unused]]:
    """Which recordings of one kind count, and which do not; both in order of time.

    Of devices at the same time the one with the more valid time counts, then the lower id.
    """
    valid_s: dict[str, float] = {}
    for record in records:
        valid_s[record.device] = valid_s.get(record.device, 0.0) + record.valid_s
    chosen: list[SensorRecord] = []
    unused = []
    for record in sorted(records, key=lambda r: (-valid_s[r.device], r.device, -r.valid_s, r.start_ms)):
        span = [(record.start_ms, record.end_ms)]
        rivals = {other.device for other in chosen if overlap_s(span, [(other.start_ms, other.end_ms)]) > OVERLAP_S}
        if record.valid_s < LEAST_VALID_S:
            unused.append(_unused(record, "too_little_valid"))
        elif rivals - {record.device}:
            unused.append(_unused(record, "another_device_counts"))
        elif rivals:
            unused.append(_unused(record, "same_time_twice"))
        else:
            chosen.append(record)
    return sorted(chosen, key=lambda r: (r.start_ms, r.device)), sorted(unused, key=lambda u: (u.start_ms, u.device))


def _unused(record: SensorRecord, reason: UnusedReason) -> Unused:
    odi3 = record.index("odi3")
    return Unused(
        device=record.device,
        kind=record.kind,
        start_ms=record.start_ms,
        end_ms=record.end_ms,
        valid_s=record.valid_s,
        reason=reason,
        odi3=odi3 if odi3 == odi3 else None,
    )

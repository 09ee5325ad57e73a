"""The sensors of one patient become nights: one record a sensor and interval in, one `PatientNight` a night out.

Rules
-----
1. A night goes from noon to noon on the patient's wall clock (`calendar`).
2. Oximetry and bed records belong whole to the night that holds their middle; recorder and wear times are cut at noon.
3. Records less than `episodes.EPISODE_GAP_H` apart are one sleep: a ring taken off and put on again is one night.
4. The longest sleep is the night's. Another of `episodes.NAP_BELOW_H` or more counts with it (split sleep); a shorter
   one is a nap: counted as one, and in no index.
5. Two oximeters at once: the one with the more valid time counts, the other is kept in `unused`. One after the other,
   both count. Rates are combined by valid time.
6. The bed sensor's sleep is the denominator of wear; without it the valid hours of oximetry stand in, and `sleep_of`
   says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Final, get_args

from analytics.calendar import at_wall_time, night_bounds
from analytics.nights.episodes import NAP_BELOW_H, Episode, counting, hours, placed, sleeps_and_naps
from analytics.nights.indices import combined
from analytics.nights.mouth import wear_of
from analytics.nights.records import Kind, Note, PatientNight, SensorRecord, SleepSource
from analytics.nights.spans import Span

FEW_VALID_H: Final = 4.0
"""Home sleep testing asks for four valid hours (AASM); less is said to be little."""
USUAL_WINDOW: Final = (time(22), time(6))
"""Where only the recorder tells of a night, its data are asked for here."""

_NOTES: Final[tuple[Note, ...]] = get_args(Note)
_TELLS_BEDTIME: Final[tuple[Kind, ...]] = ("bed", "oximetry", "wear")
"""The best first."""


def join_nights(records: Iterable[SensorRecord], zone: str, *, revision: int = 0) -> tuple[PatientNight, ...]:
    """Join all records of one patient into nights.

    Parameters
    ----------
    records
        In any order, of any number of nights.
    zone
        IANA name of the patient's zone.
    revision
        Given to every night; see `PatientNight`.

    Returns
    -------
    tuple of PatientNight
        One for each night that any record touches, in order of time.

    Raises
    ------
    ValueError
        For an unknown zone.
    """
    by_night: dict[date, list[SensorRecord]] = {}
    for record in records:
        for night, part in placed(record, zone):
            by_night.setdefault(night, []).append(part)
    return tuple(_join(night, zone, by_night[night], revision) for night in sorted(by_night))


def join_night(night: date, records: Iterable[SensorRecord], zone: str, *, revision: int = 0) -> PatientNight:
    """Join those of `records` that belong to `night`; without any it is a night of which nothing is known.

    Raises
    ------
    ValueError
        For an unknown zone.
    """
    mine = [part for record in records for where, part in placed(record, zone) if where == night]
    return _join(night, zone, mine, revision)


def _join(night: date, zone: str, records: Sequence[SensorRecord], revision: int) -> PatientNight:
    start_ms, end_ms = night_bounds(night, zone)
    ordered = sorted(records, key=_place)
    sleeps, naps = sleeps_and_naps(ordered)
    asleep = [record for sleep in sleeps for record in sleep]
    oximetry, unused = counting([r for r in asleep if r.kind == "oximetry"])
    beds, unused_beds = counting([r for r in asleep if r.kind == "bed"])
    unused += unused_beds
    valid_s = sum(record.valid_s for record in oximetry)
    sleep_h, sleep_of = _sleep(beds, valid_s)
    bedtime_of, bedtime_ms, rise_ms = _bedtime(
        max((s for s in sleeps if hours(s) >= NAP_BELOW_H), key=hours, default=[])
    )
    window = [(r.start_ms, r.end_ms) for r in (*oximetry, *beds)] or [_usual_window(night, zone)]
    mouth = wear_of(ordered, window, [(r.start_ms, r.end_ms) for r in oximetry], sleep_h)
    devices = tuple(dict.fromkeys(record.device for record in oximetry))
    noted: dict[Note, bool] = {
        "no_oximetry": not oximetry,
        "no_bed_sensor": not beds,
        "two_devices": any(one.reason == "another_device_counts" for one in unused),
        "several_devices_in_turn": len(devices) > 1,
        "split_sessions": len(oximetry) > len(devices),
        "split_sleep": len(sleeps) > 1,
        "nap": bool(naps),
        "clock_change": end_ms - start_ms != 24 * 3_600_000,
        "few_valid_hours": bool(oximetry) and valid_s < FEW_VALID_H * 3600,
    }
    return PatientNight(
        night=night,
        zone=zone,
        start_ms=start_ms,
        end_ms=end_ms,
        revision=revision,
        bedtime_ms=bedtime_ms,
        rise_ms=rise_ms,
        bedtime_of=bedtime_of,
        valid_h=valid_s / 3600,
        indices=_indices(oximetry),
        oximeters=devices,
        unused=tuple(unused),
        sleep_h=sleep_h,
        sleep_of=sleep_of,
        wear_state=mouth.state,
        wear_h=mouth.wear_h,
        suspect_wear_h=mouth.suspect_h,
        recorder_pct=mouth.recorder_pct,
        wear_of_sleep_pct=mouth.wear_of_sleep_pct,
        mad_of_oximetry_pct=mouth.mad_of_oximetry_pct,
        supine_pct=_supine(beds, [r for r in ordered if r.kind == "wear" and not r.suspect]),
        nap_count=len(naps),
        nap_h=sum(hours(nap) for nap in naps),
        notes=tuple(note for note in _NOTES if noted.get(note) or note in mouth.notes),
    )


def _place(record: SensorRecord) -> tuple[object, ...]:
    """Where a record stands among others: told apart to the last, so that no order of arrival shows."""
    told = sorted(record.indices.items())
    return record.start_ms, record.end_ms, record.kind, record.device, record.valid_s, record.suspect, told


def _sleep(beds: Sequence[SensorRecord], valid_s: float) -> tuple[float | None, SleepSource]:
    """Hours asleep and whose they are."""
    known = [record.index("sleep_s") for record in beds if record.index("sleep_s") >= 0]
    if known:
        return sum(known) / 3600, "bed_sleep"
    return (valid_s / 3600, "oximetry_valid") if valid_s else (None, "none")


def _bedtime(main: Episode) -> tuple[Kind | None, int | None, int | None]:
    """Begin and end of the main sleep by the best sensor that saw it."""
    for kind in _TELLS_BEDTIME:
        told = [record for record in main if record.kind == kind]
        if told:
            return kind, told[0].start_ms, max(record.end_ms for record in told)
    return None, None, None


def _usual_window(night: date, zone: str) -> Span:
    evening, morning = USUAL_WINDOW
    return at_wall_time(night, evening, zone), at_wall_time(night + timedelta(days=1), morning, zone)


def _indices(oximetry: Sequence[SensorRecord]) -> dict[str, float]:
    """Every index that any recording tells, in order of name."""
    names = sorted({name for record in oximetry for name in record.indices})
    joined = {name: combined(name, ((record.index(name), record.valid_s) for record in oximetry)) for name in names}
    return {name: value for name, value in joined.items() if value == value}


def _supine(beds: Sequence[SensorRecord], worn: Sequence[SensorRecord]) -> float | None:
    """Share of the time on the back: the bed sensor's, else the recorder's while worn; by length."""
    for records in (beds, worn):
        known = combined("supine_pct", ((record.index("supine_pct"), record.length_s) for record in records))
        if known == known:
            return known
    return None

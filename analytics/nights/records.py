"""What goes in and what a joined night is: plain values that serialise, immutable, times in UTC milliseconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

Kind = Literal["oximetry", "bed", "recorder", "wear"]
"""``recorder`` is a stretch for which the MAD's recorder has data, ``wear`` a stretch in which it was in the mouth."""

SleepSource = Literal["bed_sleep", "oximetry_valid", "none"]
WearState = Literal["worn", "not_worn", "partial", "no_data"]
Side = Literal["with", "without", "mixed", "unknown"]
UnusedReason = Literal["another_device_counts", "same_time_twice", "too_little_valid"]
Note = Literal[
    "no_oximetry",
    "no_bed_sensor",
    "no_recorder",
    "recorder_incomplete",
    "suspect_wear",
    "two_devices",
    "several_devices_in_turn",
    "split_sessions",
    "split_sleep",
    "nap",
    "clock_change",
    "few_valid_hours",
]


class SensorRecord(msgspec.Struct, frozen=True):
    """One interval that a sensor tells of.

    Attributes
    ----------
    kind, device
        What it is, and the device's id.
    start_ms, end_ms
        From, and to before; UTC ms. ``oximetry``: the recording. ``bed``: in bed. See `Kind` for the other two.
    valid_s
        ``oximetry``: seconds of valid SpO2, the denominator of its rates. ``bed``: seconds in which it saw something.
        The other two need none.
    indices
        By name. Rates are per hour of `valid_s`. ``bed`` tells ``sleep_s``, seconds asleep, where it knows; ``bed`` and
        ``wear`` may tell ``supine_pct``. NaN is unknown.
    suspect
        ``wear``: warm but lifeless; shown, and not counted.

    Raises
    ------
    ValueError
        If it ends before it starts, or is valid for a negative time or for longer than it lasts.
    """

    kind: Kind
    device: str
    start_ms: int
    end_ms: int
    valid_s: float = 0.0
    indices: Mapping[str, float] = {}
    suspect: bool = False

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise ValueError(f"a record of {self.device} ends before it starts")
        if not 0 <= self.valid_s <= self.length_s + 1.0:
            raise ValueError(f"a record of {self.device} has {self.valid_s} valid seconds of {self.length_s}")

    @property
    def length_s(self) -> float:
        """Seconds from start to end."""
        return (self.end_ms - self.start_ms) / 1000

    def index(self, name: str) -> float:
        """An index by name, NaN where it is not told."""
        return self.indices.get(name, math.nan)


class Unused(msgspec.Struct, frozen=True):
    """A recording that does not count in its night, and why; its own ODI3 (NaN if untold) for comparison."""

    device: str
    kind: Kind
    start_ms: int
    end_ms: int
    valid_s: float
    reason: UnusedReason
    odi3: float | None = None


class PatientNight(msgspec.Struct, frozen=True, kw_only=True):
    """All sensors of one patient in one night, naps apart.

    Attributes
    ----------
    night, zone
        Local date on which the evening began, and the patient's zone.
    start_ms, end_ms, length_h
        The night's bounds, noon to noon, UTC ms; 23, 24 or 25 h.
    revision
        Of two versions of a night the higher one counts; see `history`.
    bedtime_ms, rise_ms, bedtime_of
        Begin and end of the main sleep, and the kind of sensor that tells; None without any, and where the longest
        sleep is no longer than a nap.
    valid_h
        Hours of valid SpO2: the denominator of every rate in `indices`; 0 without oximetry.
    indices
        Over all oximetry that counts, by name; what cannot be told is left out.
    oximeters
        Ids of those that count, in order of time.
    unused
        Recordings that do not count.
    sleep_h, sleep_of
        Hours asleep, and whose: the bed sensor's, else the valid hours of oximetry stand in; None without both.
    wear_state
        ``partial``: the recorder has data for less than 80 % of the window; ``no_data``: for none of it, which is not
        "not worn".
    wear_h, suspect_wear_h, recorder_pct
        Hours in the mouth (suspect ones not counted, but shown), and the share of the window with data; None without
        a recorder. The window is the main sleep, else 22:00 to 06:00.
    wear_of_sleep_pct
        Wear within the main sleep over `sleep_h`, at most 100; None where one of them is unknown.
    mad_of_oximetry_pct
        Share of the oximetry during which the MAD was in the mouth; None without oximetry or with an incomplete
        recorder.
    supine_pct
        Share of the sleep on the back; None where no sensor tells.
    nap_count, nap_h
        Sleeps apart from the night's, and their hours; in no index.
    notes
        What a reader should know, in a fixed order.
    """

    night: date
    zone: str
    start_ms: int
    end_ms: int
    revision: int = 0
    bedtime_ms: int | None = None
    rise_ms: int | None = None
    bedtime_of: Kind | None = None
    valid_h: float = 0.0
    indices: dict[str, float] = {}
    oximeters: tuple[str, ...] = ()
    unused: tuple[Unused, ...] = ()
    sleep_h: float | None = None
    sleep_of: SleepSource = "none"
    wear_state: WearState = "no_data"
    wear_h: float | None = None
    suspect_wear_h: float = 0.0
    recorder_pct: float | None = None
    wear_of_sleep_pct: float | None = None
    mad_of_oximetry_pct: float | None = None
    supine_pct: float | None = None
    nap_count: int = 0
    nap_h: float = 0.0
    notes: tuple[Note, ...] = ()

    @property
    def length_h(self) -> float:
        """Hours from noon to noon: 24, and 23 or 25 where the clocks change."""
        return (self.end_ms - self.start_ms) / 3_600_000

    def index(self, name: str) -> float:
        """An index by name, NaN where the night does not tell it."""
        return self.indices.get(name, math.nan)


class TreatmentStep(msgspec.Struct, frozen=True):
    """The MAD was set from `night` on: the first step is the begin of treatment.

    Attributes
    ----------
    night
        The first night with the new setting.
    advancement_mm
        How far the jaw is brought forward; None where it is not known.
    revision, withdrawn
        Of two steps of one date the higher revision counts; one that was entered by mistake is withdrawn so.
    """

    night: date
    advancement_mm: float | None = None
    revision: int = 0
    withdrawn: bool = False

"""What a report is made of and what it says: plain values, times in UTC milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from analytics.adherence.alleviation import Alleviation
from analytics.adherence.payer import PayerWindow
from analytics.adherence.sleep_share import SleepShare
from analytics.adherence.usage import Usage
from analytics.nights.records import PatientNight
from analytics.nights.report import NightsReport
from analytics.nights.summary import Outlook
from analytics.nights.treatment import Comparison
from gateway.service.records import (
    Desaturation,
    Device,
    FollowUpMark,
    NightResult,
    Patient,
    SideEffect,
    Stretch,
    TreatmentStep,
)
from gateway.service.store.base import Samples

BaselineOf = Literal["nights without the MAD", "sleep study"]
Due = Literal["not yet", "coming", "due", "done"]


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """A device and when the patient had it; `to_ms` is None while they have it."""

    device: Device
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class NightTrace:
    """One night of one oximeter, sample by sample.

    Attributes
    ----------
    result : NightResult
        What the analysis says of it.
    samples : Samples
        Of kind oximetry, the whole night.
    wears : tuple of Stretch
        Of the MAD, suspect ones included.
    """

    result: NightResult
    samples: Samples
    desaturations: tuple[Desaturation, ...]
    wears: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """All that is on record of a patient for a report.

    Attributes
    ----------
    first, last : date
        The period, both included.
    now_ms : int
        When the report is made.
    devices : tuple of DeviceUse
        Those the patient had in the period.
    wear : tuple of (NightResult, tuple of Stretch)
        The recorders' nights, from before the period on, as far back as `nights`.
    nights : tuple of PatientNight
        Joined nights; they may begin before the period, for the comparison without and with the MAD.
    reading : NightsReport
        What these nights say together.
    unfinished : frozenset of date
        Nights whose analysis is still running or is to be made again.
    trace : NightTrace or None
        The night to be shown.
    """

    patient: Patient
    clinic: str
    first: date
    last: date
    now_ms: int
    devices: tuple[DeviceUse, ...]
    wear: tuple[tuple[NightResult, tuple[Stretch, ...]], ...]
    nights: tuple[PatientNight, ...]
    reading: NightsReport
    steps: tuple[TreatmentStep, ...]
    side_effects: tuple[SideEffect, ...]
    marks: tuple[FollowUpMark, ...]
    unfinished: frozenset[date]
    trace: NightTrace | None


@dataclass(frozen=True, slots=True)
class WearDay:
    """What the recorder says of one night.

    Attributes
    ----------
    hours : float or None
        Worn, suspect wear not counted; None where nothing can be said, which is not "not worn".
    insertions_ms, removals_ms : tuple of int
        Of the wears that begin in this night.
    supine_min, lying_min : float
        Minutes of these wears on the back, and in any lying position that is known.
    """

    night: date
    hours: float | None
    suspect_h: float = 0.0
    insertions_ms: tuple[int, ...] = ()
    removals_ms: tuple[int, ...] = ()
    supine_min: float = 0.0
    lying_min: float = 0.0


@dataclass(frozen=True, slots=True)
class Wear:
    """Wear over the period, by each definition.

    Attributes
    ----------
    days : tuple of WearDay
        Consecutive nights: from the period's first (or the first that any recorder told of) to the last that is over.
    usage, share, payer
        See `analytics.adherence`; `payer` counts from `payer_from`.
    share_by_bed : int
        Of the nights judged by `share`, those with a sleep time of the bed sensor.
    inserted_min, removed_min : float or None
        Median wall-clock time of the night's first insertion and last removal, minutes after noon.
    supine_pct : float or None
        While worn and lying.
    """

    days: tuple[WearDay, ...]
    usage: Usage
    share: SleepShare
    share_by_bed: int
    payer: PayerWindow
    payer_from: date
    inserted_min: float | None
    removed_min: float | None
    supine_pct: float | None


@dataclass(frozen=True, slots=True)
class Response:
    """The 3 % desaturation index without and with the MAD.

    Attributes
    ----------
    since : date or None
        First of the nights that were looked at, which may lie before the period.
    without, treated : Outlook or None
    comparison : Comparison or None
    alleviation : Alleviation or None
        None where `missing` says what lacks.
    baseline : float or None
        Events per hour without treatment; `baseline_of` says by what.
    """

    since: date | None
    without: Outlook | None
    treated: Outlook | None
    comparison: Comparison | None
    alleviation: Alleviation | None
    baseline: float | None
    baseline_of: BaselineOf | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is due, when, and how that is known."""

    what: str
    state: Due
    due: date | None
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that a report says; `wear` is None where no recorder told anything.

    Attributes
    ----------
    nights : tuple of PatientNight
        Those of the period.
    provisional : bool
        Fewer nights with usable data than settle a mean.
    quality : tuple of str
        What a reader should know of the data, one sentence each.
    """

    facts: Facts
    nights: tuple[PatientNight, ...]
    wear: Wear | None
    response: Response
    follow_ups: tuple[FollowUp, ...]
    provisional: bool
    quality: tuple[str, ...]

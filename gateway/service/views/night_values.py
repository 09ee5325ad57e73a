"""What a view of one night is made of: plain values, times in UTC milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from analytics.nights.records import UnusedReason
from analytics.oximetry.results import Certainty, Severity
from gateway.service.records import Desaturation, NightKind, State

LaneName = Literal["spo2", "pulse", "temperature", "heart_rate", "respiration_rate", "movement"]
Posture = Literal["supine", "left", "right", "prone", "upright"]
NightState = Literal["running", "closed", "revised", "empty"]

POSTURES: Final[tuple[Posture, ...]] = ("supine", "left", "right", "prone", "upright")
"""In the order of `analytics.adherence.life`."""


@dataclass(frozen=True, slots=True)
class Span:
    """From, until before."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Worn(Span):
    """The MAD in the mouth, as far as it lies in this night; suspect wear is shown and not counted.

    Attributes
    ----------
    suspect : tuple of str
        Why it may have been no mouth; empty for a wear that counts.
    """

    suspect: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lying(Span):
    """A posture of the head, while the MAD was in the mouth."""

    posture: Posture


@dataclass(frozen=True, slots=True)
class Source:
    """A device that tells of the night.

    Attributes
    ----------
    start_ms, end_ms : int
        First sample, and end of the last one.
    counts : bool
        Its data are drawn and its indices counted.
    unused : UnusedReason or None
        Why not, if they are not.
    pending : bool
        More has come than the results tell: the night is being analysed again.
    shared : bool
        It was the patient's for a part of its recording alone, whose samples are shown; its indices are of the whole.
    """

    device: str
    model: str
    kind: NightKind
    profile: str
    version: str
    state: State
    start_ms: int
    end_ms: int
    counts: bool
    unused: UnusedReason | None
    pending: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class Index:
    """One number of the night with its name and what it says.

    Attributes
    ----------
    value : float or None
        None where the night does not tell it.
    digits : int
        Decimals that mean something.
    severity : Severity or None
        By the index's own bands; None where it has none, or the night is not over.
    """

    name: str
    of: NightKind
    label: str
    value: float | None
    unit: str
    digits: int
    says: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class NightReading:
    """A closed night in sentences; it informs and makes no diagnosis."""

    severity: Severity
    certainty: Certainty
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NightAccount:
    """All that is known of a night but the samples.

    Attributes
    ----------
    night : date
        The local date on which its evening began.
    noon_ms : Span
        The night's bounds, noon to noon in the patient's zone: 23 or 25 h where the clocks change.
    recorded_ms : Span or None
        From the first to the last that any sensor tells of; None for a night of which nothing is known.
    now_ms : int
        The service's own time, against which to judge how fresh this is.
    last_ms : int or None
        End of the newest sample of those that stream; what is older than two minutes while running is stale.
    previous, next : date or None
        The patient's nights beside this one.
    notes : tuple of str
        What a reader should know of this night, a sentence each.
    missing_h : float
        Hours between the first and last sample of oximetry without a valid SpO2.
    """

    patient: str
    night: date
    zone: str
    noon_ms: Span
    recorded_ms: Span | None
    now_ms: int
    last_ms: int | None
    state: NightState
    previous: date | None
    next: date | None
    sources: tuple[Source, ...]
    indices: tuple[Index, ...]
    reading: NightReading | None
    notes: tuple[str, ...]
    missing_h: float | None
    desaturations: tuple[Desaturation, ...]
    disturbances: tuple[Span, ...]
    worn: tuple[Worn, ...]
    unrecorded: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """Samples of one quantity: at most as many as were asked for, each a real one at its real time.

    Attributes
    ----------
    t_ms : array of int64, shape (n,)
    values : array of float64, shape (n,)
        NaN is a missing value.
    total : int
        Samples in the view before downsampling.
    bucket_ms : float
        Width of a downsampling bucket; 0 if every sample is here.
    gap_ms : float
        Two neighbours further apart than this have a time without samples between them: no line joins them.
    """

    t_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    total: int
    bucket_ms: float
    gap_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class NightLanes:
    """Samples of a part of the night.

    Attributes
    ----------
    start_ms, end_ms : int
        The part.
    lanes : mapping of LaneName to Lane
        spo2 (%), pulse (/min), temperature (of the MAD, degC), heart_rate, respiration_rate (of the bed, /min),
        movement (of the bed, share of 10 s); one without a sample is left out.
    postures : tuple of Lying
    in_bed : tuple of Span
    missing : tuple of Span
        Times of the oximeters' recordings without a valid SpO2.
    """

    start_ms: int
    end_ms: int
    lanes: Mapping[LaneName, Lane]
    postures: tuple[Lying, ...]
    in_bed: tuple[Span, ...]
    missing: tuple[Span, ...]

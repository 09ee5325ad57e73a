"""What adherence analytics say: intervals of wear, and times of which nothing is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from analytics.adherence import rules
from analytics.adherence.life import LEFT, PRONE, RIGHT, SUPINE, UNKNOWN, UPRIGHT


class EdgeBy(StrEnum):
    """How an end of an interval is known."""

    CURVE = "curve"
    """Dated back along the warming or the cooling."""
    DATA = "data"
    """The record begins or ends there: the device was in the mouth before, or after, as well."""


class Suspicion(StrEnum):
    """Why a wear may not have been one. It is a reason to ask, and no verdict."""

    NO_MOTION = "no motion"
    NO_THERMAL_LIFE = "no thermal life"
    TOO_WARM = "too warm for a mouth"


@dataclass(frozen=True, slots=True)
class PostureMinutes:
    """Minutes by posture, as far as readings tell."""

    supine: float
    left: float
    right: float
    prone: float
    upright: float
    unknown: float

    @property
    def supine_pct(self) -> float:
        """Share of the time lying that was spent on the back, %; NaN where none was."""
        lying = self.supine + self.left + self.right + self.prone
        return 100.0 * self.supine / lying if lying else float("nan")


@dataclass(frozen=True, slots=True)
class WearInterval:
    """The device seems to have been in the mouth from `start_ms` to `end_ms`.

    Attributes
    ----------
    start_ms, end_ms : int
        UTC milliseconds.
    start_by, end_by : EdgeBy
    start_sd_s, end_sd_s : float
        Standard deviation of the ends, s; NaN where the record begins or ends.
    posture : PostureMinutes
    still_min : float
        Longest time without motion or change of position, min; NaN without an accelerometer.
    waver_c : float
        Median waver of the temperature between readings, degC; NaN with too few.
    peak_c : float
        Highest temperature, degC.
    suspect : tuple of Suspicion
        Empty for a wear that is to be counted.
    """

    start_ms: int
    end_ms: int
    start_by: EdgeBy
    end_by: EdgeBy
    start_sd_s: float
    end_sd_s: float
    posture: PostureMinutes
    still_min: float
    waver_c: float
    peak_c: float
    suspect: tuple[Suspicion, ...]

    @property
    def minutes(self) -> float:
        """How long, min."""
        return (self.end_ms - self.start_ms) / 60_000.0


@dataclass(frozen=True, slots=True)
class Missing:
    """From `start_ms` to `end_ms` (UTC ms) no reading came: neither worn nor not worn."""

    start_ms: int
    end_ms: int

    @property
    def minutes(self) -> float:
        """How long, min."""
        return (self.end_ms - self.start_ms) / 60_000.0


_SUSPICIONS = (
    (rules.STILL, Suspicion.NO_MOTION),
    (rules.LIFELESS, Suspicion.NO_THERMAL_LIFE),
    (rules.HOT, Suspicion.TOO_WARM),
)
_EDGES = {rules.BY_CURVE: EdgeBy.CURVE, rules.BY_DATA: EdgeBy.DATA}


def interval_of(row: Any) -> WearInterval:
    """Make a value of a row of `wear.INTERVAL_DTYPE`."""
    minutes = [float(ms) / 60_000.0 for ms in row["posture_ms"]]
    return WearInterval(
        start_ms=int(row["start_ms"]),
        end_ms=int(row["end_ms"]),
        start_by=_EDGES[int(row["start_how"])],
        end_by=_EDGES[int(row["end_how"])],
        start_sd_s=float(row["start_sd_s"]),
        end_sd_s=float(row["end_sd_s"]),
        posture=PostureMinutes(
            minutes[SUPINE], minutes[LEFT], minutes[RIGHT], minutes[PRONE], minutes[UPRIGHT], minutes[UNKNOWN]
        ),
        still_min=float(row["still_ms"]) / 60_000.0 if row["still_ms"] >= 0 else float("nan"),
        waver_c=float(row["waver_c"]),
        peak_c=float(row["peak_c"]),
        suspect=tuple(reason for bit, reason in _SUSPICIONS if int(row["suspect"]) & bit),
    )

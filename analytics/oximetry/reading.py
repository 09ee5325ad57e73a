"""The night in plain sentences: how severe, by which index, and how sure. It informs; it makes no diagnosis.

Every index is read by its own bands and the worst counts, so a normal ODI4 never makes a night "normal" where ODI3,
the hypoxic burden or the pulse says otherwise. That matters most for women, whose apnoea shows as many shallow
events.

Bands
-----
- ODI3, ODI4 (per hour): below 5 normal, from 5 mild, from 15 moderate, above 30 severe, as the apnoea-hypopnea index
  is read. Under 18 years 1, 5 and 10, as in paediatric scoring.
- Hypoxic burden: 10, 30, 60 % min/h. There is no agreed scale: these are the adult rates times 2 % min, the area that
  a fall of 4 % leaves when it lasts a minute.
- Pulse rise index (desaturations of >= 2 % with a pulse rise, per hour): the bands of the rates, but mild at most: a
  pulse warns, it does not grade.
- SpO2 <= 88 % for five minutes in all, the payers' nocturnal oxygen criterion: mild at least.

How sure one night is: the class from one night is wrong for 20..50 % of people (F1 0.77; 0.94 after fourteen nights;
67,278 people and 11.6 million nights, B. Lechat et al., Am. J. Respir. Crit. Care Med. 205:563, 2022), and people
with moderate or severe apnoea look normal on about one night in twenty. Indices change by more than half between
nights, so a night is read as `low` in certainty where a change by half would change the class, and as `provisional`
at best. Below four valid hours it is `insufficient`, and nothing is called normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

from analytics.oximetry.results import (
    Certainty,
    HypoxicBurden,
    IndexReading,
    PulseSummary,
    Quality,
    Reading,
    Severity,
    Spo2Summary,
)

Sex = Literal["female", "male"]

RANK: Final[tuple[Severity, ...]] = ("unknown", "normal", "mild", "moderate", "severe")
RATE_BANDS: Final = (5.0, 15.0, 30.0)
CHILD_RATE_BANDS: Final = (1.0, 5.0, 10.0)
BURDEN_BANDS: Final = (10.0, 30.0, 60.0)
ADULT_YEARS: Final = 18
OLDER_YEARS: Final = 65
MIN_VALID_H: Final = 4.0
NIGHT_TO_NIGHT: Final = 1.5
"""An index may be this many times more, or less, on the next night."""


def severity_of(value: float, bands: tuple[float, float, float] = RATE_BANDS) -> Severity:
    """Severity of an index: from the first and second limit up, and above the third; `unknown` for NaN.

    Parameters
    ----------
    value
        The index, in the bands' unit.
    bands
        Where mild and moderate begin (inclusive) and severe begins (exclusive).
    """
    if math.isnan(value):
        return "unknown"
    mild, moderate, severe = bands
    if value > severe:
        return "severe"
    if value >= moderate:
        return "moderate"
    return "mild" if value >= mild else "normal"


def worst(severities: Sequence[Severity]) -> Severity:
    """The worst of several; `unknown` only where none is known."""
    return max(severities, key=RANK.index, default="unknown")


def read_night(
    odi3: float,
    odi4: float,
    spo2: Spo2Summary,
    burden: HypoxicBurden,
    pulse: PulseSummary | None,
    quality: Quality,
    *,
    sex: Sex | None = None,
    age: float | None = None,
) -> Reading:
    """Read one night.

    Parameters
    ----------
    odi3, odi4
        Desaturations of >= 3, 4 % per valid hour.
    spo2, burden, pulse, quality
        The night's other results; `pulse` None where the device gave none.
    sex
        Of the sleeper, where known.
    age
        Years, where known.

    Raises
    ------
    ValueError
        For an age that is negative or no number.
    """
    if age is not None and not age >= 0:
        raise ValueError(f"age must not be negative, not {age}")
    child = age is not None and age < ADULT_YEARS
    rates = CHILD_RATE_BANDS if child else RATE_BANDS
    rise = pulse.rise_index if pulse else math.nan
    low_time: Severity = "mild" if spo2.nocturnal_oxygen_criterion else "normal"
    if not quality.valid_h:
        low_time = "unknown"
    banded = [
        (IndexReading("odi3", odi3, "/h", severity_of(odi3, rates)), rates),
        (IndexReading("odi4", odi4, "/h", severity_of(odi4, rates)), rates),
        (
            IndexReading("hypoxic_burden", burden.value, "% min/h", severity_of(burden.value, BURDEN_BANDS)),
            BURDEN_BANDS,
        ),
        (IndexReading("pulse_rise_index", rise, "/h", _at_most_mild(severity_of(rise, rates))), rates),
    ]
    indices = [index for index, _ in banded]
    indices.append(IndexReading("time_le_88", spo2.le_88_s, "s", low_time))
    if pulse:
        indices.append(IndexReading("pulse_response", pulse.response_bpm, "bpm", "unknown"))
    severity = worst([index.severity for index in indices])
    drivers = tuple(index.name for index in indices if index.severity == severity != "normal")
    if severity == "normal" and not quality.sufficient:
        severity = "unknown"
    certainty = _certainty(severity, banded, quality)
    sentences = _sentences(severity, drivers, certainty, indices, burden, spo2, quality, sex, age)
    return Reading(severity, () if severity == "unknown" else drivers, certainty, tuple(indices), sentences)


def _at_most_mild(severity: Severity) -> Severity:
    return "mild" if severity in ("moderate", "severe") else severity


def _certainty(
    severity: Severity, banded: Sequence[tuple[IndexReading, tuple[float, float, float]]], quality: Quality
) -> Certainty:
    """How sure the class is: whether a night half as high again, or lower, would be of another class."""
    if severity == "unknown" or not quality.sufficient:
        return "insufficient"
    graded = [(index, bands) for index, bands in banded if index.name != "pulse_rise_index"]
    higher = worst([severity_of(index.value * NIGHT_TO_NIGHT, bands) for index, bands in graded])
    lower = worst([severity_of(index.value / NIGHT_TO_NIGHT, bands) for index, bands in graded])
    return "provisional" if higher == lower == severity else "low"


_NAMES: Final = {
    "odi3": "3 % desaturation index",
    "odi4": "4 % desaturation index",
    "hypoxic_burden": "hypoxic burden",
    "pulse_rise_index": "pulse rise index",
    "time_le_88": "time at or below 88 %",
}


def _told(index: IndexReading) -> str:
    value = f"{index.value / 60:.0f} min" if index.unit == "s" else f"{index.value:.1f} {index.unit}"
    return f"{_NAMES[index.name]} ({value})"


def _sentences(
    severity: Severity,
    drivers: tuple[str, ...],
    certainty: Certainty,
    indices: Sequence[IndexReading],
    burden: HypoxicBurden,
    spo2: Spo2Summary,
    quality: Quality,
    sex: Sex | None,
    age: float | None,
) -> tuple[str, ...]:
    by_name = {index.name: index for index in indices}
    told = []
    if severity == "unknown":
        told.append(f"With {quality.valid_h:.1f} valid hours this recording cannot be read; four are needed.")
    elif severity == "normal":
        told.append("No index of this night is raised.")
    else:
        causes = ", ".join(_told(by_name[name]) for name in drivers)
        told.append(f"This night reads as {severity}, driven by: {causes}.")
    if severity in ("mild", "moderate", "severe") and by_name["odi4"].severity == "normal":
        why = " Women's apnoea often shows as such shallow events." if sex == "female" else ""
        told.append(f"The {_told(by_name['odi4'])} alone would have looked normal; it misses shallow events.{why}")
    if spo2.nocturnal_oxygen_criterion:
        told.append(
            f"SpO2 was at or below 88 % for {spo2.le_88_s / 60:.0f} min in all (longest run "
            f"{spo2.longest_le_88_s / 60:.1f} min), which meets the five-minute nocturnal oxygen criterion."
        )
    if burden.events == "own" and severity != "unknown":
        told.append(
            "The hypoxic burden comes from the recording's own desaturations, not from scored breathing events."
        )
    if age is not None and age < ADULT_YEARS:
        told.append("Under 18 years the event rates are read by the paediatric bands (1, 5 and 10 per hour).")
    elif age is not None and age >= OLDER_YEARS:
        told.append(
            "From 65 years on, resting SpO2 is lower and the pulse answers less: a small one does not reassure."
        )
    told.append(_HOW_SURE[certainty])
    told.append("This informs and is no diagnosis.")
    return tuple(told)


_HOW_SURE: Final[dict[Certainty, str]] = {
    "insufficient": "Too little of the night is valid: repeat the recording before drawing on any of this.",
    "low": "One night can easily fall into another class: the class from one night is wrong for 20 to 50 % of people. "
    "Record more nights, at best fourteen.",
    "provisional": "A change by half from night to night would not change the class, but one night stays provisional: "
    "fourteen settle it.",
}

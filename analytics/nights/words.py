"""What many nights say in plain sentences: for people, without a diagnosis, and never without how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analytics.nights.bedtime import Bedtime
from analytics.nights.changes import Change
from analytics.nights.summary import SETTLED_NIGHTS, Outlook
from analytics.nights.treatment import LITTLE, Comparison
from analytics.nights.trend import Trend

NAMES: Final = {
    "odi3": "3 % desaturation index",
    "odi4": "4 % desaturation index",
    "hypoxic_burden": "hypoxic burden",
    "t90_pct": "time below 90 %",
}
UNITS: Final = {"odi3": "/h", "odi4": "/h", "hypoxic_burden": "% min/h", "t90_pct": "%"}
_VERDICTS: Final = {
    "working": "The MAD is working",
    "partly": "The MAD is partly working",
    "not": "The MAD is not working",
    "cannot_say": "Whether the MAD works cannot be said",
}
_WHY: Final = {
    "": "",
    "too_few_nights": "too few nights on one side",
    "little_to_reduce": "there was little to reduce without it",
    "interval_too_wide": "the nights differ too much to tell",
}
NO_DIAGNOSIS: Final = "This informs and is no diagnosis."


def of_outlook(one: Outlook, where: str) -> str:
    """One index over nights ``where`` ("without the MAD")."""
    nights = "night" if one.nights == 1 else "nights"
    said = (
        f"{NAMES[one.index]} {where}: mean {one.mean:.1f} {UNITS[one.index]} over {one.nights} {nights}"
        f" (95 % interval {one.low:.1f} to {one.high:.1f})"
    )
    if one.probabilities:
        sure = one.probabilities[one.severity]
        said += f"; {'uncertain, most likely' if one.uncertain else 'likely'} {one.severity} ({100 * sure:.0f} %)"
    if one.provisional:
        said += f"; provisional below {SETTLED_NIGHTS} nights"
    return said[0].upper() + said[1:] + "."


def of_comparison(one: Comparison) -> str:
    """One index with and without the MAD."""
    how = f"{one.pairs} pairs of like nights" if one.matched else "nights not matched for posture and sleep"
    why = f" ({_WHY[one.why]})" if one.why else ""
    return (
        f"{_VERDICTS[one.verdict]}{why}: {NAMES[one.index]} {one.mean_without:.1f} without and {one.mean_with:.1f}"
        f" with it; {one.remaining_pct:.0f} % remains ({one.remaining_low_pct:.0f} to {one.remaining_high_pct:.0f} %;"
        f" {how})."
    )


def of_change(one: Change) -> str:
    """A change, or a step without one."""
    what = "Without a known step" if one.cause == "unknown" else "At the step"
    if one.advancement_mm is not None:
        what += f" to {one.advancement_mm:g} mm"
    did = "changed" if one.changed else "shows no change"
    return (
        f"{what}, from {one.night.isoformat()} on, the {NAMES[one.index]} {did}: median {one.median_before:.1f} to"
        f" {one.median_after:.1f} {UNITS[one.index]} ({_p(one.p)},"
        f" {one.nights_before} and {one.nights_after} nights)."
    )


def _p(p: float) -> str:
    return "p below 0.001" if p < 0.001 else f"p {p:.3f}"


def of_trend(one: Trend) -> str:
    """A trend that rises or falls."""
    return (
        f"The {NAMES[one.index]} is {one.direction}: {one.per_month:+.1f} {UNITS[one.index]} by 30 days"
        f" ({one.low:+.1f} to {one.high:+.1f}, {one.nights} nights)."
    )


def of_bedtime(one: Bedtime) -> str:
    """A bedtime that moved."""
    return (
        f"Bedtime of the last two weeks is {abs(one.shift_min or 0.0):.0f} min {one.direction} than usual"
        f" ({one.recent_nights} against {one.usual_nights} nights)."
    )


def sentences(
    without: Sequence[Outlook],
    treated: Sequence[Outlook],
    treatment: Sequence[Comparison],
    changes: Sequence[Change],
    trends: Sequence[Trend],
    bed: Bedtime | None,
) -> tuple[str, ...]:
    """Everything worth a sentence, the severity first."""
    said = [of_outlook(one, "without the MAD" if treated else "so far") for one in without]
    said += [of_outlook(one, "with the MAD") for one in treated]
    said += [of_comparison(one) for one in treatment]
    graded = {one.index: one for one in without}
    shallow, deep = graded.get("odi3"), graded.get("odi4")
    if shallow and deep and deep.severity == "normal" != shallow.severity:
        said.append(
            "The 4 % index alone would look normal; it misses shallow events, as women's apnoea often shows them."
        )
    said += [of_change(one) for one in changes]
    said += [of_trend(one) for one in trends if one.direction in ("rising", "falling")]
    if bed is not None and bed.direction in ("later", "earlier"):
        said.append(of_bedtime(bed))
    if any(one.verdict == "partly" for one in treatment):
        said.append(
            f'"Partly": more than {100 - 100 * LITTLE:.0f} % is gone, but not surely half, or what remains is moderate.'
        )
    return (*said, NO_DIAGNOSIS) if said else ("No night can be read yet.", NO_DIAGNOSIS)

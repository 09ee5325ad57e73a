"""Thresholds in force: the rule's defaults, over them the clinic's, over them the patient's."""

from __future__ import annotations

import math
from collections.abc import Mapping

from analytics.alerts.rules import RULES

Layer = Mapping[tuple[str, str], float]
"""What somebody set: (rule, parameter) -> value."""

Thresholds = Mapping[str, Mapping[str, float]]
"""rule -> parameter -> value in force."""

MS_PER_MIN = 60_000


def check(rule: str, parameter: str, value: float) -> None:
    """Return if a threshold may be set so.

    Raises
    ------
    ValueError
        If there is no such rule or parameter, or the value is out of its range; the text names the range.
    """
    known = RULES.get(rule)
    if known is None:
        raise ValueError(f"there is no rule {rule!r}")
    limits = known.parameters.get(parameter)
    if limits is None:
        raise ValueError(f"rule {rule} has no threshold {parameter!r}: it has {', '.join(known.parameters)}")
    if not math.isfinite(value) or not limits.least <= value <= limits.most:
        unit = f" {limits.unit}" if limits.unit else ""
        raise ValueError(f"{rule}.{parameter} must be {limits.least:g} to {limits.most:g}{unit}, not {value:g}")


def in_force(*layers: Layer) -> dict[str, dict[str, float]]:
    """Every rule's thresholds; later layers win, and what is not known any more is passed over."""
    found = {name: {key: one.default for key, one in rule.parameters.items()} for name, rule in RULES.items()}
    for layer in layers:
        for (rule, parameter), value in layer.items():
            if parameter in found.get(rule, ()):
                found[rule][parameter] = value
    return found


def escalate_after_ms(values: Mapping[str, float]) -> int | None:
    """How long after it was raised an alert escalates; None for never."""
    return round(values["escalate_min"] * MS_PER_MIN) or None

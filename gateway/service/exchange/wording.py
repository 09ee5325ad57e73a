"""Numbers as people read them; what cannot be said is a dash."""

from __future__ import annotations

import math


def number_text(value: float, digits: int) -> str:
    """Return a number with so many decimals, or a dash for NaN and infinities."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def mean_text(values: list[float]) -> str:
    """Return the mean with one decimal, or a dash where there is nothing to average."""
    return number_text(sum(values) / len(values), 1) if values else "-"

"""The payer's rule for PAP, often borrowed: enough nights in any 30 consecutive days of the first 90."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from analytics.adherence.usage import GOAL_H, Hours, check_hours

PERIOD: Final = 90
WINDOW: Final = 30
NEEDED_PCT: Final = 70
"""At least four hours on at least 70 % of nights in a consecutive 30 days within the first three months (US Centers
for Medicare & Medicaid Services, LCD L33718, Positive Airway Pressure Devices). 70 % of 30 nights are 21."""


@dataclass(frozen=True, slots=True)
class PayerWindow:
    """The best 30 nights of the first 90.

    Attributes
    ----------
    met : bool or None
        True: by the nights seen. False: not even if every missing or coming night of the 90 counted. None: open.
    best_start : int or None
        Index of the best window's first night; of equals the first. None before 30 nights have passed.
    best_nights : int
        Nights of that window that reach four hours.
    best_missing : int
        Nights of that window without data: they count as not reached.
    best_pct : float
        Share of the 30 nights that reach four hours, %; NaN without a window.
    """

    met: bool | None
    best_start: int | None
    best_nights: int
    best_missing: int
    best_pct: float


def payer_window(hours: Hours) -> PayerWindow:
    """Find the best window.

    Parameters
    ----------
    hours
        From the first night of treatment on; nights after the 90th are not looked at.

    Raises
    ------
    ValueError
        For hours outside of 0..25.
    """
    check_hours(hours)
    seen = list(hours[:PERIOD])
    reached = [night is not None and night >= GOAL_H for night in seen]
    counts = [sum(reached[start : start + WINDOW]) for start in range(len(seen) - WINDOW + 1)]
    possible = [night is None or night >= GOAL_H for night in seen] + [True] * (PERIOD - len(seen))
    hoped = max(sum(possible[start : start + WINDOW]) for start in range(PERIOD - WINDOW + 1))
    met = None if _enough(hoped) else False
    if not counts:
        return PayerWindow(met, None, 0, 0, float("nan"))
    best = max(counts)
    start = counts.index(best)
    missing = sum(night is None for night in seen[start : start + WINDOW])
    return PayerWindow(True if _enough(best) else met, start, best, missing, 100.0 * best / WINDOW)


def _enough(nights: int) -> bool:
    return 100 * nights >= NEEDED_PCT * WINDOW

"""docs/adherence.md names the rules with the values that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.adherence import rules
from analytics.adherence.nights import UNKNOWN_MIN
from analytics.adherence.payer import NEEDED_PCT, PERIOD, WINDOW
from analytics.adherence.stream import DELAY_S
from analytics.adherence.titration import SideEffect
from analytics.adherence.usage import GOAL_H

ROOT = Path(__file__).resolve().parents[4]
TEXT = " ".join((ROOT / "docs" / "adherence.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    "said",
    [
        f"{rules.WINDOW_C[0]}..{rules.WINDOW_C[1]:g} degC",
        f"from {rules.WARM_C:g} degC",
        f"below {rules.LOW_C} degC",
        f"never below {rules.COLD_C:g} degC",
        f"above {rules.HOT_C} degC",
        f"low for less than {rules.DRINK_MS // 60_000} min",
        f"| {rules.SHORTEST_MS // 60_000} min |",
        f"{rules.MISSING_MS // 60_000} min and more without a reading",
        f"less than {rules.ROOM_SHARE:.0%} of it".replace("%", " %"),
        f"{rules.STILL_SHARE:.0%} of the wear".replace("%", " %"),
        f"below {rules.LIFELESS_C:g} degC over at least {rules.LIFELESS_READINGS} readings",
        f"mouth {rules.MOUTH_C} +- {rules.MOUTH_SD_C} degC, time constant {rules.MOUTH_TAU_S:.0f} s",
        f"{rules.AIR_TAU_S:.0f} s within",
        f"at most {DELAY_S // 60} minutes and one reading",
        f">= {GOAL_H:g} h on >= {NEEDED_PCT} % ({NEEDED_PCT * WINDOW // 100}) of any {WINDOW}",
        f"of the first {PERIOD}",
        *SideEffect,
    ],
)
def test_the_page_says_what_the_code_does(said: str) -> None:
    assert said in TEXT


def test_four_hours_of_missing_data_are_said() -> None:
    assert UNKNOWN_MIN == 240
    assert "four hours and more between 20:00 and 10:00 lack data" in TEXT


def test_the_figures_are_there() -> None:
    for name in ("adherence_wear", "adherence_dating"):
        assert f"figures/{name}.png" in TEXT
        assert (ROOT / "docs" / "figures" / f"{name}.png").stat().st_size < 150_000
    assert (ROOT / "docs" / "figures" / "adherence_wear.py").is_file()

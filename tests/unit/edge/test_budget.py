"""The energy budget is the one that docs/power.md prints, and it is monotone in what costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.common.budget import DAY, PARTS, budget
from edge.common.power import RECORDER

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "power.md"
CELLS_MAH = (30, 220)


def row(name: str) -> str:
    part = PARTS[name]
    found = budget(part, RECORDER, DAY, CELLS_MAH[0])
    days = [budget(part, RECORDER, DAY, cell)["days"] for cell in CELLS_MAH]
    per_event = f"{found['probe_uc']:,.0f} | {found['record_uc']:,.0f} | {found['sync_uc']:,.0f}"
    per_day = " | ".join(
        f"{found[key]:.3f}" for key in ("sleep_mah", "probes_mah", "records_mah", "radio_mah", "day_mah")
    )
    return f"| {name} | {per_event} | {per_day} | {days[0]:.1f} | {days[1]:.1f} |"


@pytest.mark.parametrize("name", sorted(PARTS))
def test_the_document_prints_what_the_function_gives(name: str) -> None:
    assert row(name) in DOCUMENT.read_text()


@pytest.mark.parametrize("name", sorted(PARTS))
def test_looking_less_often_lasts_longer(name: str) -> None:
    days = [budget(PARTS[name], {**RECORDER, "probe_s": probe}, DAY, 30)["days"] for probe in (30, 60, 120)]
    assert days == sorted(days)
    assert (
        budget(PARTS[name], RECORDER, {**DAY, "case_h": 0.0}, 30)["radio_mah"]
        < 0.5 * budget(PARTS[name], RECORDER, DAY, 30)["radio_mah"]
    )


def test_parts_of_a_day_add_up() -> None:
    for part in PARTS.values():
        found = budget(part, RECORDER, DAY, 30)
        parts = sum(found[key] for key in ("sleep_mah", "probes_mah", "records_mah", "radio_mah"))
        assert parts == pytest.approx(found["day_mah"])
        assert found["days"] == pytest.approx(0.8 * 30 / found["day_mah"])

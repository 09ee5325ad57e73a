"""docs/oximetry.md names every profile, index and biomarker that an analysis gives."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from analytics.oximetry.biomarkers import BIOMARKERS, Biomarker
from analytics.oximetry.profiles import PROFILES
from analytics.oximetry.results import Analysis, PulseSummary, Spo2Summary

ROOT = Path(__file__).resolve().parents[4]
TEXT = (ROOT / "docs" / "oximetry.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_described(name: str) -> None:
    assert f"| `{name}`" in TEXT


@pytest.mark.parametrize("biomarker", BIOMARKERS, ids=lambda biomarker: biomarker.name)
def test_every_biomarker_is_listed_with_its_unit_and_meaning(biomarker: Biomarker) -> None:
    assert f"| `{biomarker.name}` | {biomarker.unit} | {biomarker.meaning} |" in TEXT


@pytest.mark.parametrize("kind", [Analysis, Spo2Summary, PulseSummary])
def test_every_index_is_explained(kind: type) -> None:
    shown = {"interval_s", "profile", "profile_version", "spo2", "pulse", "biomarkers", "valid_h", "response_events"}
    text = TEXT.lower()
    for field in fields(kind):
        if field.name not in shown:
            assert field.name in text or field.name.replace("_", " ") in text, field.name


def test_the_figures_are_there() -> None:
    for name in ("oximetry_profiles", "oximetry_burden"):
        assert f"figures/{name}.png" in TEXT
        assert (ROOT / "docs" / "figures" / f"{name}.png").stat().st_size < 150_000
        assert (ROOT / "docs" / "figures" / f"{name}.py").is_file()

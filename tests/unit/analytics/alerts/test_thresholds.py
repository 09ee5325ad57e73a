"""Thresholds: defaults, a clinic's, a patient's; both sides of every limit."""

from __future__ import annotations

import pytest

from analytics.alerts.rules import RULES
from analytics.alerts.thresholds import check, escalate_after_ms, in_force

LIMITS = [(rule.name, name, one) for rule in RULES.values() for name, one in rule.parameters.items()]


@pytest.mark.parametrize(("rule", "name", "limits"), LIMITS, ids=[f"{rule}.{name}" for rule, name, _ in LIMITS])
def test_both_sides_of_every_limit(rule: str, name: str, limits) -> None:
    check(rule, name, limits.least)
    check(rule, name, limits.most)
    check(rule, name, limits.default)
    for outside in (limits.least - 0.001, limits.most + 0.001, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"{rule}\.{name} must be"):
            check(rule, name, outside)


def test_what_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="no rule 'nothing'"):
        check("nothing", "minutes", 5)
    with pytest.raises(ValueError, match="rule spo2_low has no threshold 'hours'"):
        check("spo2_low", "hours", 5)


def test_the_patient_beats_the_clinic_beats_the_default() -> None:
    clinic = {("spo2_low", "minutes"): 10.0, ("spo2_low", "level_pct"): 85.0}
    patient = {("spo2_low", "level_pct"): 80.0, ("gone", "minutes"): 1.0, ("spo2_low", "gone"): 1.0}
    values = in_force(clinic, patient)["spo2_low"]
    assert (values["level_pct"], values["minutes"], values["margin_pct"]) == (80.0, 10.0, 2)
    assert in_force()["spo2_low"]["level_pct"] == 88
    assert "gone" not in in_force(patient)


def test_escalation_is_in_milliseconds_and_zero_means_never() -> None:
    assert escalate_after_ms({"escalate_min": 30}) == 1_800_000
    assert escalate_after_ms({"escalate_min": 0}) is None


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_every_rule_can_be_put_in_words_without_its_values(rule) -> None:
    assert "{" not in rule.words({})
    assert rule.words({}) == rule.words(dict.fromkeys(["level_pct", "nadir_pct", "hours", "nights"]))
    assert rule.severity(1) == rule.severities[0]
    assert rule.severity(99) == rule.severities[-1]

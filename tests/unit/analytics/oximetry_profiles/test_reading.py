"""The reading: bands, what drives them, how sure; and that a normal ODI4 alone never reads as normal."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.oximetry.reading import BURDEN_BANDS, CHILD_RATE_BANDS, RANK, Sex, read_night, severity_of
from analytics.oximetry.results import HypoxicBurden, PulseSummary, Quality, Reading, Severity, Spo2Summary

SPO2 = Spo2Summary(95, 95, 88, 99, 1, 92, 93, 97, 95, 20, 1, 2, 0, 0, 0, 0, 0, False)
BURDEN = HypoxicBurden(2.0, "own", "recording", 8.0, 16.0, 10, 25, 200, -10, 40, False)
PULSE = PulseSummary(60, 50, 80, 5, 8.0, 1.0, 5.0, 2.0, 10)
QUALITY = Quality(8.2, 8.0, 97.6, {"edge": 6}, True)


def reading(
    odi3: float = 1.0,
    odi4: float = 0.5,
    *,
    burden: float = 2.0,
    rise: float | None = 1.0,
    le_88_s: float = 0.0,
    valid_h: float = 8.0,
    sex: Sex | None = None,
    age: float | None = None,
) -> Reading:
    return read_night(
        odi3,
        odi4,
        replace(SPO2, le_88_s=le_88_s, nocturnal_oxygen_criterion=le_88_s >= 300),
        replace(BURDEN, value=burden),
        None if rise is None else replace(PULSE, rise_index=rise),
        replace(QUALITY, valid_h=valid_h, sufficient=valid_h >= 4),
        sex=sex,
        age=age,
    )


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        (0, "normal"),
        (4.99, "normal"),
        (5, "mild"),
        (14.99, "mild"),
        (15, "moderate"),
        (30, "moderate"),
        (30.01, "severe"),
        (math.nan, "unknown"),
    ],
)
def test_rates_are_read_as_the_apnoea_hypopnoea_index_is(value: float, severity: Severity) -> None:
    assert severity_of(value) == severity


@pytest.mark.parametrize(
    ("value", "severity"), [(9.9, "normal"), (10, "mild"), (30, "moderate"), (60, "moderate"), (60.1, "severe")]
)
def test_bands_of_the_burden(value: float, severity: Severity) -> None:
    assert severity_of(value, BURDEN_BANDS) == severity


@pytest.mark.parametrize(
    ("raised", "driver", "severity"),
    [
        ({"odi3": 6.0}, "odi3", "mild"),
        ({"odi3": 31.0}, "odi3", "severe"),
        ({"burden": 12.0}, "hypoxic_burden", "mild"),
        ({"burden": 80.0}, "hypoxic_burden", "severe"),
        ({"rise": 5.0}, "pulse_rise_index", "mild"),
        ({"rise": 40.0}, "pulse_rise_index", "mild"),
        ({"le_88_s": 300.0}, "time_le_88", "mild"),
    ],
)
def test_a_normal_odi4_alone_never_reads_as_normal(raised: dict[str, float], driver: str, severity: Severity) -> None:
    found = reading(odi4=0.5, **raised)
    assert found.severity == severity
    assert found.drivers == (driver,)
    assert any("alone would have looked normal" in sentence for sentence in found.sentences)


def test_in_women_the_reading_says_why_odi4_misleads() -> None:
    female, unknown = (" ".join(reading(odi3=9.0, sex=sex).sentences) for sex in ("female", None))
    assert "Women's apnoea often shows as such shallow events" in female
    assert "Women" not in unknown


def test_a_night_is_normal_only_where_every_index_is() -> None:
    found = reading()
    assert (found.severity, found.drivers) == ("normal", ())
    assert found.sentences[0] == "No index of this night is raised."


def test_several_drivers_are_all_named() -> None:
    found = reading(odi3=20.0, burden=35.0, odi4=9.0)
    assert (found.severity, found.drivers) == ("moderate", ("odi3", "hypoxic_burden"))
    assert "3 % desaturation index (20.0 /h), hypoxic burden (35.0 % min/h)" in found.sentences[0]


@pytest.mark.parametrize(("valid_h", "severity"), [(3.99, "unknown"), (4.0, "normal"), (0.0, "unknown")])
def test_nothing_is_called_normal_below_four_valid_hours(valid_h: float, severity: Severity) -> None:
    assert reading(valid_h=valid_h).severity == severity


def test_a_raised_index_counts_in_a_short_night_but_is_insufficient() -> None:
    found = reading(odi3=20.0, valid_h=2.0)
    assert (found.severity, found.certainty) == ("moderate", "insufficient")


@pytest.mark.parametrize(
    ("odi3", "certainty"),
    [
        (3.3, "provisional"),
        (3.4, "low"),
        (5.0, "low"),
        (7.5, "provisional"),
        (9.9, "provisional"),
        (10.0, "low"),
        (46, "provisional"),
    ],
)
def test_a_night_near_a_limit_is_less_sure(odi3: float, certainty: str) -> None:
    assert reading(odi3=odi3).certainty == certainty


@pytest.mark.parametrize(("age", "severity"), [(17.9, "mild"), (18.0, "normal"), (None, "normal")])
def test_children_are_read_by_paediatric_bands(age: float | None, severity: Severity) -> None:
    assert reading(odi3=1.0, age=age).severity == severity
    assert severity_of(10.1, CHILD_RATE_BANDS) == "severe"


@pytest.mark.parametrize(("age", "said"), [(64.0, False), (65.0, True)])
def test_from_sixty_five_a_small_pulse_response_does_not_reassure(age: float, said: bool) -> None:
    assert any("does not reassure" in sentence for sentence in reading(age=age).sentences) is said


def test_the_nocturnal_oxygen_criterion_is_told_with_its_longest_run() -> None:
    told = " ".join(reading(le_88_s=301.0).sentences)
    assert "5 min in all (longest run 0.0 min)" in told
    assert "criterion" not in " ".join(reading(le_88_s=299.0).sentences)


def test_it_never_claims_a_diagnosis() -> None:
    for found in (reading(), reading(odi3=40.0), reading(valid_h=0.0)):
        assert found.sentences[-1] == "This informs and is no diagnosis."


@pytest.mark.parametrize("age", [-1.0, math.nan])
def test_an_impossible_age_is_refused(age: float) -> None:
    with pytest.raises(ValueError, match="age"):
        reading(age=age)


rates = st.floats(0, 120)


@given(
    odi3=rates,
    odi4=rates,
    burden=rates,
    rise=st.none() | rates,
    le_88_s=st.floats(0, 30_000),
    age=st.none() | st.floats(0, 110),
)
def test_the_severity_is_that_of_the_worst_index(
    odi3: float, odi4: float, burden: float, rise: float | None, le_88_s: float, age: float | None
) -> None:
    found = reading(odi3, odi4, burden=burden, rise=rise, le_88_s=le_88_s, age=age)
    ranks = [RANK.index(index.severity) for index in found.indices]
    assert RANK.index(found.severity) == max(ranks)
    assert {i.name for i in found.indices if i.severity == found.severity != "normal"} == set(found.drivers)


@given(value=rates, more=rates)
def test_more_is_never_milder(value: float, more: float) -> None:
    assert RANK.index(severity_of(value + more)) >= RANK.index(severity_of(value))

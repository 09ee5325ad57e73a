"""What is said to people: the figure, how sure it is, never a diagnosis, and a reason wherever nothing can be said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics.nights import words
from analytics.nights.records import PatientNight, TreatmentStep
from analytics.nights.report import NightsReport, evaluate
from analytics.nights.summary import outlook
from tests.unit.analytics.nights.records import NIGHT, joined


def report(without: list[float], with_mad: list[float]) -> NightsReport:
    nights: list[PatientNight] = [joined(i, odi3=value, mad_pct=0.0) for i, value in enumerate(without)]
    nights += [joined(50 + i, odi3=value, mad_pct=100.0) for i, value in enumerate(with_mad)]
    return evaluate(nights, [TreatmentStep(NIGHT + timedelta(days=50), 5.5)])


def test_a_mean_is_said_with_its_interval_its_class_and_that_it_is_provisional() -> None:
    said = words.of_outlook(outlook("odi3", [60.0, 70.0, 65.0, 62.0]), "so far")
    assert said.startswith("3 % desaturation index so far: mean 64.2 /h over 4 nights (95 % interval ")
    assert "likely severe" in said
    assert said.endswith("provisional below 14 nights.")


def test_one_night_on_the_border_is_said_to_be_uncertain() -> None:
    said = words.of_outlook(outlook("hypoxic_burden", [30.0]), "so far")
    assert said.startswith("Hypoxic burden so far: mean 30.0 % min/h over 1 night (")
    assert "uncertain, most likely" in said


def test_settled_nights_are_not_called_provisional() -> None:
    assert "provisional" not in words.of_outlook(outlook("odi4", [2.0] * 14), "so far")


@pytest.mark.parametrize(
    ("without", "with_mad", "start"),
    [
        pytest.param([30.0, 31.0, 29.0], [6.0, 5.0, 7.0], "The MAD is working:", id="working"),
        pytest.param([60.0, 62.0, 58.0], [20.0, 21.0, 19.0], "The MAD is partly working:", id="partly"),
        pytest.param([30.0, 31.0, 29.0], [30.0, 32.0, 31.0], "The MAD is not working:", id="not"),
        pytest.param([30.0], [6.0], "Whether the MAD works cannot be said (too few nights on one side):", id="few"),
        pytest.param(
            [2.0, 3.0, 2.5],
            [1.0, 1.2, 0.9],
            "Whether the MAD works cannot be said (there was little to reduce without it):",
            id="little",
        ),
    ],
)
def test_the_verdict_is_a_plain_word_with_its_reason(without: list[float], with_mad: list[float], start: str) -> None:
    said = report(without, with_mad).sentences
    assert sum(one.startswith(start) for one in said) == 1
    assert any("% remains (" in one for one in said)


def test_partly_is_explained_where_it_is_said() -> None:
    partly, working = report([60.0, 62.0, 58.0], [20.0, 21.0, 19.0]), report([30.0, 31.0, 29.0], [6.0, 5.0, 7.0])
    assert any(one.startswith('"Partly"') for one in partly.sentences)
    assert not any(one.startswith('"Partly"') for one in working.sentences)


def test_a_step_is_said_with_its_setting_and_evidence() -> None:
    said = report([30.0 + i for i in range(14)], [6.0 + i / 4 for i in range(14)]).sentences
    (step,) = [one for one in said if one.startswith("At the step")]
    assert step.startswith("At the step to 5.5 mm, from 2026-03-25 on, the 3 % desaturation index changed:")
    assert "p below 0.001, 14 and 14 nights" in step


def test_every_report_ends_with_what_it_is_not() -> None:
    for one in (report([30.0], []), report([], [5.0]), evaluate([])):
        assert one.sentences[-1] == words.NO_DIAGNOSIS

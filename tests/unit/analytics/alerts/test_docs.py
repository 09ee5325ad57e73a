"""docs/alerts.md says what the code does: rules, thresholds, states, waits."""

from __future__ import annotations

import re

from analytics.alerts.lifecycle import State
from analytics.alerts.rules import RULES
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "alerts.md").read_text("utf-8")


def threshold_rows() -> dict[str, list[str]]:
    table = TEXT[TEXT.index("| rule | thresholds") :]
    rows = [line.strip("| ").split(" | ") for line in table.split("\n\n")[0].splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_rule_is_told_with_its_thresholds() -> None:
    told = threshold_rows()
    assert list(told) == [
        name for name, rule in RULES.items() if len(rule.parameters) > 2 or name in ("outbox_full", "disk_refuses")
    ]
    for name, (thresholds, escalates) in told.items():
        parameters = dict(RULES[name].parameters)
        del parameters["enabled"]
        escalate_min = parameters.pop("escalate_min").default
        expected = ", ".join(
            f"`{key}` {one.default:g}{one.unit and ' ' + one.unit} ({one.least:g} to {one.most:g})"
            for key, one in parameters.items()
        )
        assert thresholds == (expected or "-"), name
        assert escalates == (f"{escalate_min:g} min" if escalate_min else "never"), name


def test_every_rule_is_explained() -> None:
    explained = TEXT[TEXT.index("| rule | about") : TEXT.index("| rule | thresholds")]
    for name, rule in RULES.items():
        row = next(line for line in explained.splitlines() if f"`{name}`" in line)
        assert f"| {rule.scope} |" in row
        assert rule.severities[0] in row


def test_every_state_is_told() -> None:
    life = TEXT[TEXT.index("## The life") : TEXT.index("### Time")]
    for state in State:
        assert re.search(rf"\b{state.value}\b", life)


def test_the_figures_are_there() -> None:
    for name in ("alerts_spo2", "alerts_wear"):
        assert f"figures/{name}.png" in TEXT
        assert (ROOT / "docs" / "figures" / f"{name}.png").stat().st_size < 150_000

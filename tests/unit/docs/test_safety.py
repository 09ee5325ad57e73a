"""docs/safety.md: every hazard of the design is there, and every test that it names exists and would be run."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "safety.md").read_text("utf-8")
HAZARDS = [
    "Wrong patient",
    "Lost night",
    "Wrong time",
    "Missed or false alert",
    "Wrong index",
    "Stale data shown as fresh",
    "Spoofed device",
]


def rows(hazard: str) -> list[list[str]]:
    """The rows of a hazard's table: cause, control, tests."""
    (section,) = re.findall(rf"^## {hazard}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    table = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    head, _rule, *body = [[cell.strip() for cell in row] for row in table]
    assert head == ["cause", "control", "shown by"]
    return body


@cache
def named_in(file: Path) -> frozenset[str]:
    """Names of the test functions of a file, those of classes as well; a skipped one shows nothing."""
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not any(re.search(r"\b(skip|xfail)\b", ast.unparse(mark)) for mark in node.decorator_list)
    )


@pytest.mark.parametrize("hazard", HAZARDS)
def test_each_cause_has_a_control_and_a_test_that_shows_it(hazard: str) -> None:
    found = rows(hazard)
    assert len(found) >= 3
    for cause, control, shown in found:
        assert cause
        assert control
        names = re.findall(r"`([^`]+)`", shown)
        assert names, f"{cause}: no test"
        for name in names:
            file, _, test = name.partition("::")
            path = ROOT / "tests" / file
            assert path.is_file(), name
            assert test in named_in(path), name


def test_no_other_hazard_is_listed_without_a_table_of_tests() -> None:
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == [*HAZARDS, "What is left"]


def test_it_says_what_the_product_is_not() -> None:
    said = " ".join(TEXT.split())
    for words in ("makes no diagnosis", "**no primary alarm**", "no medical device"):
        assert words in said

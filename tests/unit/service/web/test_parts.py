"""Numbers and times as pages tell them, colours that can be read, and what is told of an error."""

from __future__ import annotations

import re
from itertools import product

import pytest
from fastapi import HTTPException

from gateway.errors import (
    AccessError,
    HiddenError,
    SignedOutError,
    StoreError,
    StoreRejectedError,
    StoreUnavailableError,
)
from gateway.service.records import Severity
from gateway.service.web import parts
from gateway.service.web.failure import Failure
from gateway.service.web.static_files import FILES

MIN_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("value", "digits", "unit", "said"),
    [
        (4.26, 1, "/h", "4.3 /h"),
        (88.0, 0, "%", "88 %"),
        (None, 1, "%", "–"),
        (float("nan"), 1, "", "–"),
        (0, 1, "", "0.0"),
    ],
)
def test_numbers(value: float | None, digits: int, unit: str, said: str) -> None:
    assert parts.number(value, digits, unit) == said


@pytest.mark.parametrize(
    ("age_ms", "said"),
    [
        (-5, "just now"),
        (MIN_MS - 1, "just now"),
        (MIN_MS, "1 min ago"),
        (2 * HOUR_MS - 1, "119 min ago"),
        (2 * HOUR_MS, "2 h ago"),
        (2 * DAY_MS - 1, "47 h ago"),
        (2 * DAY_MS, "2 days ago"),
    ],
)
def test_ages(age_ms: int, said: str) -> None:
    assert parts.ago(10 * DAY_MS - age_ms, 10 * DAY_MS) == said


def test_moments_name_their_zone_over_the_change_of_clocks() -> None:
    before, after = 1_774_745_940_000, 1_774_746_000_000
    assert parts.moment(before, "Europe/Berlin") == "Sun 29 Mar 2026, 01:59 CET"
    assert parts.moment(after, "Europe/Berlin") == "Sun 29 Mar 2026, 03:00 CEST"
    assert parts.moment(None, "Europe/Berlin") == "–"
    assert parts.ago(None, 0) == "never"


def test_every_severity_has_a_sign_and_a_word_of_its_own() -> None:
    told = {severity: (parts.SIGNS[tone], word) for severity, (tone, word) in parts.SEVERITIES.items()}
    assert set(told) == set(Severity)
    assert len({sign for sign, _ in told.values()}) == len(told) == len({word for _, word in told.values()})


def colours(block: str) -> dict[str, tuple[float, float, float]]:
    found = re.findall(r"--sl-([a-z-]+): #([0-9a-f]{6});", block)
    return {name: tuple(int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)) for name, text in found}  # type: ignore[misc]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """WCAG 2.2, 1.4.3."""

    def luminance(colour: tuple[float, float, float]) -> float:
        r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


CSS = (FILES / "pages.css").read_text("utf-8")
THEMES = {
    "light": CSS[CSS.index(":root") : CSS.index("}")],
    "dark": CSS[CSS.index(".body--dark {") : CSS.index("}", CSS.index(".body--dark {"))],
}
TONES = ("bad", "warn", "good", "info")
PAIRS = [
    *product(("text", "muted", "accent", "bad", "warn", "good"), ("ground", "card")),
    *((tone, f"{tone}-soft") for tone in TONES),
    ("text", "accent-soft"),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
]


@pytest.mark.parametrize("theme", THEMES)
def test_text_stands_out_from_its_ground(theme: str) -> None:
    there = colours(THEMES[theme])
    weak = {pair: round(contrast(there[pair[0]], there[pair[1]]), 2) for pair in PAIRS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


def test_the_way_in_has_the_colours_of_the_pages() -> None:
    dark = colours(THEMES["dark"])
    door = colours(CSS[CSS.index("@media (prefers-color-scheme: dark)") :])
    assert door
    assert {name: dark[name] for name in door} == door


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (SignedOutError("x"), 401, "Sign in again"),
        (HiddenError("no such patient: p-1"), 404, "not yours to see"),
        (AccessError("this is not for the role dentist"), 403, "role does not allow"),
        (StoreUnavailableError("host db.example"), 503, "try again"),
        (StoreRejectedError("there is a team of that name"), 422, "There is a team of that name."),
        (HTTPException(404, "no such alert"), 404, "No such alert."),
        (HTTPException(500, "inside"), 500, "log says why"),
        (StoreError("file /var/lib/records.db"), 500, "log says why"),
        (RuntimeError("inside"), 500, "log says why"),
    ],
)
def test_what_is_told_of_an_error(error: Exception, status: int, said: str) -> None:
    told = Failure.of(error)
    assert told.status == status
    assert said in told.detail
    assert told.signed_out == (status == 401)
    assert not re.search(r"inside|db\.example|/var|p-1", told.detail)

"""A person's settings file is changed where it must be, and nowhere else."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.home.settings_file import set_values

WRITTEN = """\
# the box in the bedroom
[broker]
url = "mqtt://old"   # by hand

[home]
zone = "Europe/Berlin"  # summer time too
mode = "both"

[log]
format = "json"
"""
WANTED = {"broker": {"url": "mqtts://new", "password_file": "/x/y"}, "home": {"gateway": "home-1"}}


def test_values_are_replaced_or_added_in_their_sections_and_comments_stay() -> None:
    made = set_values(WRITTEN, WANTED)
    assert (
        made
        == """\
# the box in the bedroom
[broker]
url = "mqtts://new"
password_file = "/x/y"

[home]
zone = "Europe/Berlin"  # summer time too
mode = "both"
gateway = "home-1"

[log]
format = "json"
"""
    )
    assert set_values(made, WANTED) == made


def test_an_empty_file_gets_the_sections() -> None:
    assert tomllib.loads(set_values("", WANTED)) == WANTED


@pytest.mark.parametrize(
    "text",
    ["[broker", 'broker.url = "x"', "broker = {url = 'x'}", '[broker]\nurl = """\nx\n"""', "[broker]\nurl=1\nurl=2"],
)
def test_what_would_be_changed_wrongly_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="settings file") as caught:
        set_values(text, WANTED)
    assert "\n" not in str(caught.value)


VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(VALUES, VALUES, st.sampled_from(["", WRITTEN, "[home]", "[other]\nx = 1\n", "# only\n"]))
def test_whatever_the_values_are_they_are_read_back_and_nothing_else_changes(url: str, name: str, text: str) -> None:
    wanted = {"broker": {"url": url}, "home": {"gateway": name}}
    before, after = tomllib.loads(text), tomllib.loads(set_values(text, wanted))
    assert after == {**before, **{section: {**before.get(section, {}), **wanted[section]} for section in wanted}}

"""What is told to a patient, and when: both sides of every limit."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.home.collect.recovery import LADDER
from gateway.home.conditions import (
    CONDITIONS,
    LOW_DISK_BYTES,
    NO_BROKER_S,
    NO_DEVICE_S,
    UNHEARD_MS,
    DeviceFacts,
    HomeFacts,
    conditions_of,
)

NOW = 1_790_114_400_000
RING = DeviceFacts("o2ring-0123456789", "ring", NOW - 1000, NOW - 5000, 80.0)
WELL = HomeFacts(NOW, 10_000.0, devices=(RING,))


def codes(facts: HomeFacts) -> list[str]:
    return [condition.code for condition in conditions_of(facts)]


def test_nothing_is_told_when_all_is_well() -> None:
    assert codes(WELL) == []


@pytest.mark.parametrize(
    ("change", "well", "wrong", "code"),
    [
        ("broker_away_s", NO_BROKER_S - 1, NO_BROKER_S, "broker_away"),
        ("broker_refuses", False, True, "broker_refuses"),
        ("disk_free_bytes", LOW_DISK_BYTES, LOW_DISK_BYTES - 1, "disk_low"),
        ("radio", frozenset(), frozenset({"adapter_unavailable"}), "adapter_unavailable"),
        ("radio", frozenset(), frozenset({"radio_silent"}), "radio_silent"),
        ("nearly_full", False, True, "outbox_nearly_full"),
        ("thinned", False, True, "outbox_full"),
        ("disk_refuses", False, True, "disk_refuses"),
        ("clock_set", True, False, "clock_unset"),
        ("clock_stepped", False, True, "clock_stepped"),
        ("live_dropped", False, True, "live_dropped"),
        ("set_aside", False, True, "set_aside"),
        ("strangers_unreachable", 0, 1, "device_unreachable"),
        ("devices", (replace(RING, battery_pct=20.0),), (replace(RING, battery_pct=19.9),), "device_battery_low"),
        ("devices", (RING,), (replace(RING, reachable=False),), "device_unreachable"),
        (
            "devices",
            (replace(RING, last_contact_ms=NOW - UNHEARD_MS + 1),),
            (replace(RING, last_contact_ms=NOW - UNHEARD_MS),),
            "device_not_heard",
        ),
    ],
)
def test_each_condition_is_told_on_its_side_of_the_limit_and_not_on_the_other(
    change: str, well: object, wrong: object, code: str
) -> None:
    assert codes(replace(WELL, **{change: well})) == []  # type: ignore[arg-type]  # one field of many types
    assert codes(replace(WELL, **{change: wrong})) == [code]  # type: ignore[arg-type]


def test_a_box_that_met_no_device_says_so_after_half_an_hour_unless_its_radio_is_the_reason() -> None:
    alone = replace(WELL, devices=())
    assert codes(replace(alone, up_s=NO_DEVICE_S - 1)) == []
    assert codes(replace(alone, up_s=NO_DEVICE_S)) == ["no_device"]
    assert codes(replace(alone, radio=frozenset({"radio_silent"}))) == ["radio_silent"]


def test_the_gravest_comes_first_and_the_device_is_named() -> None:
    facts = replace(WELL, disk_refuses=True, set_aside=True, devices=(replace(RING, battery_pct=3.0),))
    found = conditions_of(facts)
    assert [(one.code, one.name, one.wrong) for one in found] == [
        ("disk_refuses", "", True),
        ("device_battery_low", "ring", True),
        ("set_aside", "", False),
    ]


@pytest.mark.parametrize("code", CONDITIONS)
def test_every_condition_says_what_is_so_what_it_means_and_what_to_do_in_plain_words(code: str) -> None:
    words = CONDITIONS[code]
    for text in (words.title, words.meaning, words.action):
        assert text.endswith(".")
        assert len(text) < 300
        # words of ours that no patient knows
        said = set(re.findall(r"[a-z]+", text.lower()))
        assert not said & {"ble", "mqtt", "broker", "outbox", "scanner", "adapter", "bluez", "epoch", "systemctl"}


def test_the_ladder_ends_in_telling_somebody() -> None:
    assert LADDER[-1].name == "REPORT"
    assert "radio_silent" in CONDITIONS

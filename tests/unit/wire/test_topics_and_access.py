"""Where messages go, and who may say what where."""

from __future__ import annotations

import pytest

from gateway.errors import WireError
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER, allowed, covers, mosquitto_acl
from gateway.wire.messages import KINDS
from gateway.wire.topics import BatchTopic, check_clinic, check_name, parse_batch


def test_a_batch_topic_is_read_as_it_was_made() -> None:
    for kind in KINDS:
        assert parse_batch(topics.batch("home-1", "plx-00ff", kind)) == BatchTopic("home-1", "plx-00ff", kind)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "somnolink/v1/home/up/plx-1",
        "somnolink/v1/home/up/plx-1/oximetry/more",
        "somnolink/v2/home/up/plx-1/oximetry",
        "other/v1/home/up/plx-1/oximetry",
        "somnolink/v1/home/down/plx-1/oximetry",
        "somnolink/v1/home/up/plx-1/ecg",
        "somnolink/v1//up/plx-1/oximetry",
        "somnolink/v1/home/up//oximetry",
        "somnolink/v1/Home/up/plx-1/oximetry",
        "somnolink/v1/service/up/plx-1/oximetry",
        "somnolink/v1/feed/up/plx-1/oximetry",
        "somnolink/v1/clinic/up/plx-1/oximetry",
        "somnolink/v1/clinic-north/up/plx-1/oximetry",
        "somnolink/v1/home/up/plx 1/oximetry",
        f"somnolink/v1/home/up/{'x' * 65}/oximetry",
    ],
)
def test_what_is_no_batch_topic(topic: str) -> None:
    with pytest.raises(WireError):
        parse_batch(topic)


def test_names_of_1_to_64_plain_characters_stand_in_a_topic() -> None:
    for name in ("a", "0", "x" * 64, "home_1-b"):
        assert check_name(name, "gateway") == name
    for name in ("", "x" * 65, "-a", "_a", "A", "a/b", "a+", "#", "a\n", "ä"):
        with pytest.raises(WireError, match="must be 1 to 64"):
            check_name(name, "gateway")
    assert check_name("service", "device") == "service"


def test_clinics_have_names_that_no_gateway_has() -> None:
    for name in ("clinic", "clinic-a", "clinic-" + "x" * 57):
        assert check_clinic(name) == name
        with pytest.raises(WireError, match="taken"):
            check_name(name, "gateway")
    for name in ("clinic-", "clinics", "Clinic", "north", "clinic/a", "clinic-+", "clinic-" + "x" * 58):
        with pytest.raises(WireError):
            check_clinic(name)
    assert check_name("clinical", "gateway") == "clinical"


ROOT = "somnolink/v1"


@pytest.mark.parametrize(
    ("user", "action", "topic", "may"),
    [
        # a gateway and its own topics
        ("home", "write", f"{ROOT}/home/up/plx-1/oximetry", True),
        ("home", "write", f"{ROOT}/home/status", True),
        ("home", "read", f"{ROOT}/home/down/ack", True),
        ("home", "read", f"{ROOT}/home/down/#", True),
        ("home", "read", f"{ROOT}/service/status", True),
        # it neither hears itself nor answers itself
        ("home", "read", f"{ROOT}/home/up/plx-1/oximetry", False),
        ("home", "write", f"{ROOT}/home/down/ack", False),
        ("home", "write", f"{ROOT}/service/status", False),
        # another's
        ("home", "write", f"{ROOT}/away/up/plx-1/oximetry", False),
        ("home", "write", f"{ROOT}/away/status", False),
        ("home", "read", f"{ROOT}/away/down/ack", False),
        ("home", "read", f"{ROOT}/away/status", False),
        # wildcards that would take in another's
        ("home", "read", f"{ROOT}/+/down/ack", False),
        ("home", "read", f"{ROOT}/#", False),
        ("home", "read", "#", False),
        ("home", "read", f"{ROOT}/home/#", False),
        ("home", "read", f"{ROOT}/feed/clinic", False),
        ("home", "read", f"{ROOT}/feed/home", False),
        # a clinic's listeners: its feed, and nothing of any home
        ("clinic", "read", f"{ROOT}/feed/clinic", True),
        ("clinic-north", "read", f"{ROOT}/feed/clinic-north", True),
        ("clinic-north", "read", f"{ROOT}/feed/clinic", False),
        ("clinic", "read", f"{ROOT}/feed/+", False),
        ("clinic", "read", f"{ROOT}/service/status", False),
        ("clinic", "write", f"{ROOT}/feed/clinic", False),
        ("clinic", "write", f"{ROOT}/clinic/up/plx-1/oximetry", False),
        # the service
        (SERVICE_USER, "read", topics.ALL_BATCHES, True),
        (SERVICE_USER, "read", topics.ALL_STATUS, True),
        (SERVICE_USER, "write", f"{ROOT}/home/down/ack", True),
        (SERVICE_USER, "write", f"{ROOT}/feed/clinic", True),
        (SERVICE_USER, "write", f"{ROOT}/service/status", True),
        (SERVICE_USER, "write", f"{ROOT}/home/up/plx-1/oximetry", False),
        (SERVICE_USER, "write", f"{ROOT}/home/status", False),
        (SERVICE_USER, "read", "#", False),
        # names that are patterns, paths or taken
        ("+", "read", f"{ROOT}/away/down/ack", False),
        ("+", "read", f"{ROOT}/+/down/#", False),
        ("#", "write", f"{ROOT}/away/up/plx-1/wear", False),
        ("home/down", "read", f"{ROOT}/home/down/down/ack", False),
        ("service", "write", f"{ROOT}/service/status", False),
        ("", "read", f"{ROOT}/service/status", False),
    ],
)
def test_who_may_say_what_where(user: str, action: str, topic: str, may: bool) -> None:
    assert allowed(user, action, topic) is may  # type: ignore[arg-type]  # the table's text


@pytest.mark.parametrize(
    ("rule", "topic", "all_of_it"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/b", "a", False),
        ("a/b", "a/b/c", False),
        ("a/b", "a/+", False),
        ("a/+", "a/b", True),
        ("a/+", "a/+", True),
        ("a/+", "a/#", False),
        ("a/+", "a/b/c", False),
        ("a/+/c", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a/#", True),
        ("a/#", "a/+/c", True),
        ("a/#", "#", False),
        ("a/#", "+/b", False),
        ("#", "#", True),
    ],
)
def test_a_rule_covers_a_filter_when_it_covers_every_topic_of_it(rule: str, topic: str, all_of_it: bool) -> None:
    assert covers(rule, topic) is all_of_it


def test_mosquittos_acl_file_is_the_same_rule_spelled_out() -> None:
    assert mosquitto_acl().splitlines()[1:] == [
        "pattern read somnolink/v1/%u/down/#",
        "pattern read somnolink/v1/service/status",
        "pattern write somnolink/v1/%u/up/#",
        "pattern write somnolink/v1/%u/status",
        "pattern read somnolink/v1/feed/%u",
        "user somnolink-service",
        "topic read somnolink/v1/+/up/#",
        "topic read somnolink/v1/+/status",
        "topic write somnolink/v1/+/down/#",
        "topic write somnolink/v1/feed/#",
        "topic write somnolink/v1/service/#",
    ]

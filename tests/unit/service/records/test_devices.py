"""A device belongs to the gateway that enrolled it, and no other may speak for it."""

from __future__ import annotations

import pytest

from gateway.errors import ConfigurationError, StoreRejectedError
from gateway.service.records import Contact, Device, Records, Refusal

RING = "o2ring-0011223344"
ZONE = "Europe/Berlin"


def test_an_unknown_device_is_refused_unless_enrolment_is_automatic(records: Records) -> None:
    pair = ("home-1", RING)
    assert records.devices.authorise([pair], auto_enrol=False, zone=ZONE, at_ms=5) == {pair: Refusal.UNKNOWN_DEVICE}
    assert records.devices.list() == []
    answer = records.devices.authorise([pair], auto_enrol=True, zone=ZONE, at_ms=5)[pair]
    assert answer == Device(RING, "o2ring", "home-1", ZONE, enrolled_ms=5, last_contact_ms=5)
    assert records.devices.authorise([pair], auto_enrol=False, zone=ZONE, at_ms=9)[pair] == answer


def test_another_gateway_may_never_speak_for_it(records: Records) -> None:
    records.devices.enrol("home-1", RING, zone=ZONE, at_ms=1)
    for auto_enrol in (True, False):
        answer = records.devices.authorise([("home-2", RING)], auto_enrol=auto_enrol, zone=ZONE, at_ms=2)
        assert answer == {("home-2", RING): Refusal.FOREIGN_DEVICE}
    with pytest.raises(StoreRejectedError, match="another gateway"):
        records.devices.enrol("home-2", RING, zone=ZONE, at_ms=2)


def test_two_gateways_in_one_group_cannot_both_win_a_new_device(records: Records) -> None:
    pairs = [("home-2", RING), ("home-1", RING)]
    answers = records.devices.authorise(pairs, auto_enrol=True, zone=ZONE, at_ms=1)
    assert sorted(isinstance(answer, Device) for answer in answers.values()) == [False, True]


def test_a_group_larger_than_one_query_is_answered_whole(records: Records) -> None:
    pairs = [("home-1", f"o2ring-{index:010x}") for index in range(1201)]
    answers = records.devices.authorise(pairs, auto_enrol=True, zone=ZONE, at_ms=1)
    assert len(answers) == 1201
    assert all(isinstance(answer, Device) for answer in answers.values())
    assert records.devices.authorise(pairs, auto_enrol=False, zone=ZONE, at_ms=1) == answers


def test_a_contact_brings_the_device_up_to_date_and_an_older_one_changes_nothing(records: Records) -> None:
    records.devices.enrol("home-1", RING, zone=ZONE, at_ms=1, model="O2Ring")
    records.devices.contact([Contact(RING, 20, battery_pct=80.0, firmware="1.4"), Contact(RING, 10, battery_pct=99.0)])
    records.devices.contact([Contact(RING, 15, battery_pct=1.0), Contact("o2ring-ffffffffff", 30)])
    device = records.devices.get(RING)
    assert device is not None
    assert (device.last_contact_ms, device.battery_pct, device.model, device.firmware) == (20, 80.0, "O2Ring", "1.4")
    assert [gateway.last_seen_ms for gateway in records.devices.gateways()] == [20]
    assert records.devices.get("o2ring-ffffffffff") is None


def test_a_gateway_keeps_its_first_sight_and_may_get_a_name(records: Records) -> None:
    records.devices.gateway_seen("home-1", 10)
    records.devices.gateway_seen("home-1", 5, name="Bedroom")
    (gateway,) = records.devices.gateways()
    assert (gateway.name, gateway.first_seen_ms, gateway.last_seen_ms) == ("Bedroom", 10, 10)


def test_the_zone_can_be_changed_to_one_that_exists(records: Records) -> None:
    records.devices.enrol("home-1", RING, zone=ZONE, at_ms=1)
    records.devices.set_zone(RING, "America/New_York")
    device = records.devices.get(RING)
    assert device is not None
    assert device.zone == "America/New_York"
    with pytest.raises(ConfigurationError):
        records.devices.set_zone(RING, "Mars/Olympus")
    with pytest.raises(ConfigurationError):
        records.devices.authorise([("home-1", "o2ring-9")], auto_enrol=True, zone="Mars/Olympus", at_ms=1)
    with pytest.raises(StoreRejectedError, match="no such device"):
        records.devices.set_zone("o2ring-ffffffffff", ZONE)

"""Alerts open once and resolve; what is set aside is kept with its reason; tokens are known by their hash."""

from __future__ import annotations

import pytest

from gateway.errors import StoreRejectedError
from gateway.service.records import MAX_PAYLOAD, Records, Rejected, Severity


def test_an_alert_opens_once_and_counts(records: Records) -> None:
    first = records.alerts.raise_alert("outbox_full", "home-1", "95 % full", at_ms=10, evidence={"used_pct": 95.0})
    again = records.alerts.raise_alert("outbox_full", "home-1", "99 % full", at_ms=20, severity=Severity.URGENT)
    other = records.alerts.raise_alert("outbox_full", "home-2", "96 % full", at_ms=15)
    assert (first.id, first.count, first.evidence) == (again.id, 1, {"used_pct": 95.0})
    assert (again.count, again.message, again.severity, again.raised_ms, again.last_ms) == (
        2,
        "99 % full",
        Severity.URGENT,
        10,
        20,
    )
    assert [alert.id for alert in records.alerts.list()] == [other.id, first.id]


def test_a_resolved_alert_stays_on_record_and_a_new_one_opens(records: Records) -> None:
    first = records.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=10)
    resolved = records.alerts.resolve("outbox_full", "home-1", at_ms=30)
    assert resolved is not None
    assert (resolved.id, resolved.resolved_ms) == (first.id, 30)
    assert records.alerts.resolve("outbox_full", "home-1", at_ms=31) is None
    assert records.alerts.open_count() == 0
    second = records.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=40)
    assert [alert.id for alert in records.alerts.list(open_only=True)] == [second.id]
    assert len(records.alerts.list()) == 2


def rejected(reason: str, payload: bytes = b"\xff", at_ms: int = 1) -> Rejected:
    return Rejected(at_ms, "home-1", "somnolink/v1/home-1/up/x/oximetry", reason, "no CBOR", payload)


def test_messages_are_counted_by_reason_and_listed_newest_first(records: Records) -> None:
    records.set_aside.add([])
    records.set_aside.add(
        [rejected("decode", b"a", 1), rejected("decode", b"b", 3), rejected("unknown_device", b"c", 2)]
    )
    records.set_aside.add([rejected("decode", b"a", 1)])  # the same once more is the same as once
    assert records.set_aside.counts() == {"decode": 2, "unknown_device": 1}
    assert [one.received_ms for one in records.set_aside.list()] == [3, 2, 1]
    assert [one.received_ms for one in records.set_aside.list(reason="decode", limit=1)] == [3]


@pytest.mark.parametrize(("size", "kept"), [(MAX_PAYLOAD, MAX_PAYLOAD), (MAX_PAYLOAD + 1, MAX_PAYLOAD), (0, 0)])
def test_a_payload_is_kept_up_to_its_bound_and_its_size_told(records: Records, size: int, kept: int) -> None:
    records.set_aside.add([rejected("too_large", b"x" * size)])
    (one,) = records.set_aside.list()
    assert (len(one.payload), one.size) == (kept, size)


def test_hostile_text_is_kept_readable(records: Records) -> None:
    records.set_aside.add([Rejected(1, "a\0b", "\ud800" + "t" * 5000, "decode", "x\0", b"\0\xff")])
    (one,) = records.set_aside.list()
    assert (one.gateway, one.detail, one.payload) == (
        "a\N{REPLACEMENT CHARACTER}b",
        "x\N{REPLACEMENT CHARACTER}",
        b"\0\xff",
    )
    assert one.topic.startswith("?t")
    assert len(one.topic) == 1000


def test_a_token_is_found_by_its_hash_and_gone_when_removed(records: Records) -> None:
    made = records.tokens.add("grafana", "ab" * 32, {"metrics", "read"}, created_ms=1, expires_ms=9)
    assert records.tokens.find("ab" * 32) == made
    assert made.scopes == {"metrics", "read"}
    assert records.tokens.find("cd" * 32) is None
    with pytest.raises(StoreRejectedError):
        records.tokens.add("grafana", "ef" * 32, set(), created_ms=1, expires_ms=None)
    assert records.tokens.list() == [made]
    assert records.tokens.remove("grafana")
    assert not records.tokens.remove("grafana")
    assert records.tokens.find("ab" * 32) is None

"""What a group of messages says: good batches, what is set aside and why, and what is answered to whom."""

from __future__ import annotations

from typing import Any

import cbor2
import numpy as np
import pytest

from gateway.service.ingest.group import authorise, open_group, reject_infinite
from gateway.service.records import Device, Refusal
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import decode_batch, encode_batch
from gateway.wire.messages import Ack, Batch, ClockInfo
from tests.unit.wire.samples import DEVICE, batch

TOPIC = topics.batch("home", DEVICE, "oximetry")
SESSION = "0011223344556677"


def message(payload: bytes, topic: str = TOPIC) -> Message:
    return Message(topic, payload, 1, 1)


def owner(gateway: str = "home") -> Device:
    return Device(DEVICE, "o2ring", gateway, "UTC", 0, 0, None, None, None)


def test_good_batches_are_kept_in_order_and_answered_together() -> None:
    sent = [batch(seq=seq) for seq in range(3)]
    group = open_group([message(encode_batch(sent[0]) + encode_batch(sent[1])), message(encode_batch(sent[2]))], 7)
    assert [arrived.batch for arrived in group.good] == sent
    authorise(group, {("home", DEVICE): owner()})
    for arrived in group.good:
        group.answer(arrived.gateway, arrived.batch.name, "stored")
    assert group.rejected == []
    assert group.acks() == {"home": [Ack(DEVICE, SESSION, "stored", seqs=(0, 1, 2))]}
    assert group.devices == {DEVICE: owner()}


def test_a_topic_that_is_none_is_set_aside_and_nobody_is_answered() -> None:
    group = open_group([message(encode_batch(batch()), "somnolink/v1/home/up/x/ecg")], 7)
    [rejected] = group.rejected
    assert (rejected.reason, rejected.gateway, rejected.received_ms) == ("bad_topic", "", 7)
    assert (group.good, group.acks()) == ([], {})


def test_a_bad_part_is_set_aside_with_its_own_bytes_and_its_gateway_told_if_it_has_a_name() -> None:
    named = cbor2.dumps(cbor2.loads(encode_batch(batch(seq=1))) | {"last": 3})
    group = open_group([message(encode_batch(batch()) + named), message(b"\xff")], 7)
    assert [(part.reason, part.payload) for part in group.rejected] == [
        ("bad_message", named),
        ("bad_message", b"\xff"),
    ]
    assert [arrived.batch.seq for arrived in group.good] == [0]
    assert group.acks() == {"home": [Ack(DEVICE, SESSION, "set_aside", seqs=(1,))]}


INFINITE: dict[str, Any] = {"columns": {"spo2": np.array([97, np.inf], "<f4")}}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"device": "plx-1"}, f"batch of plx-1 on the topic of {DEVICE}"),
        ({"kind": "wear"}, "batch of kind wear on the topic of oximetry"),
        (INFINITE, "column spo2 holds an infinite value"),
        ({"columns": {"pulse": np.array([-np.inf], "<f4")}}, "column pulse holds an infinite value"),
    ],
)
def test_a_batch_that_does_not_fit_its_topic_or_no_store_could_hold_is_set_aside(
    fields: dict[str, Any], words: str
) -> None:
    wrong = batch(**fields)
    group = open_group([message(encode_batch(wrong) + encode_batch(batch(seq=1)))], 7)
    assert reject_infinite(group) == words.endswith("infinite value")
    assert not reject_infinite(group)
    [rejected] = group.rejected
    assert (rejected.reason, rejected.detail) == ("bad_batch", words)
    assert decode_batch(rejected.payload) == wrong
    assert [arrived.batch.seq for arrived in group.good] == [1]
    [ack] = group.acks()["home"]
    assert (ack.device, ack.result, ack.seqs) == (wrong.device, "set_aside", (0,))


def test_nan_is_a_missing_value_and_good() -> None:
    assert len(open_group([message(encode_batch(batch(columns={"spo2": np.full(2, np.nan, "<f4")})))], 7).good) == 1


@pytest.mark.parametrize("refusal", list(Refusal))
def test_each_batch_of_a_device_that_a_gateway_may_not_speak_for_is_set_aside_whole(refusal: Refusal) -> None:
    sent = [batch(seq=seq, size=4000) for seq in range(4)]
    group = open_group([message(b"".join(map(encode_batch, sent)))], 7)
    authorise(group, {("home", DEVICE): refusal})
    assert group.good == []
    assert {part.reason for part in group.rejected} == {refusal.value}
    # each by itself: the records keep the first 64 KiB of what is set aside
    assert [decode_batch(part.payload) for part in group.rejected] == sent
    # a revoked home is not answered: it keeps what it has for the day on which it is let in again
    answered = (
        {} if refusal is Refusal.REVOKED_GATEWAY else {"home": [Ack(DEVICE, SESSION, "set_aside", seqs=(0, 1, 2, 3))]}
    )
    assert group.acks() == answered


def test_sessions_revisions_results_and_gateways_are_answered_apart() -> None:
    group = open_group([], 7)
    group.answer("home", (DEVICE, "a", 0, 1), "stored")
    group.answer("home", (DEVICE, "a", 1, 1), "stored")
    group.answer("home", (DEVICE, "a", 0, 2), "set_aside")
    group.answer("away", (DEVICE, "b", 0, 3), "stored")
    assert group.acks() == {
        "home": [
            Ack(DEVICE, "a", "stored", seqs=(1,)),
            Ack(DEVICE, "a", "stored", seqs=(1,), revision=1),
            Ack(DEVICE, "a", "set_aside", seqs=(2,)),
        ],
        "away": [Ack(DEVICE, "b", "stored", seqs=(3,))],
    }


@pytest.mark.parametrize(("dt_ms", "kept"), [(1, True), (20, True), (21, False), (1000, False), (None, False)])
def test_a_waveform_is_even_and_quick_enough_for_a_heartbeat(dt_ms: int | None, kept: bool) -> None:
    t_ms = np.array([0, 30], "<i4") if dt_ms is None else None
    columns = {"pressure": np.zeros(2, "<i2")}
    sent = Batch("bed-0", "waveform", "live", SESSION, 0, 0, columns, ClockInfo("arrival", 50), dt_ms=dt_ms, t_ms=t_ms)
    group = open_group([message(encode_batch(sent), topics.batch("home", "bed-0", "waveform"))], 7)
    assert ([arrived.batch for arrived in group.good] == [sent]) is kept
    assert [(one.reason, "20 ms or more often" in one.detail) for one in group.rejected] == (
        [] if kept else [("bad_batch", True)]
    )

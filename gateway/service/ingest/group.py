"""A group of messages as ingest sees it: what is good, what is set aside and why, and what to answer. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.errors import WireError
from gateway.service.records import Device, Refusal, Rejected
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import decode_message, encode_batch
from gateway.wire.columns import infinite_column
from gateway.wire.messages import WAVEFORM_PERIOD_MS, Ack, Batch, Result

Name = tuple[str, str, int, int]


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A good batch and the gateway that brought it."""

    gateway: str
    topic: str
    batch: Batch


@dataclass(slots=True)
class Group:
    """Messages that share a commit.

    Attributes
    ----------
    good : list of Arrived
        In the order they came.
    rejected : list of Rejected
        To be set aside; none of them is lost.
    devices : mapping
        The devices of the good batches, by id.
    answers : mapping
        gateway -> (device, session, revision, result) -> seqs.
    """

    messages: Sequence[Message]
    received_ms: int
    good: list[Arrived] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    answers: dict[str, dict[tuple[str, str, int, Result], list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def answer(self, gateway: str, name: Name, result: Result) -> None:
        """Note what is to be said of a batch once all is on disk."""
        device, session, revision, seq = name
        self.answers[gateway][device, session, revision, result].append(seq)

    def reject(self, gateway: str, topic: str, reason: str, detail: str, payload: bytes, name: Name | None) -> None:
        """Set a message, or a part of it, aside; its gateway is told if the part's name is known."""
        self.rejected.append(Rejected(self.received_ms, gateway, topic, reason, detail, payload))
        if name is not None:
            self.answer(gateway, name, "set_aside")

    def reject_batch(self, arrived: Arrived, reason: str, detail: str, *, answered: bool = True) -> None:
        """Set one batch aside, by itself: a message of many would be cut off where the records keep no more."""
        payload = encode_batch(arrived.batch)
        name = arrived.batch.name if answered else None
        self.reject(arrived.gateway, arrived.topic, reason, detail, payload, name)

    def acks(self) -> dict[str, list[Ack]]:
        """The acknowledgements by gateway."""
        return {
            gateway: [
                Ack(device, session, result, seqs=tuple(seqs), revision=revision)
                for (device, session, revision, result), seqs in sessions.items()
            ]
            for gateway, sessions in self.answers.items()
        }


def open_group(messages: Sequence[Message], received_ms: int) -> Group:
    """Decode messages and check what a batch says against the topic that it came on."""
    group = Group(messages, received_ms)
    for message in messages:
        try:
            topic = topics.parse_batch(message.topic)
        except WireError as error:
            group.reject("", message.topic, "bad_topic", str(error), message.payload, None)
            continue
        batches, refused = decode_message(message.payload)
        for part in refused:
            group.reject(topic.gateway, message.topic, "bad_message", part.reason, part.payload, part.name)
        for batch in batches:
            problem = _problem(batch, topic)
            if problem is not None:
                group.reject_batch(Arrived(topic.gateway, message.topic, batch), "bad_batch", problem)
            else:
                group.good.append(Arrived(topic.gateway, message.topic, batch))
    return group


def _problem(batch: Batch, topic: topics.BatchTopic) -> str | None:
    if batch.device != topic.device:
        return f"batch of {batch.device} on the topic of {topic.device}"
    if batch.kind != topic.kind:
        return f"batch of kind {batch.kind} on the topic of {topic.kind}"
    if batch.kind == "waveform" and (batch.dt_ms is None or batch.dt_ms > WAVEFORM_PERIOD_MS):
        every = "at uneven times" if batch.dt_ms is None else f"every {batch.dt_ms} ms"
        return f"a waveform has an even sample every {WAVEFORM_PERIOD_MS} ms or more often, not {every}"
    return None


def reject_infinite(group: Group) -> bool:
    """Set batches with an infinite value aside; whether there were any. The store refuses a group that has one."""
    if infinite_column([arrived.batch for arrived in group.good]) is None:
        return False
    finite = []
    for arrived in group.good:
        found = infinite_column([arrived.batch])
        if found is None:
            finite.append(arrived)
        else:
            group.reject_batch(arrived, "bad_batch", f"column {found[1]} holds an infinite value")
    group.good = finite
    return True


def authorise(group: Group, verdicts: Mapping[tuple[str, str], Device | Refusal]) -> None:
    """Set aside what a gateway may not send, and note the devices that the others are of.

    A revoked gateway is not answered: what it holds it goes on holding, and sends again if it is let in again.
    """
    allowed: list[Arrived] = []
    for arrived in group.good:
        verdict = verdicts[arrived.gateway, arrived.batch.device]
        if isinstance(verdict, Refusal):
            revoked = verdict is Refusal.REVOKED_GATEWAY
            detail = f"gateway {arrived.gateway} may not speak for {arrived.batch.device}"
            if revoked:
                detail = f"gateway {arrived.gateway} was revoked"
            group.reject_batch(arrived, verdict.value, detail, answered=not revoked)
        else:
            group.devices[verdict.id] = verdict
            allowed.append(arrived)
    group.good = allowed


def refuse_erased(group: Group, rest: Callable[[Batch], Batch | None]) -> int:
    """Take out what is of an erased time; returns how many samples that were.

    Nothing of it is kept. Its gateway is told that it is no more than set aside, and lets go of it.

    Parameters
    ----------
    rest : callable
        What of a batch may be kept.
    """
    kept: list[Arrived] = []
    gone = 0
    for arrived in group.good:
        left = rest(arrived.batch)
        gone += arrived.batch.size - (0 if left is None else left.size)
        if left is None:
            group.answer(arrived.gateway, arrived.batch.name, "set_aside")
        else:
            kept.append(arrived if left is arrived.batch else Arrived(arrived.gateway, arrived.topic, left))
    group.good = kept
    return gone

"""What comes from elsewhere than a device: the wire's messages and topics, and advertisements of whoever is near."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from gateway.errors import ProtocolError, WireError
from gateway.home.devices.driver import Sighting
from gateway.home.devices.registry import drivers, match
from gateway.wire.codec import (
    GatewayStatus,
    ServiceStatus,
    decode_acks,
    decode_batch,
    decode_gateway_status,
    decode_message,
    decode_service_status,
    encode_acks,
    encode_batch,
    encode_status,
)
from gateway.wire.feed import decode_event
from gateway.wire.messages import Ack, Batch, ClockInfo
from gateway.wire.topics import batch as batch_topic
from gateway.wire.topics import parse_batch

Target = Callable[[bytes], object]


def _refusing(decode: Target) -> Target:
    """The wire's own error in place of the protocols'."""

    def target(data: bytes) -> object:
        try:
            return decode(data)
        except WireError as error:
            raise ProtocolError(str(error)[:300].splitlines()[0]) from None

    return target


def _batch(data: bytes) -> object:
    """What is taken for a batch is one that can be sent on, and comes back the same."""
    batch = decode_batch(data)
    assert decode_batch(encode_batch(batch)) == batch
    return batch


def _message(data: bytes) -> object:
    batches, refused = decode_message(data)
    assert len(batches) + len(refused) > 0 or not data
    return batches, refused


def _topic(data: bytes) -> object:
    return parse_batch(data.decode("utf-8", "replace"))


def _advertisement(data: bytes) -> object:
    """One from anybody: a name, services of ours and of others, a maker's data."""
    services = sorted({service for driver in drivers() for service in driver.services})
    chosen = {services[byte % len(services)] for byte in data[:2]}
    name = data[2:34].decode("utf-8", "replace")
    maker = {int.from_bytes(data[34:36], "little"): data[36:]} if len(data) > 36 else {}
    return match(Sighting("C4:00:00:00:00:01", name, -60, frozenset(chosen), maker))


WIRE: Final[Mapping[str, Target]] = {
    "wire-batch": _refusing(_batch),
    "wire-message": _refusing(_message),
    "wire-acks": _refusing(decode_acks),
    "wire-gateway-status": _refusing(decode_gateway_status),
    "wire-service-status": _refusing(decode_service_status),
    "wire-event": _refusing(decode_event),
    "wire-topic": _refusing(_topic),
    "advertisement": _advertisement,
}


def wire_seeds() -> list[bytes]:
    """One good message of each."""
    batch = Batch(
        device="o2ring-1",
        kind="oximetry",
        origin="stored",
        session="s",
        seq=0,
        t0_ms=1_790_114_400_000,
        dt_ms=4_000,
        columns={"spo2": np.array([97.0, np.nan], "<f4"), "flags": np.zeros(2, "<u2")},
        clock=ClockInfo("anchors", 500, boot=1, tick0=4),
    )
    status = GatewayStatus(online=True, since_ms=1, version="1", pending=3, notices=["outbox_full"], counters={"a": 1})
    event = (
        b'{"id":1,"clinic":"c","event":"raised","alert":"a","rule":"r","state":"open","severity":"high","grade":1,'
        b'"patient":null,"device":null,"gateway":null,"at_ms":1,"recorded_ms":2,"late":false,"withdrawn":false,'
        b'"message":"m","evidence":{"from_ms":1,"to_ms":2,"values":{"spo2_pct":84.5}},"link":"l","v":1}'
    )
    return [
        encode_batch(batch),
        encode_batch(batch) * 2,
        encode_acks([Ack("o2ring-1", "s", "stored", up_to=4), Ack("o2ring-1", "s", "set_aside", seqs=(1, 2))]),
        encode_status(status),
        encode_status(ServiceStatus(online=True, instance="i", since_ms=1)),
        event,
        batch_topic("home", "o2ring-1", "oximetry").encode(),
        b"\0\1O2Ring 1234",
    ]

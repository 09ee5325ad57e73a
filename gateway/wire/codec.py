"""Bytes of the wire: batches as CBOR with RFC 8746 typed arrays, all that people read as JSON."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import cbor2
import msgspec
import numpy as np

from gateway.errors import WireError
from gateway.wire.messages import MAX_COUNT, VERSION, Ack, Array, Batch, ClockInfo, shown
from gateway.wire.presence import MAX_DEVICES, DeviceStatus, RadioState, Whole, Words

MAX_MESSAGE_BYTES: Final = 512 * 1024
"""A longer message is refused before it is parsed."""

MAX_BATCHES: Final = 256
"""The most batches a message may hold; gateways pack far fewer."""

_TAG_OF: Final[Mapping[np.dtype[Any], int]] = {
    np.dtype("u1"): 64,
    np.dtype("<u2"): 69,
    np.dtype("<u4"): 70,
    np.dtype("i1"): 72,
    np.dtype("<i2"): 77,
    np.dtype("<i4"): 78,
    np.dtype("<f4"): 85,
}
"""RFC 8746, section 2.1: the tag of each little-endian element type that our columns use."""

_DTYPE_OF: Final = {tag: dtype for dtype, tag in _TAG_OF.items()}


def _typed_array(array: Array) -> cbor2.CBORTag:
    return cbor2.CBORTag(_TAG_OF[array.dtype], array.tobytes())


def _from_tag(tag: cbor2.CBORTag, *_: object) -> object:
    """Read a typed array without a copy; any other tag is left for the checks to refuse."""
    dtype = _DTYPE_OF.get(tag.tag)
    value = tag.value
    if dtype is None or not isinstance(value, bytes) or len(value) % dtype.itemsize:
        raise WireError(f"tag {tag.tag} is no typed array of ours")
    return np.frombuffer(value, dtype)


def encode_batch(batch: Batch) -> bytes:
    """Encode a batch; a message holds one or, concatenated, several of one device and kind.

    Returns
    -------
    bytes
        One CBOR map (RFC 8949) with the fields of DESIGN, section Wire.
    """
    clock = batch.clock
    fields: dict[str, object] = {
        "v": VERSION,
        "device": batch.device,
        "kind": batch.kind,
        "origin": batch.origin,
        "session": batch.session,
        "revision": batch.revision,
        "seq": batch.seq,
        "last": batch.last,
        "t0_ms": batch.t0_ms,
        "columns": {name: _typed_array(column) for name, column in batch.columns.items()},
        "clock": {
            "source": clock.source,
            "uncertainty_ms": clock.uncertainty_ms,
            "boot": clock.boot,
            "tick0": clock.tick0,
        },
    }
    if batch.t_ms is not None:
        fields["t_ms"] = _typed_array(batch.t_ms)
    else:
        fields["dt_ms"] = batch.dt_ms
    return cbor2.dumps(fields)


_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Clock(msgspec.Struct):
    source: _Text
    uncertainty_ms: int
    boot: int | None = None
    tick0: int | None = None


class _Name(msgspec.Struct):
    """What an acknowledgement can say, and an outbox can hold."""

    device: _Text
    session: _Text
    revision: Annotated[int, msgspec.Meta(ge=0, lt=MAX_COUNT)]
    seq: Annotated[int, msgspec.Meta(ge=0, lt=MAX_COUNT)]


class _Fields(msgspec.Struct):
    """The fields of a batch with their types; `Batch` checks what they say."""

    v: int
    device: _Text
    kind: str
    origin: str
    session: _Text
    revision: int
    seq: int
    last: bool
    t0_ms: int
    columns: dict[str, np.ndarray[Any, np.dtype[Any]]]
    clock: _Clock
    dt_ms: int | None = None
    t_ms: np.ndarray[Any, np.dtype[Any]] | None = None


def decode_batch(payload: bytes) -> Batch:
    """Decode and check one batch; its columns are views of `payload`, not copies.

    Raises
    ------
    WireError
        The bytes are no batch of version 1; the text says what is wrong.
    """
    _check_size(payload)
    try:
        fields = cbor2.loads(payload, tag_hook=_from_tag)
    except Exception as error:  # a decoder fed by strangers: whatever it raises, the message is bad
        raise _not_cbor(error) from None
    return _batch_of(fields)


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a message that is no batch: why, its name as far as it could be read, and its bytes."""

    reason: str
    name: tuple[str, str, int, int] | None
    payload: bytes


def decode_message(payload: bytes) -> tuple[list[Batch], list[Refused]]:
    """Decode a message: a CBOR sequence (RFC 8742) of one batch or more, of one device and kind.

    Returns
    -------
    (list of Batch, list of Refused)
        What is good, and what is not. Where the bytes stop being maps, and behind `MAX_BATCHES`, the rest is one
        `Refused` without name: a hostile message costs no more than a good one.
    """
    batches: list[Batch] = []
    refused: list[Refused] = []
    try:
        _check_size(payload)
    except WireError as error:
        return [], [Refused(str(error), None, payload)]
    reader = io.BytesIO(payload)
    decoder = cbor2.CBORDecoder(reader, tag_hook=_from_tag)
    while (start := reader.tell()) < len(payload):
        if len(batches) + len(refused) == MAX_BATCHES:
            refused.append(Refused(f"more than {MAX_BATCHES} batches in a message", None, payload[start:]))
            break
        try:
            fields = decoder.decode()
        except Exception as error:  # as in decode_batch
            refused.append(Refused(str(_not_cbor(error)), None, payload[start:]))
            break
        try:
            batches.append(_batch_of(fields))
        except WireError as error:
            name = _name_of(fields)
            whole = isinstance(fields, dict)
            refused.append(Refused(str(error), name, payload[start : reader.tell()] if whole else payload[start:]))
            if not whole:
                break
    if not payload:
        refused.append(Refused("an empty message", None, b""))
    return batches, refused


def _check_size(payload: bytes) -> None:
    if len(payload) > MAX_MESSAGE_BYTES:
        raise WireError(f"message of {len(payload)} bytes is over the limit of {MAX_MESSAGE_BYTES}")


def _not_cbor(error: Exception) -> WireError:
    cause = error if isinstance(error, WireError) else error.__cause__
    return cause if isinstance(cause, WireError) else WireError(f"not CBOR: {_one_line(error)}")


def _name_of(fields: object) -> tuple[str, str, int, int] | None:
    """The name of a batch that is bad otherwise, so that its gateway can be told to keep it no longer."""
    try:
        name = msgspec.convert(fields, _Name)
    except (msgspec.ValidationError, ValueError):
        return None
    return name.device, name.session, name.revision, name.seq


def _batch_of(fields: object) -> Batch:
    if not isinstance(fields, dict):
        raise WireError("a message is one CBOR map")
    if "v" in fields and isinstance(fields["v"], int) and fields["v"] != VERSION:
        raise WireError(f"version {shown(fields['v'])} is not {VERSION}")
    try:
        known = msgspec.convert(fields, _Fields)
    except (msgspec.ValidationError, ValueError) as error:
        raise WireError(f"not a batch: {str(error)[:120]}") from None
    clock = known.clock
    return Batch(
        device=known.device,
        kind=known.kind,  # type: ignore[arg-type]  # Batch refuses what is no kind
        origin=known.origin,  # type: ignore[arg-type]  # and what is no origin
        session=known.session,
        revision=known.revision,
        seq=known.seq,
        last=known.last,
        t0_ms=known.t0_ms,
        dt_ms=known.dt_ms,
        t_ms=known.t_ms,
        columns=known.columns,
        clock=ClockInfo(clock.source, clock.uncertainty_ms, clock.boot, clock.tick0),
    )


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())}"[:120]


_Count = Annotated[int, msgspec.Meta(ge=0, lt=MAX_COUNT)]


class _AckMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    device: str
    session: str
    result: Literal["stored", "set_aside"]
    revision: _Count = 0
    up_to: _Count | None = None
    seqs: tuple[_Count, ...] = ()


class GatewayStatus(msgspec.Struct, frozen=True):
    """Retained presence of a gateway; the last will is the same with online = false.

    Attributes
    ----------
    since_ms : int
        UTC milliseconds of the connection (0 in a last will: the broker sends it, and has no clock of ours).
    pending : int
        Batches in the outbox that the service has not yet confirmed.
    notices : list of str
        What a person should know: `outbox_full`, `adapter_silent`, ...
    counters : dict
        Monotonic counts since the gateway's start: thinned_waveform, thinned_oximetry, refused_pulls, ...
    oldest_ms : int or None
        UTC milliseconds at which the batch was measured that has waited for longest; None: nothing waits.
    disk_free_bytes : int or None
        Room on the gateway's disk; None: not known.
    radio : str
        `ok`, `unavailable` (no adapter), `silent` (it hears nothing); empty: not known.
    clock_set : bool or None
        Whether something keeps the gateway's clock right; None: not known.
    clock_error_ms : int or None
        By how much the system believes that clock may be off; None: not known.
    devices : list of DeviceStatus
        The devices met since the start.
    """

    online: bool
    since_ms: Whole = 0
    version: Words = ""
    pending: Whole = 0
    notices: list[str] = msgspec.field(default_factory=list)
    counters: dict[str, int] = msgspec.field(default_factory=dict)
    oldest_ms: Whole | None = None
    disk_free_bytes: Whole | None = None
    radio: RadioState = ""
    clock_set: bool | None = None
    clock_error_ms: Whole | None = None
    devices: Annotated[list[DeviceStatus], msgspec.Meta(max_length=MAX_DEVICES)] = msgspec.field(default_factory=list)


class ServiceStatus(msgspec.Struct, frozen=True):
    """Retained presence of the service; `instance` changes with each start, so gateways know when to send again."""

    online: bool
    instance: str = ""
    since_ms: int = 0


_ack_decoder = msgspec.json.Decoder(list[_AckMessage])
_gateway_status_decoder = msgspec.json.Decoder(GatewayStatus)
_service_status_decoder = msgspec.json.Decoder(ServiceStatus)


def encode_acks(acks: list[Ack]) -> bytes:
    """Encode acknowledgements: a JSON list."""
    return msgspec.json.encode([_AckMessage(a.device, a.session, a.result, a.revision, a.up_to, a.seqs) for a in acks])


def decode_acks(payload: bytes) -> list[Ack]:
    """Decode acknowledgements; `WireError` if they are none."""
    try:
        messages = _ack_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"not an acknowledgement: {error}") from None
    return [Ack(m.device, m.session, m.result, m.up_to, m.seqs, m.revision) for m in messages]


def encode_status(status: GatewayStatus | ServiceStatus) -> bytes:
    """Encode a presence message as JSON."""
    return msgspec.json.encode(status)


def decode_gateway_status(payload: bytes) -> GatewayStatus:
    """Decode a gateway's presence; `WireError` if it is none."""
    try:
        return _gateway_status_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"not a gateway status: {error}") from None


def decode_service_status(payload: bytes) -> ServiceStatus:
    """Decode the service's presence; `WireError` if it is none."""
    try:
        return _service_status_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"not a service status: {error}") from None

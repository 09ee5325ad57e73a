"""The alert feed: what is published of each thing that happens to an alert. JSON, and nobody's name in it."""

from __future__ import annotations

import msgspec

from gateway.errors import WireError
from gateway.wire.messages import VERSION


class Evidence(msgspec.Struct, frozen=True):
    """What the data said: values by name (units in the names) over an interval, UTC milliseconds."""

    from_ms: int
    to_ms: int
    values: dict[str, float | str | None]


class FeedEvent(msgspec.Struct, frozen=True):
    """One event of the feed.

    Attributes
    ----------
    id : int
        Grows with each event of the service; delivered at least once, so the same id is the same event.
    event : str
        raised, changed, acknowledged, snoozed, snooze_ended, escalated, assigned, commented, resolved.
    alert : str
        Id of the alert; `link` leads to it.
    state, severity, grade
        Of the alert after the event.
    patient, device, gateway : str or None
        Opaque ids of what it is about.
    at_ms : int
        When it happened by the data's time; `recorded_ms` is when it was written down.
    late : bool
        Found by data that came after later data had been judged.
    withdrawn : bool
        It was raised, and by the data as they are now never was so.
    message : str
        For people; the text of comments is not told here.
    """

    id: int
    clinic: str
    event: str
    alert: str
    rule: str
    state: str
    severity: str
    grade: int
    patient: str | None
    device: str | None
    gateway: str | None
    at_ms: int
    recorded_ms: int
    late: bool
    withdrawn: bool
    message: str
    evidence: Evidence
    link: str
    v: int = VERSION


def encode_event(event: FeedEvent) -> bytes:
    """The event as JSON."""
    return msgspec.json.encode(event)


def decode_event(payload: bytes | str) -> FeedEvent:
    """Read an event.

    Raises
    ------
    WireError
        It is none of version 1.
    """
    try:
        event = msgspec.json.decode(payload, type=FeedEvent)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"not a feed event: {str(error)[:120]}") from None
    if event.v != VERSION:
        raise WireError(f"version {event.v} is not {VERSION}")
    return event

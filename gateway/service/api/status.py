"""What the running service tells the API about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How the part of the service that takes messages in is doing.

    Attributes
    ----------
    broker_ok : bool
        Connected to the MQTT broker and subscribed.
    broker_detail : str
        One line for a person, such as ``connected to localhost:8883``; no password.
    counters : mapping of str to int
        Totals since the start, exported as ``somnolink_{name}_total``; names in snake_case.
    gauges : mapping of str to float
        Values of now, exported as ``somnolink_{name}``.
    """

    broker_ok: bool
    broker_detail: str
    counters: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)

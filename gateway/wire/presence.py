"""What a gateway's presence says of its devices and its radio; `codec` has the message itself."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

RadioState = Literal["", "ok", "unavailable", "silent"]
ClockState = Literal["", "ok", "lost"]

MAX_DEVICES: Final = 256
"""The most devices that a presence may tell of; a home has a handful."""

MAX_WORDS: Final = 64
"""Letters of a model or firmware; a device of a stranger may have any."""

Words = Annotated[str, msgspec.Meta(max_length=MAX_WORDS, pattern=r"^[^\x00]*$")]
"""A database of text takes no NUL."""

Whole = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class DeviceStatus(msgspec.Struct, frozen=True):
    """What a gateway knows of one device it has met; None: it does not know.

    Attributes
    ----------
    contact_ms : int
        UTC milliseconds of the last contact.
    reachable : bool
        False while it is heard, but does not talk.
    battery_pct, voltage : float or None
        In % and V, as last told.
    boots : int or None
        How often the device has started.
    clock : str
        `ok`, or `lost`: it was never set, or forgot the time. Empty: the device keeps no time, or did not say.
    drift_ppm : float or None
        How fast its clock runs, against the gateway's.
    """

    device: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    contact_ms: Whole = 0
    reachable: bool = True
    model: Words = ""
    firmware: Words = ""
    battery_pct: float | None = None
    voltage: float | None = None
    boots: Whole | None = None
    clock: ClockState = ""
    drift_ppm: float | None = None

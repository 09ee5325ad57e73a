"""What can be wrong in a home, in a patient's words: the one table that the page, the doctor and the status share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """A condition told to a person.

    Attributes
    ----------
    title : str
        What is so, in a few words.
    meaning : str
        What it means for the nights.
    action : str
        What to do.
    """

    title: str
    meaning: str
    action: str


SAFE: Final = "Nothing is lost: the ring keeps its last nights, and they are fetched as soon as this is mended."

CONDITIONS: Final[Mapping[str, Words]] = {
    "adapter_unavailable": Words(
        "This box has no working Bluetooth.",
        SAFE,
        "Take the box off its power for ten seconds and plug it in again. If a Bluetooth stick is plugged in, take it "
        "out and put it back. If this message is still here after five minutes, call your contact.",
    ),
    "radio_silent": Words(
        "The box hears no Bluetooth device at all.",
        "It has restarted its Bluetooth already, which did not help. " + SAFE,
        "Put the box into the bedroom, away from metal and from the television, and press the ring's button or put it "
        "on. If this message stays, take the box off its power for ten seconds.",
    ),
    "no_device": Words(
        "The box has not met any of your devices yet.",
        "No night has been fetched since the box was started.",
        "Put the device on, or press its button, within three metres of the box, and close its app on every phone: it "
        "talks to one at a time.",
    ),
    "device_unreachable": Words(
        "The box hears the device but cannot talk to it.",
        SAFE,
        "Close the maker's app on every phone and tablet nearby. Put the device beside the box for five minutes, in "
        "its charger if it has one.",
    ),
    "device_not_heard": Words(
        "The box has not heard the device for more than a day and a half.",
        "If you wore it, its last nights are still in it, but it can keep only a few: please do not wait.",
        "Charge the device, put it on for a minute beside the box, take it off again, and leave it there for ten "
        "minutes.",
    ),
    "device_battery_low": Words(
        "The device's battery is nearly empty.",
        "It may not last the night.",
        "Charge it before you go to bed.",
    ),
    "broker_away": Words(
        "The box cannot reach the clinic.",
        "Your nights are kept in the box, for weeks if need be, and are sent when the connection is back.",
        "Look whether the internet works at home, and switch the router off and on. If it works elsewhere and this "
        "message is still here after an hour, call your contact.",
    ),
    "broker_refuses": Words(
        "The clinic does not let this box in.",
        "Your nights are kept in the box, for weeks if need be.",
        "Call your contact: the box may have to join the clinic anew, by a new code.",
    ),
    "outbox_nearly_full": Words(
        "The box is nearly full.",
        "It leaves new nights on the devices until it has sent what it holds.",
        "Bring back the internet connection: the box empties itself then.",
    ),
    "outbox_full": Words(
        "The box was full, and some readings had to go.",
        "Nights were thinned, or parts of them not taken. The clinic is told.",
        "Bring back the internet connection, and call your contact.",
    ),
    "disk_refuses": Words(
        "The box cannot write to its disk.",
        "Nights stay on the devices, which keep only the last few.",
        "Take the box off its power for ten seconds. If this message comes back, its memory card is worn out: call "
        "your contact soon, and do not delete anything.",
    ),
    "disk_low": Words(
        "There is little room left on the box's disk.",
        "When it is full, new nights stay on the devices.",
        "Free some room, or call your contact.",
    ),
    "set_aside": Words(
        "The clinic could not use some readings and has set them aside.",
        "They are kept, and somebody looks at them.",
        "Nothing to do for you.",
    ),
    "live_dropped": Words(
        "Some live readings were lost because the disk did not take them.",
        "What the ring stored itself is not affected.",
        "Call your contact if this comes again.",
    ),
    "clock_unset": Words(
        "The box does not know the time for certain.",
        "It gets the time from the internet. Nights are put right when it has it.",
        "Look whether the internet works at home.",
    ),
    "clock_stepped": Words(
        "The box's clock was wrong and has been put right.",
        "Live readings taken before carry the wrong time; stored nights are dated right.",
        "Nothing to do for you.",
    ),
    "settings_wrong": Words(
        "The box is set up wrongly.",
        "It cannot work like this.",
        "Call whoever set it up, and read out the line above.",
    ),
}

INFORMATION: Final = frozenset({"set_aside", "clock_stepped"})
"""Conditions that ask nothing of the patient."""

UNHEARD_MS: Final = 36 * 3_600_000
"""A device worn every night is heard every morning; a day and a half is one morning missed."""

LOW_BATTERY_PCT: Final = 20.0
"""A ring draws its whole battery in one to two nights: a fifth does not last one."""

LOW_DISK_BYTES: Final = 1 << 30
NO_BROKER_S: Final = 300.0
"""A restart of the clinic's broker or of a router takes less."""

NO_DEVICE_S: Final = 1_800.0


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What is known of a device.

    Attributes
    ----------
    name : str
        For a person; no serial number.
    battery_pct : float or None
    """

    device: str
    name: str
    last_contact_ms: int
    last_pull_ms: int = 0
    battery_pct: float | None = None
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """What the gateway knows of itself at a moment."""

    now_ms: int
    up_s: float
    radio: frozenset[str] = frozenset()
    devices: tuple[DeviceFacts, ...] = ()
    strangers_unreachable: int = 0
    broker_away_s: float = 0.0
    broker_refuses: bool = False
    pending: int = 0
    nearly_full: bool = False
    thinned: bool = False
    set_aside: bool = False
    live_dropped: bool = False
    disk_refuses: bool = False
    disk_free_bytes: int | None = None
    clock_set: bool = True
    clock_stepped: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One that holds; `name` is the device it is of, or empty."""

    code: str
    name: str = ""

    @property
    def words(self) -> Words:
        """What to tell."""
        return CONDITIONS[self.code]

    @property
    def wrong(self) -> bool:
        """Whether somebody should do something."""
        return self.code not in INFORMATION


def conditions_of(facts: HomeFacts) -> list[Condition]:
    """Return the conditions that hold, the gravest first."""
    unmet = not facts.devices and not facts.radio and facts.up_s >= NO_DEVICE_S
    checks = (
        ("disk_refuses", facts.disk_refuses),
        ("adapter_unavailable", "adapter_unavailable" in facts.radio),
        ("radio_silent", "radio_silent" in facts.radio),
        ("outbox_full", facts.thinned),
        ("outbox_nearly_full", facts.nearly_full and not facts.thinned),
        ("disk_low", facts.disk_free_bytes is not None and facts.disk_free_bytes < LOW_DISK_BYTES),
        ("broker_refuses", facts.broker_refuses),
        ("broker_away", facts.broker_away_s >= NO_BROKER_S and not facts.broker_refuses),
        ("no_device", unmet and not facts.strangers_unreachable),
        ("device_unreachable", facts.strangers_unreachable > 0),
    )
    found = [Condition(code) for code, holds in checks if holds]
    for device in facts.devices:
        found += [Condition(code, device.name) for code in _of_device(device, facts.now_ms)]
    notes = (
        ("clock_unset", not facts.clock_set),
        ("live_dropped", facts.live_dropped),
        ("clock_stepped", facts.clock_stepped),
        ("set_aside", facts.set_aside),
    )
    return found + [Condition(code) for code, holds in notes if holds]


def _of_device(device: DeviceFacts, now_ms: int) -> Iterable[str]:
    if not device.reachable:
        yield "device_unreachable"
    elif now_ms - device.last_contact_ms >= UNHEARD_MS:
        yield "device_not_heard"
    if device.battery_pct is not None and device.battery_pct < LOW_BATTERY_PCT:
        yield "device_battery_low"

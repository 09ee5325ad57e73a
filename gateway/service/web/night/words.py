"""A night in words: its name, how fresh it is, and what the figure shows to who does not see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from analytics.nights.records import UnusedReason
from gateway.service.views.night import STALE_MS
from gateway.service.views.night_values import NightAccount, NightState, Source, Span
from gateway.service.web.night.axis import clock
from gateway.service.web.night.figure import Frame
from gateway.service.web.parts import Tone, ago

STATES: Final[dict[NightState, tuple[Tone, str]]] = {
    "running": ("info", "Running"),
    "closed": ("good", "Complete"),
    "revised": ("good", "Complete, revised"),
    "empty": ("none", "No results"),
}

UNUSED: Final[dict[UnusedReason, str]] = {
    "another_device_counts": "another oximeter has more valid time",
    "same_time_twice": "the same time is told twice",
    "too_little_valid": "too little of it is valid",
}


def night_name(night: date) -> str:
    """Its evening and its morning, such as ``Night of Sat 28 March to Sun 29 March 2026``."""
    morning = night + timedelta(days=1)
    return f"Night of {night:%a} {night.day} {night:%B} to {morning:%a} {morning.day} {morning:%B} {morning.year}"


def short_name(night: date) -> str:
    """Such as ``Sat 28 Mar``."""
    return f"{night:%a} {night.day} {night:%b}"


def freshness(account: NightAccount) -> tuple[Tone, str]:
    """The night's state; while it runs, how old its last sample is, by the service's clock."""
    tone, text = STATES[account.state]
    if account.state != "running" or account.last_ms is None:
        return tone, text
    if account.now_ms - account.last_ms > STALE_MS:
        tone, text = "warning", "No new data"
    return tone, f"{text} · last sample {ago(account.last_ms, account.now_ms)}"


def without_contact(account: NightAccount) -> str:
    """What stands in the place of `freshness` once the service is out of reach: a time of day does not age."""
    if account.state != "running" or account.last_ms is None:
        return STATES[account.state][1]
    return f"No contact · last sample seen {clock(account.last_ms, account.zone, seconds=True, named=True)}"


def loaded(account: NightAccount) -> str:
    """From when what is shown is."""
    return f"What is shown was loaded at {clock(account.now_ms, account.zone, seconds=True, named=True)}."


def recorded(account: NightAccount) -> str:
    """From when to when there is anything, in the patient's zone."""
    if account.recorded_ms is None:
        return account.zone
    first, last = (
        clock(at, account.zone, named=True) for at in (account.recorded_ms.start_ms, account.recorded_ms.end_ms)
    )
    return f"{first} to {last} · {account.zone}"


def spoken(frame: Frame, account: NightAccount, view: Span) -> str:
    """What the figure says of itself to a screen reader."""
    start_ms, end_ms = max(view.start_ms, frame.start_ms), min(view.end_ms, frame.end_ms)
    lanes = ", ".join(lane.title.partition(" (")[0] for lane in frame.lanes)
    marked = sum(one.end_ms >= start_ms and one.start_ms <= end_ms for one in account.desaturations)
    events = f"{counted(marked, 'desaturation')} marked"
    return f"{lanes} from {clock(start_ms, account.zone)} to {clock(end_ms, account.zone)}, {events}"


def counted(count: int, what: str) -> str:
    """Such as ``1 desaturation`` or ``54 desaturations``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def duration(ms: float) -> str:
    """Such as ``42 s`` or ``2 min 5 s``."""
    seconds = round(ms / 1000)
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


def times(spans: Sequence[Span], zone: str) -> str:
    """Times of day, such as ``22:20 to 01:00, 01:40 to 07:30``."""
    return ", ".join(f"{clock(one.start_ms, zone)} to {clock(one.end_ms, zone)}" for one in spans)


def told_by(account: NightAccount) -> list[str]:
    """Which devices and analyses this is told by, and the times of what the figure marks as bands."""
    zone = account.zone
    said = [_told_by(source, account) for source in account.sources]
    counted = [one for one in account.worn if not one.suspect]
    if counted:
        said.append(f"MAD in the mouth: {times(counted, zone)}.")
    said += [
        f"Suspect wear, not counted: {times([one], zone)} ({', '.join(one.suspect)})."
        for one in account.worn
        if one.suspect
    ]
    if account.unrecorded:
        said.append(f"No data of the recorder: {times(account.unrecorded, zone)}; neither worn nor not worn.")
    if account.missing_h is not None:
        said.append(f"Oximetry without a valid SpO2: {account.missing_h * 60:.0f} min.")
    if account.disturbances:
        said.append(f"{len(account.disturbances)} disturbances of breath, by the bed sensor.")
    return said


def _told_by(source: Source, account: NightAccount) -> str:
    """One device with its analysis."""
    span = f"{clock(source.start_ms, account.zone)} to {clock(source.end_ms, account.zone)}"
    unused = "" if source.unused is None else f"; not shown: {UNUSED[source.unused]}"
    return (
        f"{source.model} ({source.device}), {span}: analysis profile {source.profile}, version {source.version}, "
        f"{STATES[source.state.value][1].lower()}{unused}."
    )

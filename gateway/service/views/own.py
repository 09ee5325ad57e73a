"""What a patient sees of oneself, in plain words: no index, no class, no alarm; what works, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from analytics.adherence.follow_up import FollowUp, Kind
from analytics.nights.records import PatientNight
from gateway.service.exchange.imports.commit import FAMILY
from gateway.service.exchange.report.follow_up import as_rule
from gateway.service.nights import local_date, night_of
from gateway.service.patient_nights import patient_nights
from gateway.service.records import Device, Patient, Records, SideEffect

WEEK: Final = 7
HOUR_MS: Final = 3_600_000
LOW_BATTERY_PCT: Final = 20.0
SHORT_H: Final = 4.0
"""Below, a recording is called short: the clinic leaves it out of its means."""

DeviceState = Literal["fine", "battery", "late", "never"]
What = Literal["mouth guard", "bed sensor", "blood pressure meter", "oxygen sensor"]

_WHAT: Final[dict[str, What]] = {"mad": "mouth guard", "bed": "bed sensor", "bp": "blood pressure meter"}
_WAKE: Final[dict[What, str]] = {
    "mouth guard": "Put the mouth guard next to the box by your bed for an hour.",
    "bed sensor": "Check that the plug of the bed sensor is in the wall.",
    "blood pressure meter": "Measure once while you sit near the box.",
    "oxygen sensor": "Wear the sensor for a minute near the box, so that it wakes up.",
}
_CHARGE: Final[dict[What, str]] = {
    "mouth guard": "Its battery cannot be charged at home. Tell your clinic.",
    "bed sensor": "Check that the plug of the bed sensor is in the wall.",
    "blood pressure meter": "Put new batteries in.",
    "oxygen sensor": "Charge it today.",
}
_BOX: Final = " Check that the light of the box is on. If nothing has come by tomorrow, call your clinic."
_APPOINTMENTS: Final = {
    Kind.STUDY: "A night with a sleep test, with the mouth guard in",
    Kind.DENTIST: "A visit to your dentist",
    Kind.PHYSICIAN: "A visit to your sleep doctor",
}


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """One device: whether it is heard of, and what to do if not (empty: nothing)."""

    device: str
    what: What
    state: DeviceState
    heard_ms: int | None
    battery_pct: float | None
    advice: str


@dataclass(frozen=True, slots=True)
class OwnNight:
    """How a night was."""

    night: date
    is_last: bool
    recorded_h: float | None
    worn_h: float | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoalDay:
    """One night of the week; `hours` None: nothing is known yet, which is not "not worn"."""

    night: date
    hours: float | None
    reached: bool | None


@dataclass(frozen=True, slots=True)
class Goal:
    """Hours of wear that are aimed at, and the last seven nights."""

    goal_h: float
    days: tuple[GoalDay, ...]
    reached: int
    known: int
    words: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """What comes next; `day` is from when on it is time."""

    what: str
    day: date
    words: str


@dataclass(frozen=True, slots=True)
class OwnView:
    """The patient's own page.

    Attributes
    ----------
    syncing : bool or None
        Whether every device is heard of; None without devices.
    words : str
        The same, said.
    night : OwnNight or None
        The last with data.
    goal : Goal or None
        None without a mouth guard.
    clinic, teams
        Whom to ask.
    """

    patient: str
    zone: str
    now_ms: int
    syncing: bool | None
    words: str
    devices: tuple[OwnDevice, ...]
    night: OwnNight | None
    goal: Goal | None
    appointments: tuple[Appointment, ...]
    clinic: str
    teams: tuple[str, ...]
    side_effects: tuple[SideEffect, ...]


def own_view(records: Records, patient: Patient, *, now_ms: int) -> OwnView:
    """Put the patient's own page together.

    Raises
    ------
    StoreUnavailableError
        The records do not answer.
    """
    thresholds = records.thresholds.in_force(patient.clinic, patient.id)
    held = [one for one in records.assignments.list(patient=patient.id) if one.holds_at(now_ms)]
    since_ms = {one.device: one.from_ms for one in held}
    known = [one for one in records.devices.get_many(since_ms).values() if one.family != FAMILY]
    late_ms = round(thresholds["device_silent"]["hours"] * HOUR_MS)
    devices = tuple(device_words(one, since_ms[one.id], late_ms, now_ms) for one in sorted(known, key=lambda d: d.id))
    last = night_of(now_ms, patient.zone)
    nights = patient_nights(records, patient, last - timedelta(days=2 * WEEK), last)
    goal_h = thresholds["wear_short"]["goal_h"]
    has_guard = any(one.what == "mouth guard" for one in devices)
    steps, marks = records.treatment.steps(patient.id), records.follow_ups.of([patient.id]).get(patient.id, [])
    today = local_date(now_ms, patient.zone)
    syncing = all(one.state in ("fine", "battery") for one in devices) if devices else None
    return OwnView(
        patient=patient.id,
        zone=patient.zone,
        now_ms=now_ms,
        syncing=syncing,
        words=_sync_words(devices),
        devices=devices,
        night=night_words(nights, last, goal_h if has_guard else None),
        goal=goal(nights, last, goal_h) if has_guard else None,
        appointments=appointments(as_rule(steps, marks, today), today),
        clinic=next((one.name for one in records.people.clinics() if one.id == patient.clinic), patient.clinic),
        teams=tuple(one.name for one in records.teams.list(patient.clinic) if patient.id in one.patients),
        side_effects=tuple(records.treatment.side_effects(patient.id)[::-1][:WEEK]),
    )


def device_words(device: Device, given_ms: int, late_ms: int, now_ms: int) -> OwnDevice:
    """How a device does.

    Parameters
    ----------
    given_ms : int
        Since when the patient has it, UTC ms: what was heard of it before was another's.
    late_ms : int
        Not heard of for longer than this is late.
    """
    what = _WHAT.get(device.family, "oxygen sensor")
    heard_ms = device.last_contact_ms if device.last_contact_ms >= given_ms else None
    state: DeviceState = "fine"
    advice = ""
    if now_ms - (given_ms if heard_ms is None else heard_ms) > late_ms:
        state, advice = "late", _WAKE[what] + _BOX
    elif heard_ms is None:
        state, advice = "never", "It is new. Use it tonight; its first night shows here in the morning."
    elif device.battery_pct is not None and device.battery_pct <= LOW_BATTERY_PCT:
        state, advice = "battery", f"The battery is low ({device.battery_pct:.0f} %). {_CHARGE[what]}"
    return OwnDevice(device.id, what, state, heard_ms, device.battery_pct, advice)


def _sync_words(devices: Sequence[OwnDevice]) -> str:
    late = [one for one in devices if one.state == "late"]
    if not devices:
        return "You have no device yet. Your clinic gives you one."
    if late:
        names = " and ".join(sorted({f"your {one.what}" for one in late}))
        return f"We have not heard from {names} for a while. Below you see what to do."
    if any(one.state == "battery" for one in devices):
        return "Your data arrive. One battery needs you."
    if any(one.state == "never" for one in devices):
        return "All set for your first night."
    return "Everything works. Your data arrive."


def night_words(nights: Sequence[PatientNight], last: date, goal_h: float | None) -> OwnNight | None:
    """The last night with data, said in plain words.

    Parameters
    ----------
    last : date
        The night that it is, or that has just ended.
    goal_h : float or None
        None for who has no mouth guard.
    """
    told = [night for night in nights if night.valid_h > 0 or night.wear_h is not None or night.bedtime_ms is not None]
    if not told:
        return None
    night = told[-1]
    words = []
    recorded_h = night.valid_h or None
    if recorded_h is not None:
        words.append(f"Your oxygen sensor recorded {_hours(recorded_h)}.")
        if recorded_h < SHORT_H:
            words.append("That is short. Next time check that it sits well, and that it is charged.")
    if goal_h is not None:
        words.append(_worn_words(night, goal_h))
    return OwnNight(night.night, night.night >= last - timedelta(days=1), recorded_h, night.wear_h, tuple(words))


def _worn_words(night: PatientNight, goal_h: float) -> str:
    if night.wear_h is None:
        return "We do not know yet how long you wore your mouth guard. Put it next to the box, so that it can tell."
    if night.wear_h <= 0 and night.wear_state == "not_worn":
        return "Your mouth guard was not in. Tonight is a new night."
    said = f"You wore your mouth guard for {_hours(night.wear_h)}."
    if night.wear_h >= goal_h:
        return f"{said} You reached your goal of {goal_h:g} hours."
    if night.wear_state == "partial":
        return f"{said} It may have been more: some of its data are not here yet."
    return f"{said} Your goal is {goal_h:g} hours."


def goal(nights: Sequence[PatientNight], last: date, goal_h: float) -> Goal:
    """The last seven nights against the goal, the present one only once something is known of it."""
    hours = {night.night: night.wear_h for night in nights if night.wear_h is not None}
    end = last if last in hours else last - timedelta(days=1)
    dates = [end - timedelta(days=day) for day in range(WEEK - 1, -1, -1)]
    days = tuple(
        GoalDay(one, hours.get(one), None if one not in hours else bool((hours[one] or 0.0) >= goal_h)) for one in dates
    )
    known, reached = sum(day.reached is not None for day in days), sum(bool(day.reached) for day in days)
    if not known:
        words = f"Your goal is {goal_h:g} hours a night. As soon as your mouth guard tells, you see here how it goes."
    else:
        of = "the last 7 nights" if known == WEEK else "1 night" if known == 1 else f"{known} nights"
        words = f"You reached your goal of {goal_h:g} hours on {reached} of {of}."
        if reached == known:
            words += " Well done."
    return Goal(goal_h, days, reached, known, words)


def appointments(found: Sequence[FollowUp], today: date) -> tuple[Appointment, ...]:
    """What comes next, the nearest first."""
    told = []
    for one in found:
        if one.due is None:
            continue
        words = "It is time. Call your clinic to find a day." if one.due <= today else "Not yet: from this day on."
        told.append(Appointment(_APPOINTMENTS[one.kind], one.due, words))
    return tuple(sorted(told, key=lambda one: one.day))


def _hours(hours: float) -> str:
    """Such as ``6 hours 40 minutes``."""
    minutes = round(hours * 60)
    whole, rest = divmod(minutes, 60)
    parts = []
    if whole:
        parts.append("1 hour" if whole == 1 else f"{whole} hours")
    if rest or not whole:
        parts.append("1 minute" if rest == 1 else f"{rest} minutes")
    return " ".join(parts)

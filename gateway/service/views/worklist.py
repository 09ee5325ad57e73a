"""The worklist: who of the patients that somebody sees needs attention, and why, in order of urgency."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from analytics.adherence.follow_up import Mark, follow_ups
from gateway.errors import HiddenError
from gateway.service.access import Access, Principal
from gateway.service.nights import local_date, night_of, zone_info
from gateway.service.records import Alert, Records
from gateway.service.records.roster import Held, Listed
from gateway.service.views.recent import Recent, recent
from gateway.service.views.urgency import Reason, Urgency, in_order, of_alert, of_devices, of_follow_ups

Sort = Literal["urgency", "name", "last_night", "nights_14", "nights_30", "odi4", "burden", "wear", "heard"]

MOST_ALERTS: Final = 100_000
"""Open alerts that are looked at: far more than a service has."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A mean over the last two weeks, and over the two before; None where there are too few nights."""

    mean: float | None
    before: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One patient.

    Attributes
    ----------
    urgency : Urgency
        That of the most urgent reason.
    since_ms : int or None
        How long that reason has stood.
    reasons : tuple of Reason
        The most urgent first.
    last_night : date or None
        The last with data.
    nights_14, nights_30 : int
        Nights with data of the last 14 and 30.
    odi4, burden, wear_h : Moving
        4 % desaturation index (/h), hypoxic burden (% min/h), hours of wear a night.
    devices : tuple of str
        Those the patient has now.
    heard_ms : int or None
        When the one of these that has been silent for the longest was last heard of, UTC ms.
    battery_pct : float or None
        The lowest of these.
    teams : tuple of str
        Names of the caller's teams that care for the patient.
    """

    patient: str
    clinic: str
    name: str
    zone: str
    urgency: Urgency
    since_ms: int | None
    reasons: tuple[Reason, ...]
    last_night: date | None
    nights_14: int
    nights_30: int
    odi4: Moving
    burden: Moving
    wear_h: Moving
    devices: tuple[str, ...]
    heard_ms: int | None
    battery_pct: float | None
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TeamChoice:
    """A team that the list can be cut to."""

    id: str
    name: str
    patients: int


@dataclass(frozen=True, slots=True)
class Worklist:
    """The patients that somebody sees.

    Attributes
    ----------
    lines : tuple of Line
        Those asked for, in the order asked for.
    total, needing : int
        Of the lines: how many there are, and how many of them need attention.
    teams : tuple of TeamChoice
        The caller's.
    """

    now_ms: int
    lines: tuple[Line, ...]
    total: int
    needing: int
    teams: tuple[TeamChoice, ...]


def worklist(
    records: Records,
    access: Access,
    who: Principal,
    *,
    now_ms: int,
    team: str | None = None,
    sort: Sort = "urgency",
    descending: bool = False,
    search: str = "",
) -> Worklist:
    """Put the worklist together, in a number of queries that does not grow with the patients.

    Parameters
    ----------
    team : str or None
        Only patients of this team, which is one of the caller's.
    descending : bool
        The order of `sort` the other way round; what is not known stays last.
    search : str
        Only lines in which every one of these words stands, in any case: in name, id, reasons, devices, teams.

    Raises
    ------
    HiddenError
        The caller is not in such a team.
    StoreUnavailableError
        The records do not answer.
    """
    clinic = None if who.user is None else who.user.clinic
    seen = access.patients(who)
    teams = records.roster.teams(None if who.user is None else who.user.id)
    of_team = next((patients for key, _, patients in teams if key == team), None)
    if team is not None and of_team is None:
        raise HiddenError(f"no such team: {team}")
    listed = [
        one
        for one in records.roster.patients(clinic)
        if (seen is None or one.id in seen) and (of_team is None or one.id in of_team)
    ]
    lines = _lines(records, access, who, listed, clinic, now_ms, teams)
    words = search.lower().split()
    found = [line for line in lines if not words or _holds(line, words)]
    return Worklist(
        now_ms=now_ms,
        lines=tuple(_sorted(found, sort, descending=descending)),
        total=len(found),
        needing=sum(line.urgency > Urgency.NONE for line in found),
        teams=tuple(TeamChoice(key, name, len(patients)) for key, name, patients in teams),
    )


def _lines(
    records: Records,
    access: Access,
    who: Principal,
    listed: Sequence[Listed],
    clinic: str | None,
    now_ms: int,
    teams: Sequence[tuple[str, str, frozenset[str]]],
) -> list[Line]:
    places = {one.id: place for place, one in enumerate(listed)}
    held = [device for device in records.roster.held(clinic) if device.patient in places]
    zones = {one.zone for one in listed}
    tonight = {zone: night_of(now_ms, zone) for zone in zones}
    today = {zone: local_date(now_ms, zone) for zone in zones}
    numbers = recent(
        held, records.digests.of({device.device for device in held}), places, [tonight[one.zone] for one in listed]
    )
    having: dict[str, list[Held]] = {}
    without_ms = {one.id: one.created_ms for one in listed}
    for device in held:
        if device.to_ms is not None and device.to_ms <= now_ms:
            without_ms[device.patient] = max(without_ms[device.patient], device.to_ms)
        elif device.from_ms <= now_ms:
            having.setdefault(device.patient, []).append(device)
    reasons = _of_alerts(_alerts(records, access, who), having)
    steps, marks = records.roster.steps(clinic), records.follow_ups.of(None)
    names = {one.id: tuple(name for _, name, patients in teams if one.id in patients) for one in listed}
    lines = []
    for place, one in enumerate(listed):
        mine = having.get(one.id, [])
        why = reasons.get(one.id, [])
        if one.id in steps:
            noted = [Mark(mark.kind, mark.mark, mark.day) for mark in marks.get(one.id, [])]
            due = follow_ups(steps[one.id], noted, today[one.zone])
            why = why + of_follow_ups(due, today[one.zone], zone_info(one.zone))
        given_ms = [device.from_ms for device in mine]
        why = why + of_devices(given_ms, without_ms[one.id], now_ms, has_nights=bool(numbers.newest[place]))
        lines.append(_line(one, place, numbers, in_order(why), mine, names[one.id]))
    return lines


def _line(
    one: Listed, place: int, numbers: Recent, why: tuple[Reason, ...], mine: Sequence[Held], teams: tuple[str, ...]
) -> Line:
    newest = int(numbers.newest[place])
    batteries = [device.battery_pct for device in mine if device.battery_pct is not None]
    return Line(
        patient=one.id,
        clinic=one.clinic,
        name=one.name,
        zone=one.zone,
        urgency=why[0].urgency if why else Urgency.NONE,
        since_ms=why[0].since_ms if why else None,
        reasons=why,
        last_night=date.fromordinal(newest) if newest else None,
        nights_14=int(numbers.nights_14[place]),
        nights_30=int(numbers.nights_30[place]),
        odi4=_moving(numbers, "odi4", place),
        burden=_moving(numbers, "hypoxic_burden", place),
        wear_h=_moving(numbers, "wear_h", place),
        devices=tuple(device.device for device in mine),
        heard_ms=min((device.last_contact_ms for device in mine), default=None),
        battery_pct=min(batteries, default=None),
        teams=teams,
    )


def _moving(numbers: Recent, name: str, place: int) -> Moving:
    mean, before = float(numbers.means[name][place]), float(numbers.before[name][place])
    return Moving(None if math.isnan(mean) else mean, None if math.isnan(before) else before)


def _alerts(records: Records, access: Access, who: Principal) -> list[Alert]:
    """Open alerts that `who` sees; those of a home's gateway are for who sees the clinic's devices."""
    return records.alerts.list(
        open_only=True,
        clinic=None if who.user is None else who.user.clinic,
        among=access.patients(who),
        devices_of=access.clinic_of_devices(who),
        limit=MOST_ALERTS,
    )


def _of_alerts(alerts: Sequence[Alert], having: dict[str, list[Held]]) -> dict[str, list[Reason]]:
    """Reasons by patient; what a gateway says is a reason for each who has a device that reports by it."""
    homes: dict[str, set[str]] = {}
    for patient, devices in having.items():
        for one in devices:
            homes.setdefault(one.gateway, set()).add(patient)
    found: dict[str, list[Reason]] = {}
    for alert in alerts:
        about = {alert.patient} if alert.patient is not None else homes.get(alert.gateway or "", set())
        for patient in about:
            found.setdefault(patient, []).append(of_alert(alert))
    return found


def _holds(line: Line, words: Sequence[str]) -> bool:
    text = " ".join((line.name, line.patient, *(one.text for one in line.reasons), *line.devices, *line.teams)).lower()
    return all(word in text for word in words)


_BY: Final[dict[Sort, Callable[[Line], float | str | None]]] = {
    "name": lambda line: line.name.lower(),
    "last_night": lambda line: line.last_night.toordinal() if line.last_night else None,
    "nights_14": lambda line: line.nights_14,
    "nights_30": lambda line: line.nights_30,
    "odi4": lambda line: line.odi4.mean,
    "burden": lambda line: line.burden.mean,
    "wear": lambda line: line.wear_h.mean,
    "heard": lambda line: line.heard_ms,
}


def _sorted(lines: Sequence[Line], sort: Sort, *, descending: bool) -> list[Line]:
    """By name where the order asked for says nothing; what is not known stays last, whichever way round."""
    named = sorted(lines, key=lambda line: (line.name.lower(), line.patient))
    if sort == "urgency":
        usual = sorted(named, key=lambda line: (-line.urgency, line.since_ms or 0, -len(line.reasons)))
        return usual[::-1] if descending else usual
    by = _BY[sort]
    known = [line for line in named if by(line) is not None]
    known.sort(key=by, reverse=descending)  # type: ignore[arg-type]  # what is None was left out
    return known + [line for line in named if by(line) is None]

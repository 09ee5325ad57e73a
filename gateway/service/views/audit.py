"""The audit as the administrator of a clinic reads it: what its people did, and what programs did with what is its.

The audit is one chain over all clinics. An entry is a clinic's if one of its users made it, or if a program (a token
without a user) made it and it names the clinic, or a patient or device of it. What else there is stays unseen: other
clinics' entries, and attempts to sign in by names that are nobody's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.service.records import AuditEntry, Records

AT_ONCE: Final = 1_000
MOST_LOOKED_AT: Final = 50_000
"""Entries looked at for one answer; where nothing is found among them, the answer says where to go on."""

_WORDS: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is looked for; None: anything.

    Attributes
    ----------
    who : str or None
        The whole name of a user or token.
    named : str or None
        An id that an entry names, such as a patient's.
    from_ms, to_ms : int or None
        From, until before; UTC.
    before : int or None
        A number: what came earlier than that entry.
    """

    who: str | None = None
    action: str | None = None
    named: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, the latest first; `before` is where to go on, None at the end."""

    entries: tuple[AuditEntry, ...]
    before: int | None


def read_audit(records: Records, clinic: str, query: AuditQuery, *, limit: int = 100) -> AuditPage:
    """A clinic's entries, the latest first."""
    users = {one.id for one in records.users.list(clinic=clinic)}
    things = _things(records, clinic)
    found: list[AuditEntry] = []
    at, looked_at = query.before, 0
    while looked_at < MOST_LOOKED_AT:
        some = records.audit.before(
            at,
            who=query.who,
            action=query.action,
            named=query.named,
            from_ms=query.from_ms,
            to_ms=query.to_ms,
            limit=AT_ONCE,
        )
        for entry in some:
            mine = entry.account in users if entry.account else not things.isdisjoint(_WORDS.findall(entry.what))
            if mine:
                found.append(entry)
                if len(found) == limit:
                    return AuditPage(tuple(found), entry.number)
        if len(some) < AT_ONCE:
            return AuditPage(tuple(found), None)
        at, looked_at = some[-1].number, looked_at + len(some)
    return AuditPage(tuple(found), at)


def _things(records: Records, clinic: str) -> set[str]:
    """Ids by which an entry can name what is a clinic's."""
    clinics = records.people.gateway_clinics()
    patients = records.people.patients(clinic=clinic, archived=True, limit=1 << 31)
    devices = [one.id for one in records.devices.list() if clinics.get(one.gateway_id) == clinic]
    return {clinic, *(one.id for one in patients), *devices}

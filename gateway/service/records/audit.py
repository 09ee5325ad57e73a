"""The audit: who read or changed what, when, from where; each entry seals all before it.

An entry's hash is over its values and the hash of the one before: whoever changes, removes or inserts an entry has to
make every later hash anew. That the latest are there, only a number and hash that were noted elsewhere can show.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import Final

import msgspec
import sqlalchemy as sa

from gateway.errors import StoreError
from gateway.service.records.database import Database
from gateway.service.records.tables_audit import AuditRow

BEGINNING: Final = "0" * 64
"""Stands for the hash before the first entry."""

_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did.

    Attributes
    ----------
    number : int
        From 1, without a gap.
    who : str
        Name of the user or of the program's token.
    account : str or None
        Id of the user.
    address : str
        From where.
    action : str
        Of `gateway.service.access.Action`.
    what : str
        Method and path, which name patients by their opaque ids alone.
    """

    number: int
    at_ms: int
    who: str
    account: str | None
    address: str
    action: str
    what: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The number and hash of an entry; to be noted where the records are not."""

    number: int
    sha256: str


class Audit:
    """The audit in the records: it is added to and read, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, at_ms: int, who: str, account: str | None, address: str, action: str, what: str) -> AuditEntry:
        """Write an entry, durably. Writers take turns, so the next number is free."""
        with self._database.write() as session:
            last = session.scalars(sa.select(AuditRow).order_by(AuditRow.number.desc()).limit(1)).first()
            number, before = (1, BEGINNING) if last is None else (last.number + 1, last.sha256)
            entry = AuditEntry(number, at_ms, who[:255], account, address[:255], action, what)
            session.add(
                AuditRow(
                    number=number,
                    at_ms=at_ms,
                    who=entry.who,
                    account=account,
                    address=entry.address,
                    action=action,
                    what=what,
                    sha256=seal(before, entry),
                )
            )
        return entry

    def last(self) -> Seal:
        """The latest entry's seal; number 0 before the first."""
        with self._database.read() as session:
            row = session.scalars(sa.select(AuditRow).order_by(AuditRow.number.desc()).limit(1)).first()
            return Seal(0, BEGINNING) if row is None else Seal(row.number, row.sha256)

    def after(self, number: int, *, limit: int = 200) -> list[AuditEntry]:
        """Entries behind a number, in order."""
        return [entry for entry, _ in self._read(number, limit)]

    def before(
        self,
        number: int | None = None,
        *,
        who: str | None = None,
        action: str | None = None,
        named: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        limit: int = 200,
    ) -> list[AuditEntry]:
        """Entries before a number (None: from the latest on), the latest first.

        Parameters
        ----------
        who : str or None
            The whole name.
        named : str or None
            An id that stands in `what`.
        from_ms, to_ms : int or None
            From, until before; UTC.
        """
        statement = sa.select(AuditRow).order_by(AuditRow.number.desc()).limit(limit)
        for wanted, condition in (
            (number, AuditRow.number < (number or 0)),
            (who, AuditRow.who == who),
            (action, AuditRow.action == action),
            (named, AuditRow.what.contains(named or "", autoescape=True)),
            (from_ms, AuditRow.at_ms >= (from_ms or 0)),
            (to_ms, AuditRow.at_ms < (to_ms or 0)),
        ):
            if wanted is not None:
                statement = statement.where(condition)
        with self._database.read() as session:
            return [_entry(row) for row in session.scalars(statement)]

    def verify(self, noted: Seal | None = None) -> Seal:
        """Go through every entry; return the latest one's seal.

        Parameters
        ----------
        noted : Seal or None
            Of an earlier time: the entry must be there still, with that hash.

        Raises
        ------
        StoreError
            If an entry was changed, removed or put in; the text says where.
        """
        at = Seal(0, BEGINNING)
        holds = noted is None or noted == at
        while found := self._read(at.number, _AT_ONCE):
            for entry, sha256 in found:
                if entry.number != at.number + 1 or sha256 != seal(at.sha256, entry):
                    raise StoreError(f"the audit was changed: entry {at.number + 1} is not as it was written")
                at = Seal(entry.number, sha256)
                holds = holds or at == noted
        if not holds:
            raise StoreError("the audit was changed: the entry that was noted is not there as it was")
        return at

    def _read(self, number: int, limit: int) -> list[tuple[AuditEntry, str]]:
        statement = sa.select(AuditRow).where(AuditRow.number > number).order_by(AuditRow.number).limit(limit)
        with self._database.read() as session:
            return [(_entry(row), row.sha256) for row in session.scalars(statement)]


def seal(before: str, entry: AuditEntry) -> str:
    """SHA-256, hex, of an entry behind one of hash `before`."""
    return hashlib.sha256(msgspec.json.encode([before, *astuple(entry)])).hexdigest()


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.number, row.at_ms, row.who, row.account, row.address, row.action, row.what)

"""Homes in the records: one-time codes, which gateway may speak, and what is needed to make its account again."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables import GatewayRow
from gateway.service.records.tables_homes import JoinCodeRow
from gateway.service.records.tables_people import ClinicRow
from gateway.service.records.values_homes import Account, Home, JoinCode


class Homes:
    """Joining homes and their accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_code(
        self, sha256: str, *, clinic: str, gateway: str, name: str, made_by: str, created_ms: int, expires_ms: int
    ) -> JoinCode:
        """Keep a code by its hash. Codes for the same gateway that are still open are withdrawn: one is the way in.

        Raises
        ------
        StoreRejectedError
            If there is no such clinic, or the gateway is another clinic's.
        """
        row = JoinCodeRow(
            sha256=sha256,
            id=f"j-{secrets.token_hex(6)}",
            clinic_id=clinic,
            gateway_id=gateway,
            name=name,
            made_by=made_by,
            created_ms=created_ms,
            expires_ms=expires_ms,
        )
        with self._database.write() as session:
            if session.get(ClinicRow, clinic) is None:
                raise StoreRejectedError(f"no such clinic: {clinic}")
            known = session.get(GatewayRow, gateway)
            if known is not None and known.clinic_id != clinic:
                raise StoreRejectedError(f"no such home: {gateway}")
            session.execute(
                sa.update(JoinCodeRow)
                .where(
                    JoinCodeRow.gateway_id == gateway,
                    JoinCodeRow.used_ms.is_(None),
                    JoinCodeRow.withdrawn_ms.is_(None),
                )
                .values(withdrawn_ms=created_ms)
            )
            session.add(row)
        return _code(row)

    def codes(self, *, clinic: str | None = None) -> list[JoinCode]:
        """Codes that were made, the newest first."""
        statement = sa.select(JoinCodeRow).order_by(JoinCodeRow.created_ms.desc(), JoinCodeRow.id)
        if clinic is not None:
            statement = statement.where(JoinCodeRow.clinic_id == clinic)
        with self._database.read() as session:
            return [_code(row) for row in session.scalars(statement)]

    def code(self, code: str) -> JoinCode | None:
        """The code of that id; None if there is none."""
        with self._database.read() as session:
            row = session.scalars(sa.select(JoinCodeRow).where(JoinCodeRow.id == code)).first()
            return None if row is None else _code(row)

    def withdraw(self, code: str, *, at_ms: int) -> JoinCode:
        """Take a code back: nobody joins by it any more. Once more is the same as once.

        Raises
        ------
        StoreRejectedError
            If there is no such code.
        """
        with self._database.write() as session:
            row = session.scalars(sa.select(JoinCodeRow).where(JoinCodeRow.id == code)).first()
            if row is None:
                raise StoreRejectedError(f"no such code: {code}")
            if row.withdrawn_ms is None:
                row.withdrawn_ms = at_ms
            return _code(row)

    def redeem(self, sha256: str, box_sha256: str, *, salt: str, at_ms: int) -> JoinCode | None:
        """Let a box join by a code; None if it may not, for whatever reason.

        The first box makes the code its own: coming again before the code's end it is answered the same, and nobody
        else is. The gateway is the clinic's from then on, and may speak again if it was revoked.

        Parameters
        ----------
        salt : str
            New randomness for the gateway's password; the first time's is kept.
        """
        with self._database.write() as session:
            row = session.get(JoinCodeRow, sha256)
            if row is None or row.withdrawn_ms is not None or at_ms >= row.expires_ms:
                return None
            if row.used_ms is not None:
                return _code(row) if row.box_sha256 == box_sha256 and not _revoked(session, row) else None
            known = session.get(GatewayRow, row.gateway_id)
            if known is not None and known.clinic_id != row.clinic_id:  # given to another clinic since
                return None
            row.used_ms, row.box_sha256 = at_ms, box_sha256
            if known is None:
                known = GatewayRow(
                    id=row.gateway_id, name=row.name, clinic_id=row.clinic_id, first_seen_ms=at_ms, last_seen_ms=at_ms
                )
                session.add(known)
            known.name, known.joined_ms, known.revoked_ms, known.salt = row.name, at_ms, None, salt
            return _code(row)

    def homes(self, *, clinic: str | None = None) -> list[Home]:
        """Homes by id; of one clinic on request."""
        statement = sa.select(GatewayRow).order_by(GatewayRow.id)
        if clinic is not None:
            statement = statement.where(GatewayRow.clinic_id == clinic)
        with self._database.read() as session:
            return [_home(row) for row in session.scalars(statement)]

    def home(self, gateway: str) -> Home | None:
        """The home; None if there is none."""
        with self._database.read() as session:
            row = session.get(GatewayRow, gateway)
            return None if row is None else _home(row)

    def set_revoked(self, gateway: str, revoked_ms: int | None) -> Home:
        """Take nothing from a gateway from that moment on, or (None) let it in again. Codes for it are withdrawn.

        Raises
        ------
        StoreRejectedError
            If there is no such gateway.
        """
        with self._database.write() as session:
            row = session.get(GatewayRow, gateway)
            if row is None:
                raise StoreRejectedError(f"no such home: {gateway}")
            if revoked_ms is None or row.revoked_ms is None:
                row.revoked_ms = revoked_ms
            if revoked_ms is not None:
                session.execute(
                    sa.update(JoinCodeRow)
                    .where(JoinCodeRow.gateway_id == gateway, JoinCodeRow.withdrawn_ms.is_(None))
                    .values(withdrawn_ms=revoked_ms)
                )
            return _home(row)

    def revoked(self, gateway: str) -> bool:
        """Whether nothing is to be taken from a gateway."""
        with self._database.read() as session:
            return session.scalar(sa.select(GatewayRow.revoked_ms).where(GatewayRow.id == gateway)) is not None

    def accounts(self) -> list[Account]:
        """Every gateway that joined by a code."""
        with self._database.read() as session:
            rows = session.execute(
                sa.select(GatewayRow.id, GatewayRow.salt, GatewayRow.revoked_ms)
                .where(GatewayRow.salt.is_not(None))
                .order_by(GatewayRow.id)
            )
            return [Account(gateway, salt, revoked_ms is not None) for gateway, salt, revoked_ms in rows if salt]

    def account(self, gateway: str) -> Account | None:
        """What one gateway's account is made from; None if it never joined by a code."""
        with self._database.read() as session:
            row = session.get(GatewayRow, gateway)
            return None if row is None or row.salt is None else Account(row.id, row.salt, row.revoked_ms is not None)


def _revoked(session: Session, row: JoinCodeRow) -> bool:
    known = session.get(GatewayRow, row.gateway_id)
    return known is None or known.revoked_ms is not None


def _code(row: JoinCodeRow) -> JoinCode:
    return JoinCode(
        id=row.id,
        clinic=row.clinic_id,
        gateway=row.gateway_id,
        name=row.name,
        made_by=row.made_by,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        used_ms=row.used_ms,
        withdrawn_ms=row.withdrawn_ms,
    )


def _home(row: GatewayRow) -> Home:
    return Home(
        id=row.id,
        name=row.name,
        clinic=row.clinic_id,
        first_seen_ms=row.first_seen_ms,
        last_seen_ms=row.last_seen_ms,
        joined_ms=row.joined_ms,
        revoked_ms=row.revoked_ms,
    )

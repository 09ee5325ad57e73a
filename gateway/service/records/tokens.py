"""API tokens: found by the hash of their text."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables import ApiTokenRow
from gateway.service.records.values import ApiToken

ID_LENGTH: Final = 12
"""Hex digits of a token's hash that tell a user's few tokens apart, and open nothing."""


class Tokens:
    """API tokens in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        name: str,
        sha256: str,
        scopes: Collection[str],
        *,
        created_ms: int,
        expires_ms: int | None,
        user: str | None = None,
    ) -> ApiToken:
        """Keep a token's hash.

        Raises
        ------
        StoreRejectedError
            If there is a token of that name.
        """
        row = ApiTokenRow(
            sha256=sha256,
            name=name,
            scopes=sorted(scopes),
            created_ms=created_ms,
            expires_ms=expires_ms,
            account_id=user,
        )
        with self._database.write() as session:
            if session.scalars(sa.select(ApiTokenRow.sha256).where(ApiTokenRow.name == name)).first() is not None:
                raise StoreRejectedError("there is a token of that name")
            session.add(row)
        return _token(row)

    def find(self, sha256: str) -> ApiToken | None:
        """The token with that hash, expired or not; None if there is none."""
        with self._database.read() as session:
            row = session.get(ApiTokenRow, sha256)
            return None if row is None else _token(row)

    def remove(self, name: str) -> bool:
        """Revoke a token, at once; False if there was none of that name."""
        with self._database.write() as session:
            row = session.scalars(sa.select(ApiTokenRow).where(ApiTokenRow.name == name)).first()
            if row is not None:
                session.delete(row)
            return row is not None

    def remove_own(self, user: str, token: str) -> bool:
        """Revoke a user's token by its id, at once; False if the user has none such."""
        statement = sa.select(ApiTokenRow).where(ApiTokenRow.account_id == user)
        with self._database.write() as session:
            row = next((one for one in session.scalars(statement) if _token(one).id == token), None)
            if row is not None:
                session.delete(row)
            return row is not None

    def list(self, *, user: str | None = None) -> list[ApiToken]:
        """Every token, or a user's, by name."""
        statement = sa.select(ApiTokenRow).order_by(ApiTokenRow.name)
        if user is not None:
            statement = statement.where(ApiTokenRow.account_id == user)
        with self._database.read() as session:
            return [_token(row) for row in session.scalars(statement)]


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        row.name, frozenset(row.scopes), row.created_ms, row.expires_ms, row.account_id, row.sha256[:ID_LENGTH]
    )

"""Webhooks: whom to tell, and how far each has been told."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

import sqlalchemy as sa

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.feed import last_seq
from gateway.service.records.tables_alerts import WebhookRow
from gateway.service.records.tables_people import ClinicRow
from gateway.service.records.values_alerts import Webhook

LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class Webhooks:
    """Webhooks in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, clinic: str, url: str, secret_ref: str, *, at_ms: int) -> Webhook:
        """Tell an address of a clinic's alerts, from the next event on.

        Parameters
        ----------
        url : str
            ``https://...``; ``http://`` on this machine alone.
        secret_ref : str
            ``env:SOMNOLINK_WEBHOOK_...`` or ``file:/PATH``: where the secret is, never the secret.

        Raises
        ------
        StoreRejectedError
            If there is no such clinic, or address or reference are none.
        """
        check_url(url)
        check_reference(secret_ref)
        with self._database.write() as session:
            if session.get(ClinicRow, clinic) is None:
                raise StoreRejectedError(f"no such clinic: {clinic}")
            row = WebhookRow(
                id=f"w-{secrets.token_hex(6)}",
                clinic_id=clinic,
                url=url,
                secret_ref=secret_ref,
                created_ms=at_ms,
                seq=last_seq(session),
                tries=0,
                next_ms=0,
                given_up=0,
                problem="",
            )
            session.add(row)
        return _webhook(row)

    def remove(self, webhook: str) -> bool:
        """Tell an address no more; False if there was none of that id."""
        with self._database.write() as session:
            row = session.get(WebhookRow, webhook)
            if row is not None:
                session.delete(row)
            return row is not None

    def list(self, *, clinic: str | None = None, active: bool = False) -> list[Webhook]:
        """Webhooks, the oldest first."""
        statement = sa.select(WebhookRow).order_by(WebhookRow.created_ms, WebhookRow.id)
        if clinic is not None:
            statement = statement.where(WebhookRow.clinic_id == clinic)
        if active:
            statement = statement.where(WebhookRow.disabled_ms.is_(None))
        with self._database.read() as session:
            return [_webhook(row) for row in session.scalars(statement)]

    def note(self, webhook: Webhook) -> None:
        """Write down how far an address has been told; nothing if it was removed meanwhile."""
        with self._database.write() as session:
            row = session.get(WebhookRow, webhook.id)
            if row is not None:
                row.disabled_ms = webhook.disabled_ms
                row.seq = webhook.seq
                row.tries = webhook.tries
                row.next_ms = webhook.next_ms
                row.given_up = webhook.given_up
                row.problem = webhook.problem


def check_url(url: str) -> None:
    """Return if alerts may be sent there; else `StoreRejectedError`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise StoreRejectedError("a webhook's address is none") from None
    local = parts.scheme == "http" and host in LOCAL
    if not host or not (parts.scheme == "https" or local) or parts.username is not None or len(url) > 2000:
        raise StoreRejectedError("a webhook's address is https://..., without user and password")


def check_reference(secret_ref: str) -> None:
    """Return if a secret may be kept there; else `StoreRejectedError`."""
    kind, _, place = secret_ref.partition(":")
    if not (kind == "env" and place.startswith("SOMNOLINK_WEBHOOK_")) and not (kind == "file" and place[:1] == "/"):
        raise StoreRejectedError("a webhook's secret stands in env:SOMNOLINK_WEBHOOK_... or file:/...")


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(
        id=row.id,
        clinic=row.clinic_id,
        url=row.url,
        secret_ref=row.secret_ref,
        created_ms=row.created_ms,
        disabled_ms=row.disabled_ms,
        seq=row.seq,
        tries=row.tries,
        next_ms=row.next_ms,
        given_up=row.given_up,
        problem=row.problem,
    )

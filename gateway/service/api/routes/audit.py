"""The audit, for a clinic's administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from gateway.errors import StoreError, StoreUnavailableError
from gateway.service.api.context import CODE_PATTERN, Context
from gateway.service.api.guard import Caller
from gateway.service.api.models_audit import AuditEntryOut, AuditOut, VerificationOut
from gateway.service.views.audit import AuditQuery, read_audit

Moment = Annotated[int | None, Query(ge=0, lt=1 << 43, description="UTC milliseconds")]


def router(context: Context) -> APIRouter:
    """Routes under ``/audit``."""
    routes = APIRouter(prefix="/audit", tags=["accounts"])

    @routes.get("")
    def list_entries(
        who: Caller,
        by: Annotated[str | None, Query(max_length=255, pattern=r"^[^\x00]*$", description="Who did it")] = None,
        action: Annotated[str | None, Query(pattern=CODE_PATTERN)] = None,
        named: Annotated[str | None, Query(pattern=CODE_PATTERN, description="An id, such as a patient's")] = None,
        from_ms: Moment = None,
        to_ms: Moment = None,
        before: Annotated[int | None, Query(ge=1, lt=1 << 53, description="Entries earlier than this number")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> AuditOut:
        """What was read and changed by the clinic's users, and by programs of what is the clinic's; latest first."""
        if who.user is None:
            raise HTTPException(403, "a program's token is of no clinic")
        query = AuditQuery(by, action, named, from_ms, to_ms, before)
        found = read_audit(context.records, who.user.clinic, query, limit=limit)
        return AuditOut(entries=[AuditEntryOut.of(one) for one in found.entries], before=found.before)

    @routes.get("/verification")
    def verify() -> VerificationOut:
        """Go through the whole chain, of all clinics: whether every entry is as it was written."""
        return verification(context)

    return routes


def verification(context: Context) -> VerificationOut:
    """Whether the audit is as it was written."""
    try:
        last = context.records.audit.verify()
    except StoreUnavailableError:
        raise
    except StoreError as error:
        return VerificationOut(whole=False, problem=str(error))
    return VerificationOut(whole=True, number=last.number, sha256=last.sha256)

"""Every error of the API is a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.errors import AccessError, HiddenError, SignInError, SignInReason, SomnolinkError, StoreUnavailableError

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 5
_PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}
_SIGN_IN = {
    SignInReason.LOCKED: 429,
    SignInReason.PASSWORD_REFUSED: 422,
    SignInReason.FACTOR_STATE: 422,
    SignInReason.PROVIDER_AWAY: 503,
}


def problem(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
    reason: str | None = None,
) -> Response:
    """A problem document: `type` is about:blank, so that `title` is the status's own phrase (RFC 9457, 4.2.1)."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        document["errors"] = errors
    if reason is not None:
        document["reason"] = reason
    return Response(msgspec.json.encode(document), status, dict(headers or {}), media_type="application/problem+json")


class DescribedApi(FastAPI):
    """An application whose description says of which type its errors are: FastAPI says JSON of every model."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description."""
        if self.openapi_schema is None:
            for path in super().openapi()["paths"].values():
                for operation in path.values():
                    for answer in operation["responses"].values():
                        content = answer.get("content", {})
                        if content.get("application/json", {}).get("schema") == _PROBLEM:
                            content["application/problem+json"] = content.pop("application/json")
        assert self.openapi_schema is not None
        return self.openapi_schema


def install(app: FastAPI) -> None:
    """Have `app` answer every error with a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(AccessError, _access)
    app.add_exception_handler(SignInError, _sign_in)
    app.add_exception_handler(SomnolinkError, _ours)
    app.add_exception_handler(Exception, _unexpected)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=error.headers)


def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"where": "/".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()]
    return problem(422, "the request does not obey the rules of this resource", errors=errors)


def _access(_request: Request, error: Exception) -> Response:
    """What somebody must not know of is answered as what does not exist."""
    return problem(404 if isinstance(error, HiddenError) else 403, str(error))


def _sign_in(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInError)
    status = _SIGN_IN.get(error.reason, 401)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="somnolink"'
    if error.retry_after_s:
        headers["Retry-After"] = str(error.retry_after_s)
    return problem(status, str(error), headers=headers, reason=error.reason)


def _ours(request: Request, error: Exception) -> Response:
    _LOG.warning("%s %s: %s", request.method, request.url.path, error)
    if isinstance(error, StoreUnavailableError):
        # The text may name hosts and files: it is for the log, not for whoever asks.
        return problem(503, "the data cannot be read for now; try again", headers={"Retry-After": str(_RETRY_AFTER_S)})
    return problem(500, "the request could not be carried out; the service's log says why")


def _unexpected(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "the request could not be carried out; the service's log says why")

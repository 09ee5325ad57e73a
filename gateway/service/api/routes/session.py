"""Signing in and out."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from gateway.errors import SignInError, SignInReason
from gateway.service.access import Principal
from gateway.service.api.context import Context
from gateway.service.api.cookies import PROVIDER, cookie, put_cookie, remove_cookie
from gateway.service.api.guard import Caller
from gateway.service.api.models_sign_in import InvitationIn, ProviderOut, SessionOut, SignInIn
from gateway.service.sign_in import Started

AT_PROVIDER_S: Final = 600
"""So long somebody may take to sign in at the provider."""

ProviderText = Annotated[str, Query(max_length=4_000, pattern=r"^[^\x00]*$")]

log = logging.getLogger(__name__)


def router(context: Context) -> APIRouter:
    """Routes ``/session``, ``/invitation``, ``/link`` and ``/oidc``."""
    routes = APIRouter(tags=["sign-in"])
    sign_in = context.sign_in

    @routes.post("/session", status_code=201)
    async def sign_in_by_password(given: SignInIn, request: Request, response: Response) -> SessionOut:
        """Sign in: the answer sets the session's cookie. 401 tells by `reason` whether a code is needed with it."""
        started = await context.at_the_door.run(
            lambda: sign_in.start(
                given.name, given.password, given.code, address=address_of(request), agent=agent_of(request)
            )
        )
        return await context.at_the_door.run(lambda: _opened(context, started, request, response))

    @routes.get("/session")
    def get_session(who: Caller) -> SessionOut:
        """The session that the request is of."""
        return session_out(context, who)

    @routes.delete("/session", status_code=204)
    def sign_out(who: Caller, request: Request, response: Response) -> None:
        """Sign out."""
        if who.session is None:
            raise HTTPException(403, "a token is no session")
        sign_in.end(cookie_of(request), address=address_of(request))
        remove_cookie(response, request.url.scheme)

    @routes.post("/invitation", status_code=204)
    async def accept_invitation(given: InvitationIn, request: Request) -> None:
        """Set the password by an invitation; then sign in with it."""
        await context.at_the_door.run(lambda: sign_in.accept(given.code, given.password, address=address_of(request)))

    @routes.get("/link", status_code=303, response_class=RedirectResponse)
    def sign_in_by_link(
        code: Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]*$")], request: Request
    ) -> RedirectResponse:
        """Sign in by a link that the command line made, and go to the first page."""
        answer = RedirectResponse("/", 303)
        started = sign_in.start_by_link(code, address=address_of(request), agent=agent_of(request))
        _opened(context, started, request, answer)
        return answer

    _provider(routes, context)
    return routes


def _provider(routes: APIRouter, context: Context) -> None:
    sign_in = context.sign_in

    @routes.get("/oidc")
    def get_provider() -> ProviderOut:
        """Which OpenID Connect provider there is to sign in by."""
        return ProviderOut(name=sign_in.provider_name)

    @routes.get("/oidc/start", status_code=303, response_class=RedirectResponse)
    async def go_to_provider(request: Request) -> RedirectResponse:
        """Go to the OpenID Connect provider."""
        try:
            begun = await context.at_the_provider.run(lambda: sign_in.begin_by_provider(_redirect(context, request)))
        except SignInError as error:
            return _sent_back(error)
        answer = RedirectResponse(begun.url, 303)
        put_cookie(answer, request.url.scheme, begun.kept, PROVIDER, max_age_s=AT_PROVIDER_S)
        return answer

    @routes.get("/oidc/callback", status_code=303, response_class=RedirectResponse)
    async def come_from_provider(
        request: Request,
        state: ProviderText = "",
        code: ProviderText | None = None,
        error: ProviderText | None = None,
        iss: ProviderText | None = None,
    ) -> RedirectResponse:
        """Come back from the OpenID Connect provider, and go to the first page, or to sign in with `refused` why."""
        given = {"state": state, "code": code, "error": error, "iss": iss}
        kept = cookie(request.url.scheme, request.headers.get("cookie", ""), PROVIDER)
        answer = RedirectResponse("/", 303)

        def come() -> None:
            started = sign_in.start_by_provider(
                kept,
                {name: text for name, text in given.items() if text is not None},
                _redirect(context, request),
                address=address_of(request),
                agent=agent_of(request),
            )
            _opened(context, started, request, answer)

        try:
            await context.at_the_provider.run(come)
        except SignInError as refused:
            answer = _sent_back(refused)
        remove_cookie(answer, request.url.scheme, PROVIDER)
        return answer


def _redirect(context: Context, request: Request) -> str:
    if context.sign_in.provider_name is None:
        raise HTTPException(404, "there is no OpenID Connect provider here")
    return f"{base_of(context, request)}/api/v1/oidc/callback"


def _sent_back(error: SignInError) -> RedirectResponse:
    # Anybody can open the address with nothing begun: that is not worth a warning.
    level = logging.INFO if error.reason is SignInReason.NOT_BEGUN else logging.WARNING
    log.log(level, "sign-in by the provider refused: %s", error)
    return RedirectResponse(f"/sign-in?refused={error.reason}", 303)


def base_of(context: Context, request: Request) -> str:
    """Where people find the service: as the settings say, else as this request found it."""
    return context.sign_in.public_url or f"{request.url.scheme}://{request.url.netloc}"


def _opened(context: Context, started: Started, request: Request, answer: Response) -> SessionOut:
    """Put the session into the browser, in place of the one that it had."""
    before = cookie_of(request)
    if before:
        context.sign_in.end(before, address=address_of(request))
    put_cookie(answer, request.url.scheme, started.token)
    return session_out(context, started.principal)


def session_out(context: Context, who: Principal) -> SessionOut:
    """The session that somebody is in; a 403 problem with a token."""
    state = context.sign_in.state(who)
    if state is None:
        raise HTTPException(403, "a token is no session")
    return SessionOut.of(state)


def cookie_of(request: Request) -> str:
    """The token of the session that a request is of; empty if there is none."""
    return cookie(request.url.scheme, request.headers.get("cookie", ""))


def address_of(request: Request) -> str:
    """From where a request comes."""
    return "" if request.client is None else request.client.host


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return "".join(one for one in request.headers.get("user-agent", "")[:200] if one.isprintable())

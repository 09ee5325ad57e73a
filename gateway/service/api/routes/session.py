"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from gateway.service.api.context import Context
from gateway.service.api.cookies import put_cookie, remove_cookie, session_token
from gateway.service.api.guard import Caller
from gateway.service.api.models_sign_in import InvitationIn, SessionOut, SignInIn
from gateway.service.sign_in import Started


def router(context: Context) -> APIRouter:
    """Routes ``/session``, ``/invitation`` and ``/link``."""
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
        state = sign_in.state(who)
        if state is None:
            raise HTTPException(403, "a token is no session")
        return SessionOut.of(state)

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

    return routes


def _opened(context: Context, started: Started, request: Request, answer: Response) -> SessionOut:
    """Put the session into the browser, in place of the one that it had."""
    before = cookie_of(request)
    if before:
        context.sign_in.end(before, address=address_of(request))
    put_cookie(answer, request.url.scheme, started.token)
    state = context.sign_in.state(started.principal)
    assert state is not None
    return SessionOut.of(state)


def cookie_of(request: Request) -> str:
    """The token of the session that a request is of; empty if there is none."""
    return session_token(request.url.scheme, request.headers.get("cookie", ""))


def address_of(request: Request) -> str:
    """From where a request comes."""
    return "" if request.client is None else request.client.host


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return "".join(one for one in request.headers.get("user-agent", "")[:200] if one.isprintable())

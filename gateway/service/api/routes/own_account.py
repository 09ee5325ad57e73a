"""One's own account: sessions, password, second factor, API tokens. It takes a session: no token opens it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response

from gateway.service.api.context import Context, refusing
from gateway.service.api.cookies import put_cookie
from gateway.service.api.guard import Caller
from gateway.service.api.models_sign_in import (
    CodeIn,
    FactorBegin,
    FactorOut,
    MadeTokenOut,
    NewFactorOut,
    OwnSessionOut,
    OwnTokenIn,
    OwnTokenOut,
    PasswordChange,
    PasswordIn,
    RecoveryCodesOut,
    SessionOut,
)
from gateway.service.api.routes.session import address_of, agent_of, session_out

SessionId = Annotated[str, Path(pattern=r"^s-[0-9a-f]{12}$", description="Id of the session")]
TokenId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$", description="Id of the token")]


def router(context: Context) -> APIRouter:
    """Routes ``/sessions``, ``/password``, ``/second-factor`` and ``/tokens``."""
    routes = APIRouter(tags=["own account"])
    _sessions(routes, context)
    _second_factor(routes, context)
    _tokens(routes, context)
    return routes


def _sessions(routes: APIRouter, context: Context) -> None:
    account = context.sign_in.account

    @routes.get("/sessions")
    def list_sessions(who: Caller) -> list[OwnSessionOut]:
        """Where one is signed in, the last used first."""
        return [OwnSessionOut.of(one, who.session) for one in account.sessions(who)]

    @routes.delete("/sessions", status_code=204)
    def end_other_sessions(who: Caller, request: Request) -> None:
        """Sign out everywhere else."""
        account.end_other_sessions(who, address=address_of(request))

    @routes.delete("/sessions/{session}", status_code=204)
    def end_session(session: SessionId, who: Caller, request: Request) -> None:
        """Sign out in one place."""
        if not account.end_session(who, session, address=address_of(request)):
            raise HTTPException(404, f"no such session: {session}")

    @routes.post("/password")
    async def change_password(given: PasswordChange, who: Caller, request: Request, response: Response) -> SessionOut:
        """Change the password. Every session ends; the answer sets the cookie of a new one in place of this."""
        started = await context.at_the_door.run(
            lambda: account.change_password(
                who, given.password, given.new, address=address_of(request), agent=agent_of(request)
            )
        )
        put_cookie(response, request.url.scheme, started.token)
        return await context.at_the_door.run(lambda: session_out(context, started.principal))


def _second_factor(routes: APIRouter, context: Context) -> None:
    account = context.sign_in.account

    @routes.get("/second-factor")
    def get_second_factor(who: Caller) -> FactorOut:
        """How it stands with the second factor."""
        return FactorOut.of(account.factor(who))

    @routes.post("/second-factor")
    async def begin_second_factor(given: FactorBegin, who: Caller, request: Request) -> NewFactorOut:
        """Make a secret for an app that shows codes."""
        address = address_of(request)
        made = await context.at_the_door.run(lambda: account.begin_factor(who, given.password, address=address))
        return NewFactorOut(secret=made.secret, uri=made.uri, svg=made.svg)

    @routes.post("/second-factor/confirmation")
    def confirm_second_factor(given: CodeIn, who: Caller, request: Request) -> RecoveryCodesOut:
        """Put the second factor in force, by a code that the app shows."""
        return RecoveryCodesOut(recovery_codes=account.confirm_factor(who, given.code, address=address_of(request)))

    @routes.post("/second-factor/removal", status_code=204)
    async def remove_second_factor(given: PasswordIn, who: Caller, request: Request) -> None:
        """Do without the second factor."""
        address = address_of(request)
        await context.at_the_door.run(lambda: account.remove_factor(who, given.password, address=address))

    @routes.post("/session/second-factor")
    def give_code(given: CodeIn, who: Caller, request: Request) -> SessionOut:
        """Give the second factor's code in a session that began without it."""
        account.give_code(who, given.code, address=address_of(request))
        return session_out(context, replace(who, limited=False))


def _tokens(routes: APIRouter, context: Context) -> None:
    account = context.sign_in.account

    @routes.get("/tokens")
    def list_tokens(who: Caller) -> list[OwnTokenOut]:
        """One's own API tokens, by name."""
        return [OwnTokenOut.of(one) for one in account.tokens(who)]

    @routes.post("/tokens", status_code=201)
    def make_token(given: OwnTokenIn, who: Caller, request: Request) -> MadeTokenOut:
        """Make an API token, which opens what one may oneself within its scopes."""
        with refusing():
            return MadeTokenOut(
                token=account.make_token(who, given.name, given.scopes, given.days, address=address_of(request))
            )

    @routes.delete("/tokens/{token}", status_code=204)
    def remove_token(token: TokenId, who: Caller, request: Request) -> None:
        """Remove an API token, at once."""
        if not account.remove_token(who, token, address=address_of(request)):
            raise HTTPException(404, f"no such token: {token}")

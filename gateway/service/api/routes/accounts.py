"""Users and care teams of a clinic, for its administrators; one's own account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request

from gateway.service.api.context import ClinicId, Context, PatientId, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models_accounts import MeOut, TeamIn, TeamOut, TeamsOut, UserChange, UserIn, UserOut
from gateway.service.api.models_sign_in import InvitationOut
from gateway.service.api.routes.session import address_of, base_of
from gateway.service.sign_in.codes import invitation_url

UserId = Annotated[str, Path(pattern=r"^u-[0-9a-f]{12}$", description="Id of the user")]
TeamId = Annotated[str, Path(pattern=r"^t-[0-9a-f]{12}$", description="Id of the care team")]


def router(context: Context) -> APIRouter:
    """Routes ``/me``, ``/users``, ``/teams`` and those of a clinic."""
    routes = APIRouter(tags=["accounts"])
    _users(routes, context)
    _teams(routes, context)
    return routes


def _users(routes: APIRouter, context: Context) -> None:
    users = context.records.users

    @routes.get("/me")
    def get_me(who: Caller) -> MeOut:
        """Who one is."""
        if who.user is None:
            raise HTTPException(403, "a program's token is nobody")
        return MeOut(**UserOut.of(who.user).model_dump(), teams=list(context.records.teams.of_user(who.user.id)))

    @routes.get("/clinics/{clinic}/users")
    def list_users(clinic: ClinicId) -> list[UserOut]:
        """A clinic's users, by name."""
        return [UserOut.of(one) for one in users.list(clinic=clinic)]

    @routes.post("/clinics/{clinic}/users", status_code=201)
    def add_user(clinic: ClinicId, given: UserIn) -> UserOut:
        """Make a user."""
        with refusing():
            made = users.add(clinic, given.name, given.role, at_ms=context.clock.utc_ms(), patient=given.patient)
        return UserOut.of(made)

    @routes.patch("/users/{user}")
    def change_user(user: UserId, given: UserChange, who: Caller) -> UserOut:
        """Keep a user out, let in again, or change the role, from the next request on; every session ends."""
        if who.user is not None and who.user.id == user:
            raise HTTPException(422, "nobody does this to oneself: another administrator can")
        with refusing():
            if given.role is not None:
                users.set_role(user, given.role)
            if given.disabled is not None:
                users.set_disabled(user, context.clock.utc_ms() if given.disabled else None)
        return UserOut.of(context.user(user))

    @routes.post("/users/{user}/invitation", status_code=201)
    def invite_user(user: UserId, who: Caller, request: Request) -> InvitationOut:
        """Make an invitation, by which the user sets the first, or a forgotten, password."""
        with refusing():
            made = context.sign_in.invite(user, by=who.user, address=address_of(request))
        return InvitationOut(
            code=made.text, link=invitation_url(base_of(context, request), made), expires_ms=made.ends_ms
        )

    @routes.delete("/users/{user}/second-factor", status_code=204)
    def remove_second_factor(user: UserId, who: Caller, request: Request) -> None:
        """Remove the second factor of a user who has lost it; be sure who asks for that."""
        if not context.sign_in.remove_factor(user, by=who.user, address=address_of(request)):
            raise HTTPException(422, "the user has no second factor")


def _teams(routes: APIRouter, context: Context) -> None:
    teams = context.records.teams

    @routes.get("/clinics/{clinic}/teams")
    def list_teams(clinic: ClinicId) -> TeamsOut:
        """A clinic's care teams, by name."""
        told = [TeamOut.of(one) for one in teams.list(clinic)]
        return TeamsOut(teams=told, without_team=list(teams.without_team(clinic)))

    @routes.post("/clinics/{clinic}/teams", status_code=201)
    def add_team(clinic: ClinicId, given: TeamIn) -> TeamOut:
        """Make a care team."""
        with refusing():
            return TeamOut.of(teams.add(clinic, given.name))

    @routes.put("/teams/{team}/users/{user}")
    def put_user(team: TeamId, user: UserId) -> TeamOut:
        """Put a user into a team: they see its patients."""
        with refusing():
            return TeamOut.of(teams.put_user(team, user, belongs=True))

    @routes.delete("/teams/{team}/users/{user}")
    def remove_user(team: TeamId, user: UserId) -> TeamOut:
        """Take a user out of a team."""
        with refusing():
            return TeamOut.of(teams.put_user(team, user, belongs=False))

    @routes.put("/teams/{team}/patients/{patient}")
    def put_patient(team: TeamId, patient: PatientId) -> TeamOut:
        """Give a patient into a team's care."""
        with refusing():
            return TeamOut.of(teams.put_patient(team, patient, belongs=True))

    @routes.delete("/teams/{team}/patients/{patient}")
    def remove_patient(team: TeamId, patient: PatientId) -> TeamOut:
        """Take a patient out of a team's care."""
        with refusing():
            return TeamOut.of(teams.put_patient(team, patient, belongs=False))

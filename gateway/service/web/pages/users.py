"""Users and care teams of a clinic, for its administrators, who see patients by their opaque ids alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal, TypeVar

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.records import Role, Team, User
from gateway.service.sign_in.codes import invitation_url
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import ROLES, frame

T = TypeVar("T")
Kind = Literal["users", "patients"]

_NAMES: Final = {role.value: name for role, name in ROLES.items()}


@page("/users", Action.MANAGE_PEOPLE, Target.CLINIC)
async def build(at: PageContext) -> None:
    """The users and care teams of the user's clinic."""
    with frame(at, "Users"):
        await People(at).show()


class People:
    """The page, which shows itself anew after each change."""

    def __init__(self, at: PageContext) -> None:
        self._at = at
        self._clinic = at.user.clinic
        self._box = ui.element("div")
        self._with_factor: frozenset[str] = frozenset()

    async def show(self) -> None:
        """Show who there is by now."""
        records = self._at.context.records
        users, teams, lonely, self._with_factor = await self._at.read(
            lambda: (
                (known := records.users.list(clinic=self._clinic)),
                records.teams.list(self._clinic),
                records.teams.without_team(self._clinic),
                frozenset(one.id for one in known if records.credentials.second_factor(one.id) is not None),
            )
        )
        self._box.clear()
        with self._box:
            with parts.card("Users"):
                self._users(users, teams)
                self._new_user()
            with parts.card("Care teams"):
                ui.label("A user sees the patients of their own teams, and no others.").classes("sl-muted")
                if lonely:
                    parts.badge("warning", f"{len(lonely)} patients are in no team: nobody sees them")
                for team in teams:
                    self._team(team, users, lonely, teams)
                if not teams:
                    parts.empty("No care team yet", "Make one, and put users and patients into it.")
                self._new_team()

    def _users(self, users: list[User], teams: list[Team]) -> None:
        table = parts.Table("Name", "Role", "Teams", "State", "", label="Users")
        for one in users:
            with table.row() as cell:
                with cell():
                    ui.label(one.name).classes("sl-strong")
                with cell():
                    ui.label(ROLES[one.role])
                    if one.patient:
                        ui.label(one.patient).classes("sl-small sl-muted")
                with cell():
                    ui.label(", ".join(team.name for team in teams if one.id in team.users) or parts.MISSING)
                with cell():
                    if one.disabled_ms is None:
                        parts.badge("good", "Let in")
                    else:
                        parts.badge("none", f"Kept out since {parts.moment(one.disabled_ms, self._at.zone)}")
                with cell(), ui.element("div").classes("sl-row"):
                    self._deeds(one)

    def _deeds(self, one: User) -> None:
        if one.disabled_ms is None:
            parts.button("Invite", partial(self._invite, one))
        if one.id in self._with_factor:
            parts.button("Remove second factor", partial(self._remove_factor, one), "danger")
        if one.id != self._at.user.id:
            if one.disabled_ms is None:
                parts.button("Keep out", partial(self._keep_out, one), "danger")
            else:
                parts.button("Let in", partial(self._set_disabled, one, False))

    def _new_user(self) -> None:
        with ui.element("div").classes("sl-row").props('role="group" aria-label="New user"'):
            name = ui.input("Name to sign in with, such as a mail address").props('outlined dense maxlength="200"')
            role = ui.select(_NAMES, value=Role.DENTIST.value, label="Role").props("outlined dense")
            patient = ui.input("Patient's id, for the role patient").props("outlined dense")
            for one in (name, role, patient):
                one.classes("sl-grow")
            patient.bind_visibility_from(role, "value", value=Role.PATIENT.value)

            async def make() -> None:
                plain, of = str(name.value or "").strip(), str(patient.value or "").strip() or None
                if not plain or " " in plain:
                    ui.notify("A user has a name without spaces.", type="warning")
                    return
                as_role = Role(str(role.value))
                made = await self._manage(
                    f"POST /clinics/{self._clinic}/users",
                    lambda: self._at.context.records.users.add(
                        self._clinic,
                        plain,
                        as_role,
                        at_ms=self._at.context.clock.utc_ms(),
                        patient=of if as_role is Role.PATIENT else None,
                    ),
                )
                await self.show()
                parts.done(f"Made {made.name}. Invite them, so that they can set a password.")

            parts.button("Make a user", make, "main")

    async def _invite(self, one: User) -> None:
        at = self._at
        made = await self._of_user(
            one,
            f"POST /users/{one.id}/invitation",
            lambda: at.context.sign_in.invite(one.id, by=at.user, address=at.address),
        )
        with ui.dialog().props("persistent") as dialog, ui.element("div").classes("sl-card sl-dialog"):
            parts.heading(f"Invitation for {one.name}")
            ui.label("Hand this link over by other means. It is shown this once, and sets the password once.")
            ui.label(invitation_url(at.url, made)).classes("sl-code")
            ui.label(f"Until {parts.moment(made.ends_ms, at.zone)}.").classes("sl-muted")
            parts.button("Done", dialog.close, "main")
        await parts.answer(dialog)

    async def _remove_factor(self, one: User) -> None:
        question = f"Remove the second factor of {one.name}? Be sure who asks: from then on the password is enough."
        if await parts.confirm(question, "Remove"):
            at = self._at
            await self._of_user(
                one,
                f"DELETE /users/{one.id}/second-factor",
                lambda: at.context.sign_in.remove_factor(one.id, by=at.user, address=at.address),
            )
            await self.show()
            parts.done("Removed.")

    async def _keep_out(self, one: User) -> None:
        if await parts.confirm(f"Keep {one.name} out? Every session of theirs ends at once.", "Keep out"):
            await self._set_disabled(one, True)

    async def _set_disabled(self, one: User, disabled: bool) -> None:
        await self._put_disabled(one, disabled)
        text = f"{one.name} is kept out." if disabled else f"{one.name} is let in again."
        parts.done(text, lambda: self._put_disabled(one, not disabled))

    async def _put_disabled(self, one: User, disabled: bool) -> None:
        now_ms = self._at.context.clock.utc_ms()
        users = self._at.context.records.users
        await self._of_user(
            one, f"PATCH /users/{one.id}", lambda: users.set_disabled(one.id, now_ms if disabled else None)
        )
        await self.show()

    def _team(self, team: Team, users: list[User], lonely: tuple[str, ...], teams: list[Team]) -> None:
        names = {one.id: one.name for one in users if one.role is not Role.PATIENT}
        patients = sorted({*lonely, *(one for each in teams for one in each.patients)} - team.patients)
        with ui.element("div").classes("sl-team").props('role="group"') as box:
            box.props["aria-label"] = team.name
            parts.heading(team.name, 3)
            self._members("users", team, {one: names[one] for one in sorted(team.users) if one in names})
            self._members("patients", team, {one: one for one in sorted(team.patients)})
            with ui.element("div").classes("sl-row"):
                self._adding("users", team, {one: name for one, name in names.items() if one not in team.users})
                self._adding("patients", team, {one: one for one in patients})

    def _members(self, kind: Kind, team: Team, there: dict[str, str]) -> None:
        with ui.element("div").classes("sl-row"):
            ui.label("Users:" if kind == "users" else "Patients:").classes("sl-muted")
            if not there:
                ui.label("nobody")
            for one, name in there.items():
                button = parts.button(f"{name} ✕", partial(self._put, kind, team, one, name, False))
                button.props(f'aria-label="Take {name} out of {team.name}"')

    def _adding(self, kind: Kind, team: Team, choices: dict[str, str]) -> None:
        text = "Add a user" if kind == "users" else "Add a patient"
        chosen = ui.select(choices, label=text, with_input=True).props("outlined dense").classes("sl-grow")

        async def add() -> None:
            if chosen.value in choices:
                await self._put(kind, team, str(chosen.value), choices[str(chosen.value)], True)

        chosen.on_value_change(parts.outliving(add))

    async def _put(self, kind: Kind, team: Team, member: str, name: str, belongs: bool) -> None:
        await self._set(kind, team, member, belongs)
        text = f"{name} is in {team.name}." if belongs else f"{name} is no longer in {team.name}."
        parts.done(text, lambda: self._set(kind, team, member, not belongs))

    async def _set(self, kind: Kind, team: Team, member: str, belongs: bool) -> None:
        teams = self._at.context.records.teams
        put = teams.put_user if kind == "users" else teams.put_patient
        what = f"{'PUT' if belongs else 'DELETE'} /teams/{team.id}/{kind}/{member}"
        await self._of_team(team, what, lambda: put(team.id, member, belongs=belongs))
        await self.show()

    def _new_team(self) -> None:
        with ui.element("div").classes("sl-row"):
            name = ui.input("Name of a new team").props('outlined dense maxlength="200"').classes("sl-field")

            async def make() -> None:
                plain = str(name.value or "").strip()
                if plain:
                    await self._manage(
                        f"POST /clinics/{self._clinic}/teams",
                        lambda: self._at.context.records.teams.add(self._clinic, plain),
                    )
                    await self.show()
                    parts.done(f"Made {plain}.")

            parts.button("Make a team", make)

    async def _manage(self, what: str, work: Callable[[], T]) -> T:
        return await self._at.do(Action.MANAGE_PEOPLE, Target.CLINIC, {"clinic": self._clinic}, what, work)

    async def _of_user(self, one: User, what: str, work: Callable[[], T]) -> T:
        return await self._at.do(Action.MANAGE_PEOPLE, Target.USER, {"user": one.id}, what, work)

    async def _of_team(self, team: Team, what: str, work: Callable[[], T]) -> T:
        return await self._at.do(Action.MANAGE_PEOPLE, Target.TEAM, {"team": team.id}, what, work)

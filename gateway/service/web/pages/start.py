"""The first page: the worklist for who cares for patients, one's own nights for a patient, where to go for others."""

from __future__ import annotations

from functools import partial
from typing import Final, get_args

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.records import Role
from gateway.service.views.urgency import Urgency
from gateway.service.views.worklist import Sort, Worklist, worklist
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import frame
from gateway.service.web.own_page import build_own
from gateway.service.web.patient_forms import new_patient
from gateway.service.web.rows import body

SHOWN: Final = 100
"""Rows at first, and how many more each time."""

STYLE: Final = '<link rel="stylesheet" href="/static/patients.css">'

HEADERS: Final[tuple[tuple[Sort | None, str, str], ...]] = (
    ("urgency", "When", "By urgency"),
    ("name", "Patient", "By name"),
    (None, "Why", ""),
    ("last_night", "Last night", "By last night"),
    ("odi4", "ODI4", "By 4 % desaturation index, mean of 14 nights"),
    ("burden", "Burden", "By hypoxic burden, % min/h, mean of 14 nights"),
    ("wear", "Wear", "By hours of wear a night, mean of 14 nights"),
    ("heard", "Heard", "By last contact of a device"),
)
_DOWN_FIRST: Final = frozenset({"last_night", "odi4", "burden"})
"""Sorted by these, the greatest is asked for first."""


@page("/", Action.OWN_ACCOUNT, Target.SERVICE)
async def build(at: PageContext) -> None:
    """What somebody like the user starts with."""
    ui.add_head_html(STYLE)
    if at.user.role is Role.PATIENT:
        await build_own(at)
    elif at.user.role is Role.ADMINISTRATOR:
        with frame(at, "Start"):
            parts.empty(
                "You run the clinic and see no patients",
                "Make users and care teams under Users, and sort patients into teams. Devices and settings are above.",
            )
    else:
        await WorklistPage(at).build()


class WorklistPage:
    """The worklist as one user has it open."""

    def __init__(self, at: PageContext) -> None:
        self.at = at
        wanted = at.query.get("sort", "")
        self.sort: Sort = next((one for one in get_args(Sort) if one == wanted), "urgency")
        self.descending = at.query.get("descending") == "true"
        self.team = at.query.get("team") or None
        self.search = at.query.get("search", "")[:200]
        self.needing = False
        self.shown = SHOWN
        self.found: Worklist | None = None

    async def build(self) -> None:
        """Put the page together."""
        await self._read()
        with frame(self.at, "Patients"):
            self._tools()
            self.list = ui.element("div").props('aria-live="polite"')
            self._show()

    async def _read(self) -> None:
        at = self.at

        def work() -> Worklist:
            return worklist(
                at.context.records,
                at.access,
                at.who,
                now_ms=at.context.clock.utc_ms(),
                team=self.team,
                sort=self.sort,
                descending=self.descending,
                search=self.search,
            )

        self.found = await at.do(Action.READ_ALERT, Target.LIST, {}, "GET /worklist", work)

    async def _again(self) -> None:
        self.list.props('aria-busy="true"')
        await self._read()
        self.list.props(remove="aria-busy")
        self._show()

    def _tools(self) -> None:
        assert self.found is not None
        with ui.element("div").classes("sl-tools"):
            search = ui.input("Search", value=self.search).props("outlined dense debounce=300 clearable type=search")
            search.on_value_change(lambda event: self._set("search", str(event.value or "")[:200]))
            if len(self.found.teams) > 1 or self.team:
                teams = {"": "All my teams", **{one.id: one.name for one in self.found.teams}}
                chosen = ui.select(teams, value=self.team or "", label="Team").props("outlined dense")
                chosen.on_value_change(lambda event: self._set("team", str(event.value) or None))
            only = ui.checkbox("Only who needs attention", value=self.needing)
            only.on_value_change(lambda event: self._only(bool(event.value)))
            sorts = {one: name for one, name, _ in HEADERS if one is not None}
            by = ui.select(sorts, value=self.sort, label="Sorted by").props("outlined dense").classes("sl-phone")
            by.on_value_change(lambda event: self._set("sort", event.value))
            parts.button("Refresh", self._again)
            parts.button("New patient", lambda: new_patient(self.at), "main")

    async def _set(self, name: str, value: str | None) -> None:
        setattr(self, name, value)
        self.shown = SHOWN
        await self._again()

    def _only(self, needing: bool) -> None:
        self.needing = needing
        self._show()

    async def _sort_by(self, sort: Sort) -> None:
        self.descending = not self.descending if sort == self.sort else sort in _DOWN_FIRST
        self.sort = sort
        await self._again()

    def _more(self) -> None:
        self.shown += SHOWN
        self._show()

    def _show(self) -> None:
        found = self.found
        assert found is not None
        self.list.clear()
        with self.list:
            if not found.total and not self.search and self.team is None:
                _new_clinic()
                return
            local = parts.moment(found.now_ms, self.at.zone)
            with ui.element("p").classes("sl-counts"):
                ui.html(
                    f"<b>{found.needing}</b> of {found.total} need attention,"
                    f" {found.total - found.needing} need nothing."
                    f' <span class="sl-muted sl-small">As of {local}</span>',
                    sanitize=False,
                )
            lines = [line for line in found.lines if line.urgency > Urgency.NONE or not self.needing]
            if not lines:
                nobody = "Nobody needs attention" if found.total else "No patient matches"
                parts.empty(nobody, "Take the filter away to see all of your patients.")
                return
            with ui.element("div").classes("sl-card sl-scroll"), ui.element("table").classes("sl-list"):
                self._head()
                rows = body(lines[: self.shown], found.now_ms, divided=self.sort == "urgency" and not self.descending)
                ui.html(rows, tag="tbody", sanitize=False)
            if len(lines) > self.shown:
                parts.button(f"Show {min(SHOWN, len(lines) - self.shown)} more of {len(lines)}", self._more)

    def _head(self) -> None:
        with ui.element("thead"), ui.element("tr"):
            for sort, name, title in HEADERS:
                with ui.element("th").props('scope="col"') as cell:
                    if sort is None:
                        ui.label(name)
                        continue
                    sign = ""
                    if sort == self.sort:
                        cell.props(f'aria-sort="{"descending" if self.descending else "ascending"}"')
                        sign = " ▾" if self.descending else " ▴"
                    parts.button(name + sign, partial(self._sort_by, sort)).props(f'title="{title}"')


def _new_clinic() -> None:
    with parts.card("No patients yet"):
        ui.html(
            "<ol><li>Make a patient: a pseudonym or your own number, and the zone they live in.</li>"
            "<li>Open the patient and give them a device: the ring, the mouth guard's recorder, the bed sensor.</li>"
            "<li>Their first night shows here the morning after.</li></ol>"
            "<p class='sl-muted'>You see only patients of your own care teams. If there should be some, ask your"
            " administrator to put you into their team.</p>",
            sanitize=False,
        )

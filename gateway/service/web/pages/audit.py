"""The audit: who read or changed what, and whether that is as it was written."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.api.routes.audit import verification
from gateway.service.nights import zone_info
from gateway.service.views.audit import AuditPage, AuditQuery, read_audit
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import frame

AT_ONCE: Final = 100


@page("/audit", Action.READ_AUDIT, Target.LIST)
async def build(at: PageContext) -> None:
    """What is searched for stands in the address, so that each search is a page load, and in the audit itself."""
    query = asked(at)
    with frame(at, "Audit"):
        with parts.card("Is it whole?"):
            await _verification(at)
        with parts.card("Search"):
            _search(at)
        found = await at.read(lambda: read_audit(at.context.records, at.user.clinic, query, limit=AT_ONCE))
        with parts.card("Entries"):
            _entries(at, found)


def asked(at: PageContext) -> AuditQuery:
    """The search that stands in the address; what is no date or number there is passed over."""
    given = at.query
    before = given.get("before", "")
    return AuditQuery(
        who=given.get("who") or None,
        action=given.get("action") or None,
        named=given.get("named") or None,
        from_ms=_midnight(given.get("from", ""), at.zone, 0),
        to_ms=_midnight(given.get("until", ""), at.zone, 1),
        before=int(before) if before.isdecimal() and len(before) < 16 else None,
    )


def _midnight(text: str, zone: str, days: int) -> int | None:
    """The midnight at which a day begins, or (with `days` 1) ends."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return round(datetime.combine(day, time(), zone_info(zone)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _search(at: PageContext) -> None:
    given = at.query
    with ui.element("form").classes("sl-row").props('method="get" action="/audit"'):
        who = ui.input("Who", value=given.get("who", ""))
        names = {"": "Anything", **{one.value: one.value.replace("_", " ") for one in Action}}
        action = ui.select(names, value=given.get("action") if given.get("action") in names else "", label="Action")
        named = ui.input("Id of a patient or device", value=given.get("named", ""))
        first = ui.input("From", value=given.get("from", "")).props('type="date" stack-label')
        last = ui.input("Until", value=given.get("until", "")).props('type="date" stack-label')
        for one in (who, action, named, first, last):
            one.props("outlined dense").classes("sl-grow")

        def search() -> None:
            wanted = {
                "who": who.value,
                "action": action.value,
                "named": named.value,
                "from": first.value,
                "until": last.value,
            }
            ui.navigate.to("/audit?" + urlencode({name: text for name, text in wanted.items() if text}))

        for one in (who, named, first, last):
            one.on("keydown.enter", search)
        parts.button("Search", search, "main").props('type="button"')


def _entries(at: PageContext, found: AuditPage) -> None:
    if not found.entries:
        parts.empty("Nothing found", "No entry of this clinic is like that.")
    else:
        table = parts.Table("Number", "When", "Who", "From", "Action", "What", label="Entries")
        for one in found.entries:
            texts = (
                str(one.number),
                parts.moment(one.at_ms, at.zone),
                one.who,
                one.address or parts.MISSING,
                one.action.replace("_", " "),
                one.what,
            )
            with table.row() as cell:
                for text in texts:
                    with cell():
                        ui.label(text)
    if found.before is not None:
        ui.link("Earlier entries", f"/audit?{urlencode({**at.query, 'before': str(found.before)})}")


async def _verification(at: PageContext) -> None:
    ui.label(
        "Each entry seals all before it, over all clinics of this service. Note number and seal of the latest where the"
        " records are not: somnolink admin verify-audit --noted then shows whether any were cut off."
    ).classes("sl-muted")
    told = ui.element("div").classes("sl-stack").props('role="status"')

    async def look() -> None:
        told.clear()
        with told:
            parts.loading("Going through every entry …")
        found = await at.do(
            Action.READ_AUDIT, Target.LIST, {}, "GET /audit/verification", lambda: verification(at.context)
        )
        told.clear()
        with told:
            if found.whole:
                parts.badge("good", f"Whole: all {found.number} entries are as they were written")
                ui.label(f"{found.number}:{found.sha256}").classes("sl-code")
            else:
                parts.badge("urgent", found.problem or "")

    parts.button("Check now", look)

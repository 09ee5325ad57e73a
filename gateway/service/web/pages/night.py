"""One night of a patient: six lanes on one time axis, its numbers, its desaturations, and how fresh all that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from nicegui import ui
from nicegui.events import GenericEventArguments

from gateway.errors import HiddenError, StoreError
from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.views.night import NightView, night_part, night_view
from gateway.service.views.night_values import NightAccount, NightLanes, Span
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import frame
from gateway.service.web.night import figure, sections, words
from gateway.service.web.night.table import table

PATH: Final = "/patients/{patient}/nights/{night}"
REFRESH_S: Final = 5.0
"""A night that is followed is looked at again this often."""

POINTS: Final = 1_500
"""Samples of each lane in a view: the least and the greatest of each pixel and a half of a wide screen."""

AROUND: Final = 0.5
"""Of the view's width is loaded on either side of it, so that a little panning shows no hole."""

USUAL_PX: Final = 1_180
"""Width of the figure until the browser has told its own."""

LATEST_S: Final = 1 << 20
"""A second of a night is smaller than this, whatever a browser says."""

HEAD: Final = '<link rel="stylesheet" href="/static/night.css"><script src="/static/night.js"></script>'


@page(PATH, Action.READ_PATIENT, Target.PATIENT)
async def build(at: PageContext, patient: str, night: str) -> None:
    """The page of a night."""
    try:
        wanted = date.fromisoformat(night)
        found, name = await at.read(lambda: (_read(at, patient, wanted), _name(at, patient)))
    except (ValueError, OverflowError):
        raise HiddenError(f"no such night: {night}") from None
    ui.add_head_html(HEAD)
    NightPage(at, patient, name, wanted, found).build()


def _read(at: PageContext, patient: str, night: date) -> NightView:
    context = at.context
    return night_view(
        context.records,
        context.store,
        at.access,
        at.who,
        patient,
        night,
        now_ms=context.clock.utc_ms(),
        points=POINTS,
    )


def _name(at: PageContext, patient: str) -> str:
    return at.access.patient(at.who, Action.READ_PATIENT, patient).name


@dataclass(slots=True)
class _Look:
    """What a browser looks at.

    Attributes
    ----------
    view : Span or None
        None for the whole night.
    asked : int
        How often it has looked at something else: a slow answer to an earlier look is dropped.
    """

    view: Span | None = None
    width_px: int = USUAL_PX
    asked: int = 0


class NightPage:
    """The page as one user has it open."""

    def __init__(self, at: PageContext, patient: str, name: str, night: date, found: NightView) -> None:
        self._at = at
        self._patient = patient
        self._name = name
        self._night = night
        self._account: NightAccount = found.account
        self._whole: NightLanes = found.view
        self._frame = figure.frame_of(found.account, found.view)
        self._look = _Look()
        self._refreshed = 0
        self._chart: ui.echart | None = None

    def build(self) -> None:
        """Put everything there."""
        with frame(self._at, words.night_name(self._night)):
            self._root = ui.element("div").props('id="night"')
            self._mark()
            with self._root:
                self._body()
        if self._is_followed():
            ui.timer(REFRESH_S, self._refresh, immediate=False)

    def _body(self) -> None:
        self._head = sections.Head(self._account, self._name)
        if self._account.recorded_ms is None and not self._whole.lanes:
            parts.empty(
                "Nothing recorded in this night",
                "When a device of this patient has sent its first samples, the night opens here and grows.",
            )
            return
        self._numbers = sections.Numbers(self._account)
        with parts.card():
            sections.figure_tools(self._frame)
            self._plot = ui.element("div").props(
                'id="night-plot" tabindex="0" role="img" aria-describedby="night-help"'
            )
            self._plot.on("nightview", self._looked, ["detail"])
            with self._plot:
                self._chart = ui.echart({}).classes("night-chart").style(f"height: {self._frame.height}px")
            sections.figure_help()
        with ui.element("div").classes("night-below"):
            with parts.card():
                self._count = sections.table_tools()
                self._list = ui.html("", sanitize=False).props(
                    'id="night-list" tabindex="0" role="region" aria-label="Desaturations"'
                )
            self._about = sections.About(self._account)
        self._draw(self._whole)
        self._tell()

    def _is_followed(self) -> bool:
        """While more may come: it runs, is analysed again, or is the present night."""
        account = self._account
        waits = any(one.pending for one in account.sources)
        return account.state == "running" or waits or account.now_ms < account.noon_ms.end_ms

    def _mark(self) -> None:
        """Tell the browser what it judges the page's freshness by."""
        account = self._account
        self._root.props["data-zone"] = account.zone
        self._root.props["data-noon"] = str(account.noon_ms.start_ms)
        self._root.props["data-live"] = "true" if self._is_followed() else "false"
        self._root.props["data-refresh"] = str(self._refreshed)

    def _view(self) -> Span:
        return self._look.view or Span(self._frame.start_ms, self._frame.end_ms)

    def _draw(self, part: NightLanes, *, move: bool = False) -> None:
        """Bring the figure up to date; with `move` it shows the view, whatever the browser shows."""
        assert self._chart is not None
        view = self._view()
        made = figure.options(self._frame, self._account, part, view, self._look.width_px)
        if move:
            for one, shown in zip(made["dataZoom"], figure.zoom_to(self._frame, self._account, view), strict=True):
                one |= shown
        self._chart.props["options"] = made
        self._chart.update()
        self._plot.props["aria-label"] = words.spoken(self._frame, self._account, view)

    def _tell(self) -> None:
        """Bring the table up to date."""
        self._count.set_text(words.counted(len(self._account.desaturations), "desaturation"))
        made = table(self._account)
        if made != self._list.content:
            self._list.set_content(made)

    async def _looked(self, event: GenericEventArguments) -> None:
        """The browser looks at another part, or has another width."""
        told = event.args["detail"]
        first_s, last_s, width = (float(told[name]) for name in ("from", "to", "width"))
        if not 0 <= first_s <= last_s <= LATEST_S:
            return
        noon_ms = self._account.noon_ms.start_ms
        view = Span(noon_ms + round(first_s * 1000), noon_ms + round(last_s * 1000))
        look = self._look
        look.view = None if told["whole"] else view
        look.width_px = min(max(round(width), 200), 4000)
        look.asked += 1
        asked = look.asked
        if look.view is None:
            self._draw(self._whole)
            return
        ids = {"patient": self._patient}
        what = f"GET {self._at.path}?start_ms={view.start_ms}&end_ms={view.end_ms}"
        part = await self._at.do(Action.READ_PATIENT, Target.PATIENT, ids, what, lambda: self._part(view))
        if asked == look.asked:
            self._draw(part)

    def _part(self, view: Span) -> NightLanes:
        """The samples of a view and of something around it."""
        context, around_ms = self._at.context, round(AROUND * (view.end_ms - view.start_ms))
        return night_part(
            context.records,
            context.store,
            self._at.access,
            self._at.who,
            self._patient,
            self._night,
            Span(view.start_ms - around_ms, view.end_ms + around_ms),
            round(POINTS * (1 + 2 * AROUND)),
        )

    async def _refresh(self) -> None:
        """Look again: what has come since is shown, and when it was looked at is told."""
        await self._at.look()
        view = self._look.view
        asked = self._look.asked
        try:
            found = await self._at.read(lambda: _read(self._at, self._patient, self._night))
            part = found.view if view is None else await self._at.read(lambda: self._part(view))
        except StoreError:
            return  # without news the browser says from when what is shown is
        if self._chart is None and found.account.recorded_ms is not None:
            ui.navigate.reload()
            return
        before, self._account, self._whole = self._account, found.account, found.view
        self._refreshed += 1
        self._mark()
        self._head.put(self._account)
        if self._chart is None or _same(before, self._account):
            return
        old, self._frame = self._frame, figure.frame_of(found.account, found.view)
        moved = (old.start_ms, old.end_ms) != (self._frame.start_ms, self._frame.end_ms)
        if old.lanes != self._frame.lanes:
            ui.navigate.reload()
            return
        self._numbers.put(self._account)
        self._about.put(self._account)
        self._tell()
        if asked == self._look.asked:
            self._draw(part, move=moved)


def _same(before: NightAccount, now: NightAccount) -> bool:
    """Nothing has come in between."""
    told = [(one.last_ms, one.state, one.desaturations, one.indices, one.worn, one.notes) for one in (before, now)]
    return told[0] == told[1]

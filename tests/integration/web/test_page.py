"""The page in a real browser, over a real server, store and records.

Long because every behaviour of one thing stands together, sharing its set-up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.service.api import RunningServer, ServiceStatus, create_app, create_token, serve
from gateway.service.records import Records, State
from gateway.service.store.base import SampleStore
from gateway.wire.messages import Batch, ClockInfo
from tests.integration.api import synthetic
from tests.integration.api.conftest import SetClock
from tests.servers import require

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


REFRESH_MS = 5_000
"""How often the page asks anew while a night runs."""


@dataclass
class Site:
    """A running service with one night in it."""

    server: RunningServer
    records: Records
    store: SampleStore
    clock: SetClock
    night: synthetic.Night
    token: str

    @property
    def signed_in(self) -> str:
        return f"{self.server.url}/#token={self.token}"


def make_site(folder: Path, *, state: State = State.CLOSED, size: int = synthetic.SIZE) -> Site:
    store, records = synthetic.open_both(folder)
    night = synthetic.fill(store, records, state=state, size=size)
    clock = SetClock()
    clock.now_ms = synthetic.START_MS + size * 1000 + 3_000
    app = create_app(records, store, status=lambda: ServiceStatus(True, "connected"), clock=clock)
    token = create_token(records, "page", ["read"], created_ms=0)
    return Site(serve(app, "127.0.0.1", 0), records, store, clock, night, token)


def close(site: Site) -> None:
    site.server.stop()
    site.store.close()
    site.records.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require("chromium", "chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("site"))
    yield made
    close(made)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab, far from the patient's zone; whatever a script or the content policy complains about fails the test."""
    context = browser.new_context(timezone_id="America/New_York", viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    yield tab
    context.close()
    assert complaints == []


def open_night(page: Page, site: Site) -> None:
    with page.expect_response(lambda answer: "/samples" in answer.url) as answered:
        page.goto(site.signed_in)
    answered.value.finished()
    expect(page.locator("#night")).to_be_visible()
    page.wait_for_timeout(50)  # decoded and drawn


def shown(page: Page) -> str:
    """What the trace says of itself to a screen reader: its interval and the desaturations in it."""
    label = page.locator("#trace").get_attribute("aria-label")
    assert label is not None
    return label


WHOLE = "SpO2 and pulse from 22:25 to 07:34, 64 desaturations marked"


def test_a_fragment_signs_in_and_leaves_no_token_in_the_address(page: Page, site: Site) -> None:
    open_night(page, site)
    assert site.token not in page.url
    expect(page.locator("#title")).to_have_text("Night of Sat 28 March to Sun 29 March 2026")
    expect(page.locator("#freshness")).to_have_text("Complete")
    page.reload()
    expect(page.locator("#night")).to_be_visible()


def test_indices_and_analysis_are_those_of_the_records(page: Page, site: Site) -> None:
    open_night(page, site)
    (night,) = site.records.results.nights()
    values = {name: night.indices[name] or 0.0 for name in ("odi4", "odi3", "t90_pct", "mean_spo2")}
    assert page.locator("#indices dd").all_inner_texts() == [
        f"{values['odi4']:.1f}/h",
        f"{values['odi3']:.1f}/h",
        f"{values['t90_pct']:.1f}%",
        f"{values['mean_spo2']:.1f}%",
        f"{night.indices['min_spo2']:.0f}%",
        f"{night.valid_s / 3600:.1f}h",
    ]
    expect(page.locator("#analysis")).to_have_text("Analysis profile peak, version 1.")
    expect(page.locator(".purpose")).to_contain_text("does not diagnose")


def test_times_are_those_of_the_nights_zone_over_the_change_of_clocks(page: Page, site: Site) -> None:
    open_night(page, site)
    expect(page.locator("#subtitle")).to_have_text(f"{synthetic.DEVICE} · 22:30 CET to 07:30 CEST · Europe/Berlin")
    assert shown(page) == WHOLE


def test_both_curves_and_the_marks_are_drawn(page: Page, site: Site) -> None:
    open_night(page, site)
    counts = page.evaluate(
        """() => {
          const canvas = document.getElementById("trace");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const count = (r, g, b) => {
            let found = 0;
            for (let i = 0; i < data.length; i += 4)
              found += Math.abs(data[i] - r) < 12 && Math.abs(data[i + 1] - g) < 12 && Math.abs(data[i + 2] - b) < 12;
            return found;
          };
          return { spo2: count(15, 106, 139), pulse: count(138, 90, 156), fall: count(201, 106, 18) };
        }"""
    )
    assert counts["spo2"] > 2000
    assert counts["pulse"] > 2000
    assert counts["fall"] > 64 * 5


def test_no_line_is_drawn_over_a_time_without_values(page: Page, site: Site) -> None:
    open_night(page, site)
    box = page.locator("#trace").bounding_box()
    assert box is not None
    margin_s = synthetic.SIZE / 100
    places = [
        box["x"] + 40 + (margin_s + second) / (synthetic.SIZE + 2 * margin_s) * (box["width"] - 50)
        for second in (6_020, 6_180)
    ]
    with page.expect_response(lambda answer: "/samples" in answer.url) as answered:
        page.mouse.move(places[0], box["y"] + 60)
        page.mouse.down()
        page.mouse.move(places[1] + 8, box["y"] + 60, steps=3)
        page.mouse.up()
    answered.value.finished()
    page.mouse.move(0, 0)
    page.wait_for_timeout(50)
    columns = page.evaluate(
        """() => {
          const canvas = document.getElementById("trace");
          const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const near = (i) => [15, 106, 139].every((ink, channel) => Math.abs(data[i + channel] - ink) < 60);
          const drawn = new Set();
          for (let x = 60; x < width; x++)
            for (let y = 0; y < height * 0.6; y++) if (near(4 * (y * width + x))) drawn.add(x);
          return [drawn.size, width - 60, drawn.has(Math.round(width * 0.4))];
        }"""
    )
    assert 0 < columns[0] < 0.7 * columns[1]
    assert columns[2] is False


def test_dragging_zooms_to_what_was_dragged_over_and_a_double_click_shows_all(page: Page, site: Site) -> None:
    open_night(page, site)
    box = page.locator("#trace").bounding_box()
    assert box is not None
    with page.expect_response(lambda answer: "/samples" in answer.url) as answered:
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80, steps=4)
        page.mouse.up()
    assert shown(page) not in (WHOLE, "")
    body = answered.value.json()
    span_s = (body["end_ms"] - body["start_ms"]) / 1000
    assert 0.09 * synthetic.SIZE < span_s < 0.13 * synthetic.SIZE
    assert body["bucket_ms"] == 0  # every sample, now that they fit
    page.locator("#trace").dblclick()
    assert shown(page) == WHOLE


def test_the_wheel_zooms_at_the_pointer(page: Page, site: Site) -> None:
    open_night(page, site)
    page.locator("#trace").hover(position={"x": 41, "y": 80})
    page.mouse.wheel(0, -300)
    expect(page.locator("#reset")).to_be_enabled()
    assert shown(page).startswith("SpO2 and pulse from 22:25 to 05:")
    page.locator("#reset").click()
    assert shown(page) == WHOLE
    expect(page.locator("#reset")).to_be_disabled()


def test_the_keyboard_does_all_that_the_pointer_does(page: Page, site: Site) -> None:
    open_night(page, site)
    page.locator("#trace").focus()
    page.keyboard.press("+")
    zoomed = shown(page)
    page.keyboard.press("ArrowRight")
    moved = shown(page)
    page.keyboard.press("ArrowLeft")
    assert len({WHOLE, zoomed, moved}) == 3
    assert shown(page) == zoomed
    page.keyboard.press("0")
    assert shown(page) == WHOLE
    page.locator("#falls button").first.focus()
    page.keyboard.press("Enter")
    assert "1 desaturation marked" in shown(page)


def test_pointing_reads_out_time_and_values(page: Page, site: Site) -> None:
    open_night(page, site)
    with page.expect_response(lambda answer: "/samples" in answer.url) as answered:
        page.locator("#falls button").nth(40).click()
    answered.value.finished()
    page.wait_for_timeout(50)
    fall = site.night.desaturations[40]
    box = page.locator("#trace").bounding_box()
    assert box is not None
    around = max(60_000, fall.end_ms - fall.start_ms)
    part = (fall.nadir_ms - fall.start_ms + around) / (fall.end_ms - fall.start_ms + 2 * around)
    page.locator("#trace").hover(position={"x": 40 + part * (box["width"] - 50), "y": 50})
    second = (fall.nadir_ms - synthetic.START_MS) // 1000
    near = {f"{site.night.spo2[second + step]:.0f} %" for step in (-1, 0, 1)}
    assert page.locator("#readout .spo2").inner_text() in near
    assert page.locator("#readout b").inner_text().endswith("CEST")
    assert page.locator("#readout .pulse").inner_text().endswith("bpm")


def test_desaturations_are_listed_and_a_click_shows_one(page: Page, site: Site) -> None:
    open_night(page, site)
    expect(page.locator("#falls-title")).to_have_text("64 desaturations")
    page.locator("#by-depth").click()
    depths = [float(text.split()[0]) for text in page.locator("#falls td:nth-child(2)").all_inner_texts()]
    assert len(depths) == 64
    assert depths == sorted(depths, reverse=True)
    page.locator("#falls tr").first.click()
    assert "1 desaturation marked" in shown(page)
    expect(page.locator("#falls tr.chosen")).to_have_count(1)


def test_a_wrong_token_is_told_and_a_right_one_opens(page: Page, site: Site) -> None:
    page.goto(site.server.url)
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.type("slk_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#sign-in-error")).to_have_text("This token is not valid, or no longer.")
    page.locator("#token").fill(site.token)
    page.keyboard.press("Enter")
    expect(page.locator("#night")).to_be_visible()


def test_signing_out_leaves_nothing_behind(page: Page, site: Site) -> None:
    open_night(page, site)
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert synthetic.DEVICE not in page.content()
    assert page.evaluate("sessionStorage.length") == 0
    page.reload()
    expect(page.locator("#sign-in")).to_be_visible()


WORDS = """import("/static/words.js").then((words) => ({
  names: [Date.UTC(2026, 9, 25, 0, 30), Date.UTC(2026, 9, 25, 1, 30)].map(
    (at) => words.clock(at, "Europe/Berlin") + words.zoneName(at, "Europe/Berlin")),
  offsets: [Date.UTC(2026, 2, 29, 0, 59), Date.UTC(2026, 2, 29, 1, 0), 1].map(
    (at) => words.offsetMs(at, "Europe/Berlin") / 60000),
  night: words.nightName("2026-12-31"),
  ages: [59999, 60000, 7199999, 7200000, 172799999, 172800000].map(words.age),
  durations: [1499, 119499, 120000].map(words.duration),
  numbers: [words.number(null), words.number(undefined), words.number(0), words.number(4.25, 0)],
}))"""


def test_words_for_times_and_numbers(page: Page, site: Site) -> None:
    page.goto(site.server.url)
    assert page.evaluate(WORDS) == {
        "names": ["02:30CEST", "02:30CET"],
        "offsets": [60, 120, 60],
        "night": "Thu 31 December to Fri 1 January 2027",
        "ages": ["less than a minute ago", "1 min ago", "119 min ago", "2 h ago", "47 h ago", "2 days ago"],
        "durations": ["1 s", "119 s", "2 min 0 s"],
        "numbers": ["–", "–", "0.0", "4"],
    }


GEOMETRY = """import("/static/geometry.js").then(({ level, nearest, range }) => ({
  nearest: [0, 14, 15, 16, 99].map((wanted) => nearest([10, 20], wanted)),
  calm: range([96, null, 97], 5, 85, 100),
  deep: range([61, 97], 5, 85, 100),
  none: range(undefined, 10, 50, 80),
  level: [0, 50, 100].map((value) => level({ top: 10, height: 200, low: 0, high: 100 }, value)),
}))"""


def test_geometry_of_the_trace(page: Page, site: Site) -> None:
    page.goto(site.server.url)
    assert page.evaluate(GEOMETRY) == {
        "nearest": [0, 0, 1, 1, 1],
        "calm": {"low": 85, "high": 100, "step": 5},
        "deep": {"low": 60, "high": 100, "step": 10},
        "none": {"low": 50, "high": 80, "step": 10},
        "level": [210, 110, 10],
    }


def test_nothing_is_asked_of_any_other_server(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_night(page, site)
    assert len(asked) >= 8
    assert [url for url in asked if not url.startswith(site.server.url + "/")] == []


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "dark")])
def test_it_fits_a_phone_and_the_dark(browser: Browser, site: Site, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    tab = context.new_page()
    open_night(tab, site)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(14, 22, 27)" if scheme == "dark" else "rgb(243, 246, 248)")
    context.close()


def test_no_night_yet_is_said_in_words(page: Page, tmp_path: Path) -> None:
    store, records = synthetic.open_both(tmp_path)
    app = create_app(records, store, status=lambda: ServiceStatus(True, ""))
    token = create_token(records, "page", ["read"], created_ms=0)
    with serve(app, "127.0.0.1", 0) as server:
        page.goto(f"{server.url}/#token={token}")
        expect(page.locator("#blank")).to_be_visible()
        expect(page.locator("#nights-empty")).to_be_visible()
    store.close()
    records.close()


def test_a_running_night_grows_by_itself_and_says_when_it_does_not(page: Page, tmp_path: Path) -> None:
    size = 7_200
    site = make_site(tmp_path, state=State.RUNNING, size=size)
    try:
        page.clock.install()  # the page's timers can be hurried
        open_night(page, site)
        expect(page.locator("#freshness")).to_have_text("Running · last sample less than a minute ago")
        expect(page.locator("#analysis")).to_contain_text("So far")
        before = int(page.locator("#falls-title").inner_text().split()[0])

        after = grow(site, size, 10_800)
        assert after > before
        page.clock.fast_forward(REFRESH_MS)
        expect(page.locator("#falls-title")).to_have_text(f"{after} desaturations", timeout=15_000)
        assert f"to 01:31, {after} desaturations marked" in shown(page)

        site.clock.now_ms += 120_000
        page.clock.fast_forward(REFRESH_MS)
        expect(page.locator("#freshness")).to_have_text("No new data · last sample 2 min ago", timeout=15_000)
        expect(page.locator("#freshness")).to_have_class("chip stale")
    finally:
        close(site)


def grow(site: Site, begin: int, end: int) -> int:
    """Samples arrive, as from ingest's own thread; returns how many desaturations are known then."""
    part = slice(begin, end)
    last = synthetic.START_MS + end * 1000
    seen = tuple(one for one in site.night.desaturations if one.end_ms <= last)

    def ingest() -> None:
        site.store.append(
            [
                Batch(
                    device=synthetic.DEVICE,
                    kind="oximetry",
                    origin="live",
                    session="night",
                    seq=begin // 1200,
                    t0_ms=synthetic.START_MS + begin * 1000,
                    dt_ms=1000,
                    columns={"spo2": site.night.spo2[part].copy(), "pulse": site.night.pulse[part].copy()},
                    clock=ClockInfo("arrival", 500),
                )
            ]
        )
        result = synthetic.result(site.night, seen, State.RUNNING, end)
        site.records.results.replace_night(replace(result, updated_ms=last), seen)
        site.clock.now_ms = last + 3_000

    thread = threading.Thread(target=ingest)
    thread.start()
    thread.join(60)
    return len(seen)


def test_a_service_that_goes_away_is_told_and_what_was_shown_stays(page: Page, tmp_path: Path) -> None:
    site = make_site(tmp_path, state=State.RUNNING, size=7_200)
    try:
        page.clock.install()  # the page's timers can be hurried
        open_night(page, site)
        site.server.stop()
        page.clock.fast_forward(REFRESH_MS)
        expect(page.locator("#connection")).to_contain_text("The service cannot be reached.", timeout=15_000)
        expect(page.locator("#connection")).to_contain_text("What is shown was loaded at")
        expect(page.locator("#night")).to_be_visible()
    finally:
        close(site)

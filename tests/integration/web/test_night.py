"""The page of a night in a real browser, over a real server, store and records.

Long because every behaviour of one page stands together, sharing its set-up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.service.web.pages import night as night_page
from tests.integration.views import night_scene as scene
from tests.integration.web.night_site import (
    ARGUMENTS,
    AXIS,
    PLACE,
    SERIES,
    WAIT_MS,
    Site,
    after,
    elsewhere,
    open_night,
    screenshot_path,
    shown,
    site_of,
    tab_of,
)
from tests.servers import require

START_S = (scene.START_MS - scene.NOON_MS) / 1000
WHOLE = (
    "SpO₂, Pulse, and heart by the bed, Breath, bed, Movement, bed, MAD, Posture, MAD worn from 21:59 to 07:44, "
    "54 desaturations marked"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require("chromium", "chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_of(scene.whole(tmp_path_factory.mktemp("site"))) as made:
        yield made


@pytest.fixture(scope="module")
def opened(browser: Browser, site: Site) -> Iterator[Page]:
    """One tab for all that only looks."""
    with tab_of(browser, site) as tab:
        yield tab


@pytest.fixture
def tab(opened: Page, site: Site) -> Page:
    """The page as it is when it is opened."""
    if not opened.url.endswith(site.path):
        open_night(opened, site)
    if shown(opened) != WHOLE:
        after(opened, lambda: opened.get_by_role("button", name="Whole night").click())
    opened.get_by_role("button", name="By time").click()
    opened.locator("#night-plot").scroll_into_view_if_needed()
    return opened


def test_whose_night_it_is_and_that_it_is_complete(tab: Page, site: Site) -> None:
    expect(tab.locator("h1")).to_have_text("Night of Sat 28 March to Sun 29 March 2026")
    expect(tab.locator(".night-fresh")).to_have_text("✓ Complete")
    expect(tab.get_by_role("link", name="Case 17")).to_have_attribute("href", f"/patients/{site.home.patient.id}")
    expect(tab.locator(".night-steps a")).to_have_text(["← Fri 27 Mar", "Mon 30 Mar →"])
    expect(tab.locator(".night-alone")).to_have_count(2)
    assert [one.is_visible() for one in tab.locator(".night-alone").all()] == [False, False]
    assert shown(tab) == WHOLE


def test_indices_and_analysis_are_those_of_the_records(tab: Page, site: Site) -> None:
    (night,) = site.home.records.results.nights(device=scene.RING, first=scene.NIGHT, last=scene.NIGHT)
    values = {name: value or 0.0 for name, value in night.indices.items()}
    told = {
        name: tab.locator(f'[data-index="{name}"] b').inner_text()
        for name in ("odi4", "odi3", "t90_pct", "mean_spo2", "min_spo2", "valid_h", "seconds_le_88")
    }
    assert told == {
        "odi4": f"{values['odi4']:.1f}",
        "odi3": f"{values['odi3']:.1f}",
        "t90_pct": f"{values['t90_pct']:.1f}",
        "mean_spo2": f"{values['mean_spo2']:.1f}",
        "min_spo2": f"{values['min_spo2']:.0f}",
        "valid_h": f"{night.valid_s / 3600:.1f}",
        "seconds_le_88": f"{values['seconds_le_88'] / 60:.1f}",
    }
    expect(tab.locator('[data-index="odi3"] .unit')).to_have_text("/h")
    expect(tab.locator("#night-about")).to_contain_text(f"analysis profile {night.profile}, version {night.version}")
    expect(tab.locator(".night-first")).to_contain_text("This night reads as mild")
    expect(tab.locator(".sl-footer")).to_contain_text("does not diagnose")


def test_times_are_those_of_the_nights_zone_over_the_change_of_clocks(tab: Page) -> None:
    expect(tab.locator(".night-head")).to_contain_text("22:05 CET to 07:39 CEST · Europe/Berlin")
    hours = ["22:00", "23:00", "00:00", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00"]
    assert tab.evaluate(AXIS) == hours
    expect(tab.locator(".night-falls tbody tr").first).to_contain_text("22:48:04 CET")
    expect(tab.locator(".night-falls tbody tr").last).to_contain_text("CEST")


def test_curves_and_marks_are_drawn(tab: Page) -> None:
    counts = tab.evaluate(
        """() => {
          const canvas = document.querySelector("#night-plot canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const count = (r, g, b) => {
            let found = 0;
            for (let i = 0; i < data.length; i += 4)
              found += Math.abs(data[i] - r) < 12 && Math.abs(data[i + 1] - g) < 12 && Math.abs(data[i + 2] - b) < 12;
            return found;
          };
          return { spo2: count(15, 106, 139), pulse: count(125, 77, 146), nadir: count(192, 90, 0),
            temperature: count(27, 127, 121), supine: count(163, 36, 47), posture: count(77, 113, 134) };
        }"""
    )
    assert counts["spo2"] > 2000
    assert counts["pulse"] > 2000
    assert counts["nadir"] > 54 * 5
    assert min(counts["temperature"], counts["supine"], counts["posture"]) > 300


def test_every_nadir_is_kept_however_little_is_drawn(tab: Page, site: Site) -> None:
    rows = tab.evaluate(SERIES, "spo2")
    values = [value for _, value in rows if value is not None]
    assert len(rows) < 2_000
    assert min(values) == np.nanmin(site.home.samples.spo2)
    assert len(tab.evaluate(SERIES, "nadirs")) == 54


def test_no_line_is_drawn_over_a_time_without_values(tab: Page) -> None:
    begin = START_S + scene.HOLES[0]
    (left, level), (right, _) = (tab.evaluate(PLACE, [begin + by, 90, 0]) for by in (-400, 600))
    box = tab.locator("#night-plot").bounding_box()
    assert box is not None

    def drag() -> None:
        tab.mouse.move(box["x"] + left, box["y"] + level)
        tab.mouse.down()
        tab.mouse.move(box["x"] + right, box["y"] + level, steps=4)
        tab.mouse.up()

    after(tab, drag)
    tab.mouse.move(0, 0)
    tab.wait_for_timeout(150)
    places = [tab.evaluate(PLACE, [begin + by, 95, 0])[0] for by in (-150, 20, 180, 350)]
    drawn = tab.evaluate(
        """(places) => {
          const canvas = document.querySelector("#night-plot canvas");
          const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 190);
          const near = (i) => [15, 106, 139].every((ink, channel) => Math.abs(data[i + channel] - ink) < 60);
          const columns = new Set();
          for (let x = 66; x < width - 20; x++)
            for (let y = 20; y < 190; y++) if (near(4 * (y * width + x))) columns.add(x);
          const some = (a, b) => [...columns].some((x) => a <= x && x < b);
          return [some(places[0] - 20, places[0]), some(places[1], places[2]), some(places[3], places[3] + 20)];
        }""",
        places,
    )
    assert drawn == [True, False, True]


def test_dragging_zooms_and_a_double_click_shows_all(tab: Page, site: Site) -> None:
    box = tab.locator("#night-plot").bounding_box()
    assert box is not None
    asked = len(site.home.records.audit.after(0, limit=10_000))

    def drag() -> None:
        tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
        tab.mouse.down()
        tab.mouse.move(box["x"] + box["width"] * 0.53, box["y"] + 80, steps=4)
        tab.mouse.up()

    assert after(tab, drag) != WHOLE
    rows = tab.evaluate(SERIES, "spo2")
    inside = [at for at, _ in rows]
    assert np.median(np.diff(inside)) == 1.0  # every sample, now that they fit
    entries = site.home.records.audit.after(asked, limit=10)
    assert [(one.action, one.what.partition("?")[0]) for one in entries] == [("read_patient", f"GET {site.path}")]
    tab.mouse.move(box["x"] + 500, box["y"] + 80)
    assert after(tab, lambda: tab.mouse.dblclick(box["x"] + 500, box["y"] + 80)) == WHOLE


def test_the_wheel_zooms_at_the_pointer(tab: Page) -> None:
    tab.locator("#night-plot").hover(position={"x": 64, "y": 80})
    zoomed = after(tab, lambda: tab.mouse.wheel(0, -300))
    assert "from 21:59 to 0" in zoomed
    assert zoomed != WHOLE
    assert after(tab, lambda: tab.get_by_role("button", name="Whole night").click()) == WHOLE
    expect(tab.get_by_role("button", name="Whole night")).to_be_disabled()


def test_the_keyboard_does_all_that_the_pointer_does(tab: Page) -> None:
    tab.locator("#night-plot").focus()
    zoomed = after(tab, lambda: tab.keyboard.press("+"))
    moved = after(tab, lambda: tab.keyboard.press("ArrowRight"))
    assert len({WHOLE, zoomed, moved}) == 3
    assert after(tab, lambda: tab.keyboard.press("ArrowLeft")) == zoomed
    assert after(tab, lambda: tab.keyboard.press("0")) == WHOLE
    tab.locator(".night-falls button").nth(3).focus()
    assert "1 desaturation marked" in after(tab, lambda: tab.keyboard.press("Enter"))


def test_pointing_reads_out_time_and_values(tab: Page, site: Site) -> None:
    after(tab, lambda: tab.locator(".night-falls button").nth(40).click())
    (result,) = site.home.records.results.nights(device=scene.RING, first=scene.NIGHT, last=scene.NIGHT)
    fall = site.home.records.results.desaturations(result)[40]
    x, y = tab.evaluate(PLACE, [(fall.nadir_ms - scene.NOON_MS) / 1000, 95, 0])
    tab.locator("#night-plot").hover(position={"x": x, "y": y})
    second = (fall.nadir_ms - scene.START_MS) // 1000
    near = {f"{site.home.samples.spo2[second + step]:.0f} %" for step in (-1, 0, 1)}
    expect(tab.locator('.night-readout [data-curve="spo2"]')).to_be_visible()
    assert tab.locator('.night-readout [data-curve="spo2"]').inner_text() in near
    assert tab.locator(".night-readout > b").inner_text().endswith("CEST")
    assert tab.locator('.night-readout [data-curve="pulse"]').inner_text().endswith("/min")


def test_desaturations_are_listed_and_a_click_shows_one(tab: Page) -> None:
    expect(tab.locator("#night-falls-title")).to_have_text("54 desaturations")
    tab.get_by_role("button", name="By depth").click()
    depths = [float(text.split()[0]) for text in tab.locator(".night-falls td:nth-child(2)").all_inner_texts()]
    assert len(depths) == 54
    assert depths == sorted(depths, reverse=True)
    assert "1 desaturation marked" in after(tab, lambda: tab.locator(".night-falls tbody tr").first.click())
    expect(tab.locator(".night-falls tr.chosen")).to_have_count(1)


def test_files_are_to_be_had(tab: Page, site: Site) -> None:
    expect(tab.locator(".night-files a")).to_have_text(["PDF", "FHIR", "EDF+", "CSV"])
    with tab.expect_download() as got:
        tab.get_by_role("link", name="CSV").click()
    lines = Path(got.value.path()).read_text().splitlines()
    assert len(lines) == scene.SIZE + 1
    assert got.value.suggested_filename.startswith(site.home.patient.id)


def test_on_paper_there_is_no_button(tab: Page) -> None:
    tab.emulate_media(media="print")
    assert not tab.locator('[data-act="in"]').is_visible()
    assert not tab.locator(".sl-header").is_visible()
    assert tab.locator("#night-plot canvas").is_visible()
    tab.emulate_media(media="screen")


def test_nothing_is_asked_of_any_other_server(browser: Browser, site: Site) -> None:
    asked: list[str] = []
    with tab_of(browser, site) as tab:
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("websocket", lambda socket: asked.append(socket.url.replace("ws://", "http://")))
        open_night(tab, site)
    assert len(asked) >= 12
    assert [url for url in asked if not url.startswith(site.server.url + "/")] == []


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "dark")])
def test_it_fits_a_phone_and_the_dark(browser: Browser, site: Site, width: int, scheme: str) -> None:
    with tab_of(browser, site, viewport={"width": width, "height": 800}, color_scheme=scheme) as tab:
        open_night(tab, site)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        colour = tab.evaluate("somnolinkNight.colour('spo2')")
        assert colour == ("#62c4e6" if scheme == "dark" else "#0f6a8b")
        # The server draws for an ordinary window first, and anew when it has heard how wide this one is.
        until_s = time.monotonic() + 20
        while len(tab.evaluate(AXIS)) > width // 60:
            assert time.monotonic() < until_s, "the axis still has as many labels as a wide window's"
            tab.wait_for_timeout(100)


def test_a_screenshot_is_made(browser: Browser, site: Site, tmp_path: Path) -> None:
    with tab_of(browser, site, viewport={"width": 1280, "height": 1000}) as tab:
        open_night(tab, site)
        made = screenshot_path(tmp_path, "night.png")
        tab.screenshot(path=made, full_page=True)
    assert made.stat().st_size > 50_000


def test_a_night_of_nothing_is_said_in_words(opened: Page, site: Site) -> None:
    opened.goto(f"{site.server.url}/patients/{site.home.patient.id}/nights/2026-03-29")
    expect(opened.get_by_role("heading", name="Nothing recorded in this night")).to_be_visible()
    expect(opened.locator(".night-steps a")).to_have_text(["← Sat 28 Mar", "Mon 30 Mar →"])
    expect(opened.locator("#night-plot")).to_have_count(0)


@pytest.mark.parametrize("night", ["yesterday", "2026-02-30", "99999-01-01"])
def test_what_is_no_night_is_not_found(opened: Page, site: Site, night: str) -> None:
    answer = opened.goto(f"{site.server.url}/patients/{site.home.patient.id}/nights/{night}")
    assert answer is not None
    assert answer.status == 404
    expect(opened.locator("h1")).to_have_text("Not found")


def test_who_does_not_care_for_the_patient_sees_nothing(browser: Browser, site: Site) -> None:
    stranger = site.dentist("stranger@example.org")
    with tab_of(browser, site, user=stranger) as tab:
        answer = tab.goto(site.server.url + site.path)
        assert answer is not None
        assert answer.status == 404
        assert "Case 17" not in tab.content()


def test_an_event_of_who_has_left_the_team_gives_nothing(browser: Browser, site: Site) -> None:
    teams, leaver = site.home.records.teams, site.dentist("leaver@example.org")
    elsewhere(lambda: teams.put_user(site.team, leaver, belongs=True))
    with tab_of(browser, site, user=leaver) as tab:
        open_night(tab, site)
        before = tab.evaluate(SERIES, "spo2")
        elsewhere(lambda: teams.put_user(site.team, leaver, belongs=False))
        tab.locator('[data-act="in"]').click()
        expect(tab.locator(".q-notification")).to_contain_text("not yours to see")
        assert tab.evaluate(SERIES, "spo2") == before


NONSENSE = (
    """([detail]) => document.querySelector("#night-plot").dispatchEvent(new CustomEvent("nightview", { detail }))"""
)


@pytest.mark.parametrize(
    "detail", [None, [], {"from": "x"}, {"from": -1, "to": 5, "width": 9, "whole": False}, {"from": 0, "to": 1e300}]
)
def test_nonsense_from_a_browser_changes_nothing(tab: Page, detail: object) -> None:
    tab.evaluate(NONSENSE, [detail])
    tab.wait_for_timeout(200)
    assert shown(tab) == WHOLE
    expect(tab.locator(".q-notification")).to_have_count(0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night_page, "REFRESH_S", 0.5)


@pytest.mark.usefixtures("quick")
def test_a_running_night_grows_by_itself_and_says_when_it_does_not(browser: Browser, tmp_path: Path) -> None:
    home = scene.Home(tmp_path)
    home.assign(scene.RING)
    home.ring(7_200, close=False)
    with site_of(home) as site, tab_of(browser, site) as tab:
        open_night(tab, site)
        expect(tab.locator(".night-fresh")).to_have_text("● Running · last sample just now")
        expect(tab.locator(".night-first")).to_contain_text("So far")
        before = int(tab.locator("#night-falls-title").inner_text().split()[0])
        elsewhere(lambda: home.ring(8_400, close=False))
        expect(tab.locator("#night-falls-title")).not_to_have_text(f"{before} desaturations", timeout=WAIT_MS)
        (result,) = home.records.results.nights(device=scene.RING)
        marked = f"{len(home.records.results.desaturations(result))} desaturations marked"
        expect(tab.locator("#night-plot")).to_have_attribute(
            "aria-label", f"SpO₂, Pulse, and heart by the bed from 22:28 to 01:00, {marked}"
        )
        assert tab.evaluate(SERIES, "spo2")[-1][0] == pytest.approx(START_S + 8_399, abs=30)
        home.clock.now_ms += 120_000
        expect(tab.locator(".night-fresh")).to_have_text("◆ No new data · last sample 2 min ago", timeout=WAIT_MS)
        expect(tab.locator(".night-fresh .sl-badge.warning")).to_be_visible()


@pytest.mark.usefixtures("quick")
def test_a_session_that_ends_leaves_nothing_on_the_page(browser: Browser, tmp_path: Path) -> None:
    home = scene.Home(tmp_path)
    home.assign(scene.RING)
    home.ring(7_200, close=False)
    with site_of(home) as site, tab_of(browser, site) as tab:
        open_night(tab, site)
        home.clock.now_ms += 30 * 24 * scene.HOUR_MS
        tab.wait_for_url("**/sign-in?**", timeout=WAIT_MS)
        assert "Case 17" not in tab.content()


@pytest.mark.usefixtures("quick")
def test_a_service_that_goes_away_is_told_and_what_was_shown_stays(browser: Browser, tmp_path: Path) -> None:
    home = scene.Home(tmp_path)
    home.assign(scene.RING)
    home.ring(7_200, close=False)
    with site_of(home) as site, tab_of(browser, site) as tab:
        open_night(tab, site)
        elsewhere(site.server.stop)
        said = tab.locator("p.night-alone")
        expect(said).to_be_visible(timeout=WAIT_MS)
        expect(said).to_contain_text("The service cannot be reached. What is shown was loaded at 00:30:03 CET")
        expect(tab.locator(".night-fresh")).not_to_be_visible()
        expect(tab.locator(".sl-badge.night-alone")).to_have_text("◆ No contact · last sample seen 00:30:00 CET")
        expect(tab.locator("#night-plot canvas")).to_be_visible()

"""Night view and worklist over the API, and a night's page in Chromium, with a clinic of 1,000 patients x 90 nights.

    python benchmarks/web.py [--json] [--config FILE] [--clinic clinic-demo] [--patients N] [--nights N] [--rounds N]

With `--config`, the clinic that `somnolink seed` has put into the store and records which that file names; no service
need run. Without it a clinic of `--patients` x `--nights` is made first, in a folder that goes again.

The server is a process of its own, as the service's, and the requests come one after the other over one connection that
is kept: nights of patients picked at random among those with samples, as a dentist of one team; the worklist as a
physician of all teams (every patient of the clinic). Beside them, in the same rounds, what the same server takes for
`/api/v1/health`, which does nothing: the bare peer. The page is opened anew in headless Chromium, signed in, and counts
as usable when its figure is drawn and its connection to the server stands.

`--json` prints one flat JSON object. Keys: `patients`, `night_results`, `night_p50_ms`, `night_p95_ms` (limit 50),
`worklist_p50_ms`, `worklist_p95_ms` (limit 300), `health_p50_ms`, `health_p95_ms`, `page_usable_ms` (median; limit
1500; null without Chromium), `page_usable_worst_ms`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing import Queue, get_context
from pathlib import Path

import httpx

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from gateway.cli.programs import open_service_stores
from gateway.clock import SystemClock
from gateway.demo.seed import Order, seed_clinic
from gateway.service.api.auth import create_token
from gateway.service.records import Records
from gateway.service.sign_in import SignIn
from gateway.settings import load_settings

CHROMIUM = "/usr/bin/chromium"
PAGES = 9
PATIENCE_S = 120.0


def host(config: Path, told: Queue[str], end: Queue[str]) -> None:
    """Serve the API and the pages until told to end."""
    from gateway.service.api import ServiceStatus, create_app, serve
    from gateway.service.app import settle_heap

    store, records = open_service_stores(load_settings(config))
    app = create_app(records, store, status=lambda: ServiceStatus(True, ""), clock=SystemClock())
    with serve(app, "127.0.0.1", 0) as server:
        settle_heap()
        told.put(server.url)
        end.get()
    store.close()
    records.close()


def newest_nights(records: Records, clinic: str) -> list[tuple[str, str, str]]:
    """(patient, date of their newest night with oximetry, a dentist who sees them)."""
    dentist_of = {
        patient: user
        for team in records.teams.list(clinic)
        for user in team.users
        if (known := records.users.get(user)) is not None and known.role == "dentist"
        for patient in team.patients
    }
    found = []
    for one in records.assignments.list():
        if one.device.startswith("o2ring-") and one.patient in dentist_of:
            nights = records.results.nights(device=one.device, kind="oximetry", limit=1)
            if nights:
                found.append((one.patient, nights[0].night.isoformat(), dentist_of[one.patient]))
    return found


def timed(client: httpx.Client, path: str, token: str | None = None) -> float:
    """Milliseconds of one request."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    begun = time.perf_counter()
    answer = client.get(path, headers=headers)
    took = 1000 * (time.perf_counter() - begun)
    answer.raise_for_status()
    return took


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many per cent do not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))], 1)


def open_pages(url: str, records: Records, user: str, nights: Sequence[tuple[str, str, str]]) -> list[float]:
    """Milliseconds until a night's page is usable, each opened anew; empty without a browser."""
    if not Path(CHROMIUM).exists():
        return []
    from playwright.sync_api import sync_playwright

    sign_in = SignIn(records, SystemClock())
    session = sign_in.start_by_link(sign_in.link(user).text, address="127.0.0.1").token
    took = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "somnolink_session", "value": session, "url": url}])
        for patient, night, _ in nights:
            page = context.new_page()
            begun = time.perf_counter()
            page.goto(f"{url}/patients/{patient}/nights/{night}")
            page.wait_for_selector("canvas", timeout=PATIENCE_S * 1000)
            page.wait_for_function("window.socket && window.socket.connected", timeout=PATIENCE_S * 1000)
            took.append(1000 * (time.perf_counter() - begun))
            page.close()
        browser.close()
    return took


def measure(config: Path, records: Records, clinic: str, rounds: int) -> dict[str, object]:
    """Run it: what `--json` prints."""
    now_ms = SystemClock().utc_ms()
    picked = random.Random(1)
    nights = newest_nights(records, clinic)
    tokens = {
        user: create_token(records, f"bench {user} {now_ms}", ["read"], created_ms=now_ms, user=user)
        for user in {user for _, _, user in nights}
    }
    physician = next(one.id for one in records.users.list(clinic=clinic) if one.role == "physician")
    everybody = create_token(records, f"bench {physician} {now_ms}", ["read"], created_ms=now_ms, user=physician)
    spawning = get_context("spawn")
    told, end = spawning.Queue(), spawning.Queue()
    server = spawning.Process(target=host, args=(config, told, end), daemon=True)
    server.start()
    url = told.get(timeout=PATIENCE_S)
    views, lists, bare = [], [], []
    try:
        with httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE_S) as client:
            for turn in range(-5, rounds):
                patient, night, user = picked.choice(nights)
                view = timed(client, f"/patients/{patient}/nights/{night}/view", tokens[user])
                health = timed(client, "/health")
                listed = timed(client, "/worklist", everybody) if turn % 5 == 0 else None
                if turn >= 0:  # the first ones open files and fill caches
                    views.append(view)
                    bare.append(health)
                    lists += [] if listed is None else [listed]
        user = nights[0][2]
        theirs = [one for one in nights if one[2] == user]
        opened = open_pages(url, records, user, picked.choices(theirs, k=PAGES + 1))[1:]
    finally:
        end.put("")
        server.join(timeout=30)
        server.kill()
    patients = len({patient for patient, _, _ in nights})
    counted = sum(records.results.counts().values())
    return {
        "patients": patients,
        "night_results": counted,
        "night_p50_ms": percentile(views, 50),
        "night_p95_ms": percentile(views, 95),
        "worklist_p50_ms": percentile(lists, 50),
        "worklist_p95_ms": percentile(lists, 95),
        "health_p50_ms": percentile(bare, 50),
        "health_p95_ms": percentile(bare, 95),
        "page_usable_ms": percentile(opened, 50) if opened else None,
        "page_usable_worst_ms": percentile(opened, 100) if opened else None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="Night view, worklist and a page, with a full clinic.")
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--config", type=Path, help="settings of a store and records that were seeded")
    parser.add_argument("--clinic", default="clinic-demo")
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--nights", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="somnolink-web-") as folder:
        config = options.config or Path(folder) / "service.toml"
        if options.config is None:
            config.write_text(f'[service]\ndata = "{folder}"\n')
        store, records = open_service_stores(load_settings(config))
        with store:
            if options.config is None:
                last = (datetime.now(UTC) - timedelta(days=1)).date()
                order = Order(options.clinic, options.patients, options.nights, 1, 8, min(2, options.nights), last)
                seed_clinic(records, store, order, now_ms=SystemClock().utc_ms())
            results = measure(config, records, options.clinic, options.rounds)
            records.close()
    if options.json:
        print(json.dumps(results))
        return
    for key, value in results.items():
        print(f"{key:24} {value}")


if __name__ == "__main__":
    main()

"""The view of a night: over the API, and as a page in Chromium, with six lanes of 28,800 samples and 600 desaturations.

    python benchmarks/night_view.py [--json] [--rounds N] [--no-page]

The service runs in a process of its own. `ask` and `open_page` take the address of any service, so that the same may be
measured on one that holds a whole clinic.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import httpx
import numpy as np
import psutil

LIMIT_MS = 50.0
PAGE_LIMIT_MS = 1500.0
SIZE = 28_800
FALLS = 600
NIGHT = date(2026, 2, 3)
ZONE = "Europe/Berlin"
DEVICES = {"oximetry": "o2ring-00000000a1", "wear": "mad-00000000a1", "bed": "bed-00000000a1"}


def ask(
    url: str, token: str, patient: str, night: str, rounds: int, before: Callable[[], None] = lambda: None
) -> list[float]:
    """Milliseconds that each answer of a whole night took, read to its end."""
    path = f"{url}/api/v1/patients/{patient}/nights/{night}/view"
    found = []
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        client.get(path).raise_for_status()
        for _ in range(rounds):
            before()
            begin = time.perf_counter()
            answer = client.get(path)
            found.append(1000 * (time.perf_counter() - begin))
            answer.raise_for_status()
    return found


def open_page(url: str, session: str, path: str, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the navigation to the drawn figure: in a browser that has nothing kept, and in one that has."""
    from playwright.sync_api import sync_playwright

    first, again = [], []
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_cookies([{"name": "somnolink_session", "value": session, "url": url}])
            tab = context.new_page()
            for times in (first, again):
                begin = time.perf_counter()
                tab.goto(url + path, wait_until="commit")
                tab.wait_for_selector("#night-plot[data-drawn]", timeout=30_000)
                times.append(1000 * (time.perf_counter() - begin))
            context.close()
        browser.close()
    return first, again


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(times, 95))


def fill(folder: Path) -> dict[str, str]:
    """One night of six full lanes; what a client needs to look at it."""
    from gateway.service.api import create_token
    from gateway.service.nights import night_bounds
    from gateway.service.records import Desaturation, NightResult, Records, Role, State, Stretch
    from gateway.service.store.sqlite import SqliteStore
    from gateway.wire.messages import SCHEMA, Batch, ClockInfo

    rng = np.random.default_rng(1)
    seconds = np.arange(SIZE)
    start_ms = night_bounds(NIGHT, ZONE)[0] + 10 * 3_600_000
    columns = {
        "spo2": np.round(95 + 2 * np.sin(seconds / 9) + rng.normal(0, 1, SIZE)),
        "pulse": np.round(62 + 8 * np.sin(seconds / 20) + rng.normal(0, 2, SIZE)),
        "temperature": 35.6 + rng.normal(0, 0.1, SIZE),
        "accel_x": 1000 * np.sin(seconds / 2000),
        "accel_y": 1000 * np.cos(seconds / 2000),
        "accel_z": np.full(SIZE, 100.0),
        "heart_rate": 60 + rng.normal(0, 2, SIZE),
        "respiration_rate": 14 + rng.normal(0, 1, SIZE),
        "movement": (rng.random(SIZE) < 0.05).astype(float),
        "presence": np.ones(SIZE),
    }
    with SqliteStore(folder / "samples.db") as store:
        for kind, device in DEVICES.items():
            told = {name: values.astype(SCHEMA[kind][name]) for name, values in columns.items() if name in SCHEMA[kind]}
            store.append(
                [
                    Batch(
                        device=device,
                        kind=kind,
                        origin="stored",
                        session="night",
                        seq=seq,
                        t0_ms=start_ms + begin * 1000,
                        dt_ms=1000,
                        columns={name: values[begin : begin + 9600].copy() for name, values in told.items()},
                        clock=ClockInfo("device", 2000),
                        last=begin + 9600 >= SIZE,
                    )
                    for seq, begin in enumerate(range(0, SIZE, 9600))
                ]
            )
    records = Records(folder / "records.db")
    patient = records.people.add_patient("clinic", "Case 17", zone=ZONE, at_ms=0).id
    team = records.teams.add("clinic", "own").id
    user = records.users.add("clinic", "dentist", Role.DENTIST, at_ms=0).id
    records.teams.put_user(team, user, belongs=True)
    records.teams.put_patient(team, patient, belongs=True)
    falls = [
        Desaturation(at, at + 20_000, at + 35_000, 96.0, 90.0, 6.0, 120.0, 0.9)
        for at in range(start_ms, start_ms + FALLS * 48_000, 48_000)
    ]
    events = [Stretch("disturbance", one.start_ms, one.nadir_ms) for one in falls[::2]]
    wear = [Stretch("wear", start_ms, start_ms + SIZE * 1000, {"supine_min": 200.0, "suspect": []})]
    indices = {f"biomarker_{number}": float(number) for number in range(60)} | {"odi3": 75.0, "odi4": 70.0}
    result = NightResult(
        "", NIGHT, "", "1", ZONE, State.CLOSED, start_ms, start_ms + SIZE * 1000, float(SIZE), indices, start_ms
    )
    for kind, profile, found in (("oximetry", "peak", []), ("wear", "wear", wear), ("bed", "bed", events)):
        device = DEVICES[kind]
        records.devices.enrol("home", device, zone=ZONE, at_ms=0)
        records.assignments.assign(device, patient, from_ms=0)
        told = replace(result, device=device, profile=profile)
        records.results.replace_night(told, falls if kind == "oximetry" else (), found)
    token = create_token(records, "bench", ["read"], created_ms=0, user=user)
    records.close()
    return {"patient": patient, "user": user, "token": token}


def run_service(folder: Path) -> None:
    """Serve until standard input ends; say where on standard output."""
    from gateway.clock import SystemClock
    from gateway.service.api import ServiceStatus, create_app, serve
    from gateway.service.records import Records
    from gateway.service.sign_in import SignIn
    from gateway.service.store.sqlite import SqliteStore

    records, user = Records(folder / "records.db"), sys.stdin.readline().strip()
    sign_in = SignIn(records, SystemClock())
    session = sign_in.start_by_link(sign_in.link(user).text, address="127.0.0.1").token
    with SqliteStore(folder / "samples.db") as store:
        app = create_app(records, store, status=lambda: ServiceStatus(True, ""), sign_in=sign_in)
        with serve(app, "127.0.0.1", 0) as server:
            print(json.dumps({"url": server.url, "session": session}), flush=True)
            sys.stdin.read()
    records.close()


def forget(folder: Path) -> None:
    """Have the system forget what it keeps of the files in memory."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--no-page", action="store_true")
    parser.add_argument("--serve", type=Path)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        run_service(chosen.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = fill(folder)
        command = [sys.executable, __file__, "--serve", str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
            assert service.stdin is not None
            assert service.stdout is not None
            service.stdin.write(known["user"] + "\n")
            service.stdin.flush()
            found = json.loads(service.stdout.readline())
            asked = (found["url"], known["token"], known["patient"], NIGHT.isoformat())
            ask(*asked, rounds=10)
            watched = psutil.Process(service.pid)
            begin = sum(watched.cpu_times()[:2])
            warm = ask(*asked, rounds=chosen.rounds)
            processor_ms = 1000 * (sum(watched.cpu_times()[:2]) - begin) / chosen.rounds
            cold = ask(*asked, rounds=max(20, chosen.rounds // 5), before=lambda: forget(folder))
            told = {
                "night_p50_ms": statistics.median(warm),
                "night_p95_ms": p95(warm),
                "night_processor_ms": processor_ms,
                "night_cold_p50_ms": statistics.median(cold),
                "night_cold_p95_ms": p95(cold),
                "limit_ms": LIMIT_MS,
            }
            if not chosen.no_page:
                path = f"/patients/{known['patient']}/nights/{NIGHT.isoformat()}"
                first, again = open_page(found["url"], found["session"], path, 5)
                told |= {
                    "page_first_ms": statistics.median(first),
                    "page_ms": statistics.median(again),
                    "page_best_ms": min(again),
                    "page_limit_ms": PAGE_LIMIT_MS,
                }
            service.stdin.close()
            service.wait(20)
    rounded = {key: round(value, 1) for key, value in told.items()}
    print(json.dumps(rounded) if chosen.json else "\n".join(f"{key}: {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    main()

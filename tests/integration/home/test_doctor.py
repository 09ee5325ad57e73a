"""`somnolink doctor` as a patient's helper runs it: what is wrong on this computer, in the words of the page."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from gateway.cli.doctor import check_disk, check_gateway, check_outbox
from gateway.home.conditions import CONDITIONS, DeviceFacts, HomeFacts
from gateway.home.page.server import Page
from gateway.settings import HomeSettings, Settings

NOW = 1_790_114_400_000
WELL = HomeFacts(NOW, 10_000.0, devices=(DeviceFacts("o2ring-0123456789", "ring", NOW - 1000, battery_pct=80.0),))


def settings(tmp_path: Path, **home: object) -> Settings:
    return Settings(home=HomeSettings(data=str(tmp_path), **home))  # type: ignore[arg-type]  # fields of many types


@contextmanager
def page_of(facts: HomeFacts) -> Iterator[int]:
    """A gateway's page, served from a thread of its own."""
    ready: list[int] = []
    up, down = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with Page(lambda: facts, UTC).serve("127.0.0.1", 0) as port:
            ready.append(port)
            up.set()
            await down.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    try:
        assert up.wait(20)
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(20)
        loop.close()


def test_a_running_gateway_is_asked_and_its_words_are_passed_on(tmp_path: Path) -> None:
    wrong = replace(WELL, radio=frozenset({"radio_silent"}))
    with page_of(wrong) as port:
        found = check_gateway(settings(tmp_path, page_port=port))
    words = CONDITIONS["radio_silent"]
    assert not found.ok
    assert found.found == words.title
    assert words.action in found.advice
    with page_of(WELL) as port:
        found = check_gateway(settings(tmp_path, page_port=port))
    assert found.ok
    assert "has met 1 devices" in found.found


def test_a_gateway_that_does_not_run_is_no_fault_of_its_own(tmp_path: Path) -> None:
    assert check_gateway(settings(tmp_path, page_port=1)).ok
    assert "switched off" in check_gateway(settings(tmp_path, page_port=0)).found


def test_an_outbox_that_cannot_be_read_says_what_it_means_for_the_nights(tmp_path: Path) -> None:
    assert check_outbox(settings(tmp_path)).found.startswith("none yet")
    (tmp_path / "outbox.db").write_bytes(b"this is no database at all, " * 40)
    found = check_outbox(settings(tmp_path))
    assert not found.ok
    assert CONDITIONS["disk_refuses"].title in found.advice


def test_an_outbox_in_use_is_the_gateway_at_work(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN EXCLUSIVE")
    found = check_outbox(settings(tmp_path))
    holder.close()
    assert (found.ok, found.found) == (True, "in use: the gateway is running")


def test_a_folder_that_is_not_there_yet_is_looked_for_above(tmp_path: Path) -> None:
    assert str(tmp_path) in check_disk(settings(tmp_path / "a" / "b")).found


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_names_each_problem_and_what_to_do(tmp_path: Path, as_json: bool) -> None:
    program = "from gateway.cli import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", program, "doctor", *(["--json"] if as_json else [])],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).resolve().parents[3],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "SOMNOLINK_HOME_DATA": str(tmp_path),
            "SOMNOLINK_BROKER_URL": "mqtt://127.0.0.1:1",
        },
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    if as_json:
        findings = {one["what"]: one for one in json.loads(found.stdout)}
        assert not findings["Broker"]["ok"]
        assert CONDITIONS["broker_away"].action in findings["Broker"]["advice"]
        assert set(findings) >= {"Gateway", "Bluetooth", "Broker", "Clock", "Disk", "Outbox"}
    else:
        assert "PROBLEM  Broker: no broker at 127.0.0.1:1" in found.stdout
        assert CONDITIONS["broker_away"].title in found.stdout

"""What the service manager hears, over a real datagram socket, as systemd has it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.home.watchdog import Watchdog
from simulators.timeloop import SimulatedClock, run


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The socket that systemd listens at, and its address as it tells it to services."""
    name = f"somnolink-test-{os.getpid()}-{tmp_path.name}"
    address, told = (str(tmp_path / "notify"),) * 2 if request.param == "path" else ("\0" + name, "@" + name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(address)
        line.setblocking(False)
        yield told, line


def heard(line: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(line.recv(4096).decode())
        except BlockingIOError:
            return found


def environment(address: str, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": address, **more}


def test_ready_signs_of_life_with_the_state_and_stopping(manager: tuple[str, socket.socket]) -> None:
    address, line = manager
    watchdog = Watchdog.from_environment(environment(address, WATCHDOG_USEC="60000000", WATCHDOG_PID=str(os.getpid())))
    assert watchdog.every_s == 20.0

    async def main(clock: SimulatedClock) -> None:
        task = asyncio.create_task(watchdog.keep(clock, alive=lambda: True, state=lambda: "collecting\nfrom 2 devices"))
        await clock.sleep(65)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main, epoch_ms=0)
    state = "STATUS=collecting from 2 devices"
    assert heard(line) == [f"READY=1\n{state}", *[f"WATCHDOG=1\n{state}"] * 3, "STOPPING=1"]


def test_while_a_part_is_stuck_there_is_no_sign_of_life(manager: tuple[str, socket.socket]) -> None:
    address, line = manager
    moves = True

    async def main(clock: SimulatedClock) -> None:
        nonlocal moves
        watchdog = Watchdog(address, 30.0)
        task = asyncio.create_task(watchdog.keep(clock, alive=lambda: moves, state=lambda: "x"))
        await clock.sleep(35)
        moves = False
        heard(line)
        await clock.sleep(300)
        assert heard(line) == []
        moves = True
        await clock.sleep(11)
        assert heard(line) == ["WATCHDOG=1\nSTATUS=x"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main, epoch_ms=0)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},  # meant for another process
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
    ],
)
def test_without_a_watchdog_of_ours_the_state_is_told_now_and_then(variables: dict[str, str]) -> None:
    assert Watchdog.from_environment(variables).timeout_s is None
    assert Watchdog.from_environment(variables).every_s == 30.0


def test_a_manager_that_is_gone_or_was_never_there_is_no_fault(tmp_path: Path) -> None:
    Watchdog().tell("READY=1")
    Watchdog(str(tmp_path / "nobody")).tell("READY=1")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_file_is_one_that_systemd_reads() -> None:
    unit = Path(__file__).resolve().parents[3] / "deploy" / "somnolink-gateway.service"
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    complaints = [line for line in found.stderr.splitlines() if unit.name in line and "not executable" not in line]
    assert complaints == []

"""Kill -9 anywhere is a normal event: gateway, service and broker die at any moment, links drop, the broker is away.

The home (virtual ring, radio, the real gateway) is one process, the service another, Mosquitto in its default
configuration the third; that configuration drops what exceeds its queues and forgets everything when it is killed.
"""

from __future__ import annotations

import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gateway.demo.reconcile import END_OF_TIME, LIVE_MS, STORED_MS, count_matches, rows_of, stored_rows
from gateway.service.records import NightResult, Records
from gateway.service.store import open_store
from gateway.wire.messages import OximetryFlag
from simulators.run_home import Order, plan_of
from simulators.truth import Truth
from tests.servers.mosquitto import MosquittoServer

NIGHT_S = 5400
PATIENCE_S = 240.0


class Program:
    """A child process that can be killed and started again; its stdout is read line by line."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command = command
        self._environment = environment
        self._log = log
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.kills = 0
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=os.environ | self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.put(line)

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def kill9(self) -> None:
        self._process.kill()
        self._process.wait()
        self.kills += 1

    def stop(self) -> None:
        if self.status is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class World:
    """A home, a service and the folder that outlives them."""

    def __init__(self, folder: Path, port: int, order: Order) -> None:
        self.folder = folder
        self.order = order
        path = folder / "order.json"
        path.write_bytes(msgspec.json.encode(order))
        (folder / "home").mkdir(exist_ok=True)
        service = {
            "SOMNOLINK_BROKER_URL": f"mqtt://127.0.0.1:{port}",
            "SOMNOLINK_SERVICE_DATA": str(folder / "service"),
            "SOMNOLINK_SERVICE_HTTP_PORT": "0",
            "SOMNOLINK_SERVICE_AUTO_ENROL": "true",
        }
        program = "from gateway.cli import main; main(['service'])"
        self.service = Program([sys.executable, "-c", program], service, folder / "service.log")
        self.home = Program([sys.executable, "-m", "simulators.run_home", str(path)], {}, folder / "home.log")

    def stop(self) -> None:
        self.home.stop()
        self.service.stop()

    def logs(self) -> str:
        texts = [(self.folder / name).read_text(errors="replace")[-3000:] for name in ("home.log", "service.log")]
        return "\n".join(texts)


@contextmanager
def world(folder: Path, broker: MosquittoServer, **order: object) -> Iterator[World]:
    folder.mkdir()
    plan = Order(data=str(folder / "home"), gateway="home-1", host="127.0.0.1", port=broker.port, seed=11, **order)  # type: ignore[arg-type]
    made = World(folder, broker.port, plan)
    try:
        yield made
    finally:
        made.stop()


def wait_done(made: World) -> None:
    """Wait until the home says that the service has confirmed everything; a service that ended is started again."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if made.service.status is not None:
            made.service.start()
        if made.home.status not in (None, 0):
            pytest.fail(f"the home ended with {made.home.status}\n{made.logs()}")
        try:
            line = made.home.lines.get(timeout=0.2)
        except queue.Empty:
            continue
        if json.loads(line)["event"] == "done":
            return
    pytest.fail(f"not done within {PATIENCE_S} s\n{made.logs()}")


def settled_night(made: World) -> NightResult:
    """Wait until the service has closed the night's result (in simulated data time it is long over)."""
    records = Records(made.folder / "service" / "records.db")
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            nights = records.results.nights()
            if nights and not records.results.stale() and all(night.state == "closed" for night in nights):
                return nights[0]
            if made.service.status is not None:
                made.service.start()
            time.sleep(0.3)
    finally:
        records.close()
    pytest.fail(f"the night was not closed\n{made.logs()}")


def desaturations(made: World, night: NightResult) -> list[object]:
    records = Records(made.folder / "service" / "records.db")
    try:
        return list(records.results.desaturations(night))
    finally:
        records.close()


def check_store(made: World) -> int:
    """Hold the store against the ring's own file and against what the finger showed; returns the live samples."""
    truth = msgspec.msgpack.decode((made.folder / "home" / "truth").read_bytes(), type=Truth)
    trace = plan_of(made.order).traces[0]
    with open_store(f"sqlite:///{made.folder / 'service' / 'samples.db'}") as store:
        (device,) = store.devices()
        stored = rows_of(store.read(device, "oximetry", 0, END_OF_TIME, origin="stored"))
        expected = stored_rows(truth)
        assert stored.size == expected.size, "stored samples lost or doubled"
        assert count_matches(expected, stored, STORED_MS) == expected.size, "stored samples differ or are out of order"
        live = rows_of(store.read(device, "oximetry", 0, END_OF_TIME, origin="live"))
        assert (np.diff(live["t_ms"]) > 0).all(), "live samples doubled or out of order"
        worn = live[(live["flags"] & OximetryFlag.NO_FINGER) == 0]
        # Whatever of the stream was in the outbox is there, with the values that the finger showed around its time.
        index = (worn["t_ms"] - trace.start_utc_ms) // trace.step_ms
        near = [
            (trace.samples.spo2_pct[np.clip(index + shift, 0, trace.samples.size - 1)] == worn["spo2"])
            | np.isnan(worn["spo2"])
            for shift in range(-LIVE_MS // 1000, LIVE_MS // 1000 + 1)
        ]
        assert np.logical_or.reduce(near).all(), "a live sample that the finger never showed"
        for session in store.sessions(device, "oximetry", 0, END_OF_TIME):
            if session.origin == "live":
                assert session.samples * 4000 >= session.end_ms - session.start_ms - 4000, "a gap inside a live session"
            else:
                assert session.complete
        return int(worn.size)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[NightResult, list[object]]:
    """The same night with nothing going wrong."""
    with (
        MosquittoServer() as broker,
        world(tmp_path_factory.mktemp("crash") / "undisturbed", broker, duration_s=NIGHT_S) as made,
    ):
        wait_done(made)
        night = settled_night(made)
        made.stop()
        check_store(made)
        found = desaturations(made, night)
        assert len(found) > 5
        return night, found


def assert_same_analysis(made: World, undisturbed: tuple[NightResult, list[object]]) -> None:
    night, found = undisturbed
    after = settled_night(made)
    assert desaturations(made, after) == found
    for name in ("odi2", "odi3", "odi4", "t90_pct", "mean_spo2", "min_spo2", "valid_s"):
        assert after.indices[name] == night.indices[name], name


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_is_killed_at_random_and_nothing_is_lost_or_doubled(
    tmp_path: Path, undisturbed: tuple[NightResult, list[object]], seed: int
) -> None:
    chance = random.Random(seed)
    with (
        MosquittoServer() as broker,
        world(tmp_path / "killed", broker, duration_s=NIGHT_S, links_cut_at=[60_000, 900, 2500]) as made,
    ):
        victims = ["home", "service", "broker"] * 2
        chance.shuffle(victims)
        for victim in victims:
            time.sleep(chance.uniform(0.5, 3.0))
            if made.home.status == 0:
                break
            if victim == "broker":
                broker.kill9()
                time.sleep(chance.uniform(0.0, 1.5))
                broker.restart()
                continue
            program = made.home if victim == "home" else made.service
            program.kill9()
            time.sleep(chance.uniform(0.0, 1.0))
            program.start()
        wait_done(made)
        assert_same_analysis(made, undisturbed)
        assert made.home.kills + made.service.kills >= 2, "too quick: nothing was disturbed"
        made.stop()
        check_store(made)


def test_the_broker_is_away_for_a_whole_night_of_eight_hours(tmp_path: Path) -> None:
    with MosquittoServer() as broker:
        broker.kill9()
        with world(tmp_path / "away", broker, links_cut_at=[200_000]) as made:
            deadline = time.monotonic() + PATIENCE_S
            pending = 0
            while time.monotonic() < deadline:
                report = json.loads(made.home.lines.get(timeout=PATIENCE_S))
                pending = max(pending, report["pending"])
                if report["event"] == "drain":
                    break
            assert pending > 7000, "a night of live batches should have waited in the outbox"
            broker.restart()
            wait_done(made)
            settled_night(made)
            made.stop()
            assert check_store(made) > 7000

"""A virtual home as a process of its own: ``python -m simulators.run_home ORDER.json``.

It may be killed at any moment. Started again with the same order it goes on at the simulated time that it had reached,
with the gateway's outbox as it was. The ring lost no power: it has lived since the plan's epoch, and what it has
recorded follows from that, so its files are made again, the same.

On stdout it prints one JSON object a line: `Report`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from gateway.home.devices.driver import Mode
from gateway.wire.client import BrokerAddress
from simulators.devices.replay import Recording, replay_options, replay_trace
from simulators.home import FIRST_EVENING, HomePlan, Oximeter, plan_nights, virtual_home
from simulators.radio.quiet import quiet_bumble
from simulators.timeloop import SimulatedClock, run
from simulators.truth import truth_of

REPORT_EVERY_S: Final = 300.0
"""Simulated seconds between two reports."""

SAVE_EVERY_S: Final = 60.0
"""Simulated seconds between two notes of the time that was reached."""


class Order(msgspec.Struct, frozen=True):
    """What the process is to do.

    Attributes
    ----------
    data : str
        Its folder: outbox, time reached, truth.
    recording : str
        An ``.npz`` with `spo2`, `pulse`, `motion`, `start_utc_ms`, `interval_ms` to be replayed; empty: a sleeper.
    password : str
        At the broker; empty for none. The order's file is readable by its owner alone.
    first_evening : datetime or None
        Naive local time at which the first simulation begins; None for a fixed date, so that a seed tells all.
    pace : float or None
        Simulated seconds a real second; None as fast as possible.
    links_cut_at : list of int
        The link of the ring is dropped after so many more bytes, one after the other: faults for tests.
    sensors : bool
        Whether the sleeper has the recorder and the bed sensor too; not where a recording is replayed.
    """

    data: str
    gateway: str
    host: str
    port: int
    username: str = ""
    password: str = ""
    seed: int = 7
    nights: int = 1
    profile: str = "moderate"
    oximeter: Oximeter = "o2ring"
    mode: Mode = "both"
    zone: str = "UTC"
    duration_s: int | None = None
    recording: str = ""
    pace: float | None = None
    first_evening: datetime | None = None
    links_cut_at: list[int] = msgspec.field(default_factory=list)
    sensors: bool = False


class Report(msgspec.Struct, frozen=True):
    """A line of output."""

    event: Literal["night", "time", "pull", "drain", "done"]
    utc_ms: int
    night: int = 0
    done: int = 0
    total: int = 0
    pending: int = 0


def plan_of(order: Order) -> HomePlan:
    """Make the plan that an order asks for."""
    if not order.recording:
        return plan_nights(
            order.seed,
            order.nights,
            profile=order.profile,
            oximeter=order.oximeter,
            zone=order.zone,
            duration_s=order.duration_s,
            first_evening=order.first_evening or FIRST_EVENING,
            sensors=order.sensors,
        )
    with np.load(order.recording) as data:
        start_ms, interval_ms = int(data["start_utc_ms"]), int(data["interval_ms"])
        start = datetime.fromtimestamp(start_ms / 1000, UTC).replace(tzinfo=None)
        recording = Recording(start, interval_ms / 1000, data["spo2"], data["pulse"], data["motion"])
    trace, options = replay_trace(recording, start_utc_ms=start_ms), replay_options(recording)
    # The ring looks for a finger on its own beat: an epoch a whole number of beats before the start meets it.
    lead_ms = -(-600_000 // interval_ms) * interval_ms
    return HomePlan((trace,), start_ms - lead_ms, options=options, zone=order.zone, live_ms=interval_ms)


class _TimeReached:
    """The simulated time that is gone on from."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "time"

    def load(self, epoch_ms: int) -> int:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return epoch_ms

    def save(self, utc_ms: int) -> None:
        _write(self._path, str(utc_ms).encode())


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(data)
    draft.replace(path)


async def _live(order: Order, plan: HomePlan, clock: SimulatedClock) -> None:
    folder = Path(order.data)
    reached = _TimeReached(folder)
    broker = BrokerAddress(order.host, order.port, username=order.username or None, password=order.password or None)

    def tell(event: Literal["night", "time", "pull", "drain", "done"], **values: int) -> None:
        sys.stdout.write(msgspec.json.encode(Report(event, clock.utc_ms(), **values)).decode() + "\n")
        sys.stdout.flush()

    pulled = 0

    def pulling(_device: str, _what: str, done: int, total: int) -> None:
        nonlocal pulled
        if done - pulled >= 4096 or done < pulled or done == total:
            pulled = done
            tell("pull", done=done, total=total)

    async with virtual_home(
        plan, clock, data=folder, broker=broker, gateway=order.gateway, mode=order.mode, progress=pulling
    ) as home:

        async def keep() -> None:
            told_s = clock.monotonic_s()
            while True:
                reached.save(clock.utc_ms())
                if clock.monotonic_s() - told_s >= REPORT_EVERY_S:
                    told_s = clock.monotonic_s()
                    tell("time", pending=(await home.home.outbox.use()).batches)
                await clock.sleep(SAVE_EVERY_S)

        async def cut_links() -> None:
            faults = home.ether.faults(home.device.radio)
            for count in order.links_cut_at:
                cut_before = faults.counts.links_dropped
                faults.drop_link_after(bytes=count)
                while faults.counts.links_dropped == cut_before:
                    await clock.sleep(1.0)

        helpers = [asyncio.create_task(keep()), asyncio.create_task(cut_links())]
        await home.live_through(lambda index: tell("night", night=index))
        reached.save(clock.utc_ms())
        for task in helpers:
            task.cancel()
        tell("drain", pending=(await home.home.outbox.use()).batches)
        await home.home.publisher.until_empty()
        _write(folder / "truth", msgspec.msgpack.encode(truth_of(home)))
        tell("done")


def main(path: str) -> None:
    """Carry out the order in the file `path`."""
    logging.basicConfig(level=logging.WARNING, format="home: %(name)s: %(message)s", stream=sys.stderr)
    for name in ("bumble", "bleak", "bleak_retry_connector"):
        logging.getLogger(name).setLevel(logging.ERROR)
    quiet_bumble()
    order = msgspec.json.decode(Path(path).read_bytes(), type=Order)
    plan = plan_of(order)
    epoch_ms = _TimeReached(Path(order.data)).load(plan.epoch_ms)

    async def live(clock: SimulatedClock) -> None:
        await _live(order, plan, clock)

    run(live, epoch_ms=epoch_ms, pace=order.pace)


if __name__ == "__main__":
    main(sys.argv[1])

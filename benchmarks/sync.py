"""An O2Ring's night pulled over the virtual radio: by the gateway, and by a bare bumble peer that asks the same.

    python benchmarks/sync.py [--json] [--rounds N] [--hours H]

Both talk to the same virtual ring over the same virtual air in one process, by turns, in real time. The clock runs from
the link's coming about at the ring to the night's last byte: for the peer in its memory, for the gateway in batches on
its disk, so the gateway carries bleak, the retry connector, dating, encoding and the commits.

Twice: on an air on which data crosses every 7.5 ms, the shortest connection interval there is (Core 5.4, Vol 6, Part B,
4.5.1; BlueZ asks for 30 to 50 ms, which favours the gateway), and on one that takes no time, where nothing but software
is compared. The limit holds for the first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from bumble.device import Connection, Peer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gateway.clock import Clock, SystemClock
from gateway.home.collect.collector import Collector
from gateway.home.collect.radio import Radio
from gateway.home.devices.viatom import protocol
from gateway.home.devices.viatom.pull import FilePull
from gateway.home.outbox import Outbox
from simulators.devices import DeviceClock, Finger, O2Ring, RingOptions, Samples, Trace
from simulators.radio import Adapter, Ether

LIMIT = 0.9
INTERVAL_S = 0.0075


def night(hours: float, start_ms: int) -> Trace:
    """A finger's readings a second."""
    place = np.arange(round(hours * 3600))
    return Trace(
        start_ms,
        1000,
        Samples(
            spo2_pct=88.0 + place % 12,
            pulse_bpm=50.0 + place % 89,
            perfusion_pct=np.full(place.size, 2.0),
            motion=(place % 97).astype(np.uint8),
            worn=np.ones(place.size, np.bool_),
            poor=np.zeros(place.size, np.bool_),
        ),
    )


class TimedRing(O2Ring):
    """Notes when a link comes about."""

    linked_s = 0.0

    def on_connected(self, connection: Connection) -> None:
        """As the ring does, and look at the clock."""
        self.linked_s = time.perf_counter()
        super().on_connected(connection)


async def by_peer(adapter: Adapter, ring: TimedRing, name: str) -> tuple[float, bytes]:
    """Seconds that a bare bumble peer takes, and what it got."""
    connection = await adapter._device.connect_le(ring.radio.random_address)
    peer = Peer(connection)
    await peer.request_mtu(517)
    await peer.discover_services()
    for service in peer.services:
        await service.discover_characteristics()
    [write] = peer.get_characteristics_by_uuid(protocol.WRITE)
    [notify] = peer.get_characteristics_by_uuid(protocol.NOTIFY)
    answers: asyncio.Queue[protocol.Response] = asyncio.Queue()
    frames = protocol.FrameAssembler()

    def received(value: bytes) -> None:
        for answer in frames.feed(value):
            answers.put_nowait(answer)

    await peer.subscribe(notify, received)

    async def ask(request: bytes) -> protocol.Response:
        for start in range(0, len(request), protocol.WRITE_CHUNK):
            await write.write_value(request[start : start + protocol.WRITE_CHUNK])
        return await answers.get()

    protocol.decode_info((await ask(protocol.request_info())).data)
    pull = FilePull(name, b"")
    while (request := pull.next_request()) is not None:
        pull.feed(await ask(request))
    took_s = time.perf_counter() - ring.linked_s
    await connection.disconnect()
    return took_s, bytes(pull.data)


async def by_gateway(adapter: Adapter, ring: TimedRing, clock: Clock, folder: Path) -> tuple[float, int]:
    """Seconds that the gateway takes until the night is on its disk, and in how many samples."""
    outbox = Outbox(folder / "outbox.db", clock)
    done = asyncio.Event()
    ended_s = 0.0

    def put(batches: int) -> None:
        nonlocal ended_s
        if batches > 1 and not done.is_set():
            ended_s = time.perf_counter()
            done.set()

    outbox.on_put = put
    collector = Collector(Radio(adapter.client_class, adapter.scanner_class), outbox, clock)
    task = asyncio.create_task(collector.run())
    await done.wait()
    waiting = await outbox.next(0, 1 << 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    outbox.close()
    return ended_s - ring.linked_s, len([one for one in waiting if one.kind == "oximetry"])


async def compare(
    interval_s: float, rounds: int, hours: float, tell: Callable[[str], None]
) -> tuple[int, list[float], list[float]]:
    """Both, by turns: bytes of the night, seconds of each round of the peer and of the gateway."""
    clock = SystemClock()
    night_ms = round(hours * 3_600_000)
    start_ms = clock.utc_ms() - night_ms - 600_000
    peer_s: list[float] = []
    gateway_s: list[float] = []
    async with Ether(seed=1, connection_interval_s=interval_s) as ether:
        adapters = [await ether.adapter("hci0"), await ether.adapter("hci1")]
        ring = TimedRing(
            await ether.add_peripheral(rssi_dbm=-58),
            clock,
            Finger([night(hours, start_ms)]),
            serial="2609140042",
            own_clock=DeviceClock(clock, datetime.now(UTC).replace(tzinfo=None)),
            options=RingOptions(interval_s=1.0, sleep_s=1e9),
            since_utc_ms=start_ms,
        )
        await ring.start()
        [(name, data)] = ring.files.items()
        for number in range(rounds + 1):
            took_s, got = await by_peer(adapters[1], ring, name)
            assert got == data
            await asyncio.sleep(0.5)
            with tempfile.TemporaryDirectory() as folder:
                own_s, batches = await by_gateway(adapters[0], ring, clock, Path(folder))
            assert batches * 240 >= hours * 3600
            await asyncio.sleep(0.5)
            if number:  # the first round warms up
                peer_s.append(took_s)
                gateway_s.append(own_s)
                tell(f"{interval_s * 1e3:.1f} ms: peer {took_s * 1e3:.0f} ms, gateway {own_s * 1e3:.0f} ms")
        await ring.stop()
    return len(data), peer_s, gateway_s


def figures(size: int, peer_s: list[float], gateway_s: list[float], air: str) -> dict[str, float]:
    """Rates and their ratio, which is of the same round, so that a busy machine slows both alike."""
    return {
        f"peer_kib_per_s{air}": round(size / 1024 / statistics.median(peer_s), 1),
        f"gateway_kib_per_s{air}": round(size / 1024 / statistics.median(gateway_s), 1),
        f"gateway_of_peer{air}": round(
            statistics.median(peer / own for peer, own in zip(peer_s, gateway_s, strict=True)), 3
        ),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="An O2Ring's night: the gateway against a bare bumble peer.")
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds")
    parser.add_argument("--hours", type=float, default=8.0, help="length of the night")
    options = parser.parse_args()
    logging.getLogger("bumble").setLevel(logging.ERROR)

    def tell(line: str) -> None:
        if not options.json:
            print(line)

    on_air = asyncio.run(compare(INTERVAL_S, options.rounds, options.hours, tell))
    software = asyncio.run(compare(0.0, options.rounds, options.hours, tell))
    result = {
        "night_bytes": on_air[0],
        "rounds": options.rounds,
        **figures(*on_air, ""),
        **figures(*software, "_no_air"),
        "limit": LIMIT,
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()

"""Ingest: decode, commit, analytics step and acknowledgement, against a paho consumer with an empty callback.

    python benchmarks/ingest.py [--json] [--batches N] [--homes N]

Mosquitto on loopback, QoS 1, one 60-sample oximetry batch a message, SQLite store and records with full durability.
Publisher, broker and consumer share this machine's cores in both runs, which take turns; the best of each is told,
and their ratio. The broker's limits are set (and told), since its defaults drop what a burst queues.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.synchronize
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from gateway.clock import SystemClock
from gateway.service.app import Service, ServiceConfig
from gateway.service.records import Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.client import BrokerAddress
from gateway.wire.codec import encode_batch
from gateway.wire.messages import Batch, ClockInfo
from tests.servers.mosquitto import MosquittoServer

INFLIGHT = 1000
SETTINGS = f"max_inflight_messages {INFLIGHT}\nmax_queued_messages 0\nset_tcp_nodelay true"
SAMPLES = 60
T0_MS = 1_773_527_400_000


def make_batch(device: str, seq: int) -> bytes:
    """One minute of a night at 1 Hz with a desaturation of 4 % every four minutes: 15 an hour."""
    seconds = np.arange(seq * SAMPLES, (seq + 1) * SAMPLES)
    spo2 = np.rint(96 - 4 * np.maximum(0, np.sin(seconds / 38.0))).astype("<f4")
    columns = {
        "spo2": spo2,
        "pulse": np.rint(60 + 5 * np.sin(seconds / 29.0)).astype("<f4"),
        "perfusion": np.full(SAMPLES, 3.5, "<f4"),
        "motion": np.zeros(SAMPLES, "u1"),
        "flags": np.zeros(SAMPLES, "<u2"),
    }
    t0_ms = T0_MS + seq * SAMPLES * 1000
    clock = ClockInfo("arrival", 500)
    return encode_batch(Batch(device, "oximetry", "live", f"s-{device}", seq, t0_ms, columns, clock, dt_ms=1000))


Signal = multiprocessing.synchronize.Event


def publish(port: int, batches: int, homes: int, start: Signal, leave: Signal) -> None:
    """Publish from `homes` gateways in turn, as packets made beforehand: a client that costs next to nothing.

    MQTT 3.1.1: CONNECT (3.1), then PUBLISH (3.3) at QoS 1 with at most `INFLIGHT` unconfirmed; a PUBACK (3.4) has 4
    bytes.
    """
    packets = []
    for number in range(batches):
        home, seq = number % homes, number // homes
        device = f"plx-{home:010x}"
        topic = topics.batch(f"home-{home}", device, "oximetry").encode()
        body = (
            len(topic).to_bytes(2, "big") + topic + (number % 65_535 + 1).to_bytes(2, "big") + make_batch(device, seq)
        )
        packets.append(b"\x32" + _length(len(body)) + body)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"\x10\x15\x00\x04MQTT\x04\x02\x00\x3c\x00\x09publisher")
        if connection.recv(4)[3] != 0:
            raise SystemExit("the broker refuses the publisher")
        start.wait()
        sent = confirmed = 0
        while confirmed < 4 * batches:
            room = INFLIGHT - (sent - confirmed // 4)
            if room and sent < batches:
                connection.sendall(b"".join(packets[sent : sent + room]))
                sent = min(batches, sent + room)
            confirmed += len(connection.recv(65_536))
        leave.wait()  # its processor time is read while it lives


def _length(size: int) -> bytes:
    """Remaining length (MQTT 3.1.1, 2.2.3)."""
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(digits)


Begin = Callable[[threading.Event], Callable[[], None]]
"""Starts a consumer that sets the event when it has everything; returns what ends it."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One run: batches a second, and microseconds of processor time a batch of each process."""

    batches_per_s: float
    cpu_us: dict[str, float]


def cpu_s() -> dict[str, float]:
    """Processor seconds so far of the consumer (this process), its line to the broker, the broker and the sender."""
    spent = {"consumer": time.process_time()}
    for child in psutil.Process().children():
        words = child.cmdline()
        roles = {"mosquitto": "broker", "gateway.service.link.process": "line", "--multiprocessing-fork": "sender"}
        role = next((role for word, role in roles.items() if any(word in one for one in words)), None)
        if role is not None:
            times = child.cpu_times()
            spent[role] = times.user + times.system
    return spent


def timed(port: int, batches: int, homes: int, begin: Begin) -> Timed:
    """Measure from the first publish to the consumer's last."""
    context = multiprocessing.get_context("spawn")
    start, leave = context.Event(), context.Event()
    process = context.Process(target=publish, args=(port, batches, homes, start, leave))
    process.start()
    done = threading.Event()
    end = begin(done)
    time.sleep(3.0)  # the publisher prepares its messages
    before, began = cpu_s(), time.perf_counter()
    start.set()
    if not done.wait(300):
        raise SystemExit("the consumer did not get everything within 300 s")
    elapsed, after = time.perf_counter() - began, cpu_s()
    leave.set()
    process.join()
    end()
    return Timed(batches / elapsed, {role: (after[role] - before[role]) / batches * 1e6 for role in after})


def empty_callback(port: int, batches: int) -> Begin:
    """The peer: paho as it comes, on its own thread, with a callback that only counts."""

    def begin(done: threading.Event) -> Callable[[], None]:
        count = 0
        subscribed = threading.Event()

        def received(_client: paho.Client, _userdata: object, _message: paho.MQTTMessage) -> None:
            nonlocal count
            count += 1
            if count == batches:
                done.set()

        client = paho.Client(CallbackAPIVersion.VERSION2, "peer")
        client.on_message = received
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe(topics.ALL_BATCHES, qos=1)
        if not subscribed.wait(10):
            raise SystemExit("the peer is not subscribed")

        def end() -> None:
            client.disconnect()
            client.loop_stop()

        return end

    return begin


def ingest(port: int, batches: int, folder: Path) -> Begin:
    """The service's whole way in, without its web server."""

    def begin(done: threading.Event) -> Callable[[], None]:
        store = SqliteStore(folder / "samples.db")
        records = Records(folder / "records.db")
        config = ServiceConfig(BrokerAddress("127.0.0.1", port), "UTC", auto_enrol=True, http_port=None)
        service = Service(config, store, records, SystemClock())
        service.start(wait_s=10)

        def watch() -> None:
            while service.ingest.counters.batches < batches:
                time.sleep(0.05)  # often would take turns from the threads that are measured
            done.set()

        threading.Thread(target=watch, daemon=True).start()

        def end() -> None:
            service.ingest.settle()
            kept = sum(len(store.read(device, "oximetry", 0, 1 << 42)) for device in store.devices())
            service.stop()
            store.close()
            records.close()
            if kept != batches * SAMPLES:
                raise SystemExit(f"{batches * SAMPLES - kept} samples are missing: the figure means nothing")

        return end

    return begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--batches", type=int, default=20_000)
    parser.add_argument("--homes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    peers, ours = [], []
    with MosquittoServer(settings=SETTINGS) as broker:
        for _ in range(options.rounds):
            peers.append(
                timed(broker.port, options.batches, options.homes, empty_callback(broker.port, options.batches))
            )
            with tempfile.TemporaryDirectory() as folder:
                way = ingest(broker.port, options.batches, Path(folder))
                ours.append(timed(broker.port, options.batches, options.homes, way))
    best, peer = (max(runs, key=lambda run: run.batches_per_s) for runs in (ours, peers))
    version = subprocess.run(["mosquitto", "-h"], capture_output=True, text=True, check=False).stdout.splitlines()[0]
    result = {
        "batches_per_s": round(best.batches_per_s),
        "empty_callback_per_s": round(peer.batches_per_s),
        "ratio": round(best.batches_per_s / peer.batches_per_s, 3),
        **{f"{role}_cpu_us_a_batch": round(us, 1) for role, us in best.cpu_us.items()},
        **{f"peer_{role}_cpu_us_a_batch": round(us, 1) for role, us in peer.cpu_us.items()},
        "samples_a_batch": SAMPLES,
        "batches": options.batches,
        "homes": options.homes,
        "broker": version,
        "max_inflight_messages": INFLIGHT,
        "max_queued_messages": "0 (no limit)",
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()

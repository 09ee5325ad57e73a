"""The alert feed: from the publish of the batch that completes a rule to the listener, beside a bare round trip.

    python benchmarks/feed.py [--json] [--alerts N]

The default set-up: embedded broker, SQLite store and records with full durability, one service with its API, all in
this process, as `somnolink demo` has it. One listener over MQTT and one over server-sent events. Each round publishes
the batch of five minutes at 85 % that completes rule `spo2_low` for one of many patients, and beside it, in turn, a
message of the same size on a topic that nobody works on (publish, broker, subscriber): what the broker alone costs.

The rule's own delay is not in it: `spo2_low` asks for five minutes by definition and is complete with their last
sample; on the way to the batch a gateway adds up to 2 s, for which it collects live samples.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from gateway.clock import SystemClock
from gateway.errors import BrokerError
from gateway.service.api.auth import create_token
from gateway.service.app import Service, ServiceConfig
from gateway.service.records import Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import Connection, Message
from gateway.wire.codec import encode_batch
from gateway.wire.feed import decode_event
from gateway.wire.messages import Batch, ClockInfo

HOME, CLINIC = "home-1", "clinic"
SAMPLES = 300
LIMIT_MS = 1000.0
PATIENCE_S = 120.0


def make_batch(device: str, t0_ms: int) -> bytes:
    """Five minutes at 85 %, one sample a second."""
    columns = {"spo2": np.full(SAMPLES, 85, "<f4"), "flags": np.zeros(SAMPLES, "<u2")}
    clock = ClockInfo("arrival", 500)
    return encode_batch(Batch(device, "oximetry", "live", f"s-{device}", 0, t0_ms, columns, clock, dt_ms=1000))


class Arrivals:
    """When what arrived, by name."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[str, float]] = queue.Queue()

    def note(self, name: str) -> None:
        """It is here."""
        self._queue.put((name, time.perf_counter()))

    def wait(self, name: str) -> float:
        """When it came; another's name in between is passed over."""
        while True:
            found, at_s = self._queue.get(timeout=PATIENCE_S)
            if found == name:
                return at_s


def listen_sse(url: str, token: str, arrivals: Arrivals, ready: threading.Event) -> None:
    """Read the stream until the server ends it."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.stream("GET", f"{url}/api/v1/feed/{CLINIC}", headers=headers, timeout=None) as answer:
            for line in answer.iter_lines():
                ready.set()
                if line.startswith("data: "):
                    arrivals.note(decode_event(line[6:]).device or "")
    except httpx.HTTPError:
        return


def measure(alerts: int, folder: Path) -> dict[str, float]:
    """Run all rounds."""
    clock = SystemClock()
    t0_ms = clock.utc_ms() - SAMPLES * 1000
    store, records = SqliteStore(folder / "samples.db"), Records(folder / "records.db")
    devices = [f"o2ring-{number:010x}" for number in range(alerts + 1)]
    for device in devices:
        records.devices.enrol(HOME, device, zone="UTC", at_ms=0)
        patient = records.people.add_patient(CLINIC, device, zone="UTC", at_ms=0)
        records.assignments.assign(device, patient.id, from_ms=0)
    token = create_token(records, "benchmark", ["read"], created_ms=0)
    mqtt, sse, bare = Arrivals(), Arrivals(), Arrivals()
    with ExitStack() as stack:
        stack.callback(records.close)
        stack.callback(store.close)
        broker = stack.enter_context(EmbeddedBroker([HOME, CLINIC, SERVICE_USER]))
        config = ServiceConfig(broker.address(SERVICE_USER), "UTC", http_port=0)
        service = stack.enter_context(Service(config, store, records, clock))
        service.start(wait_s=60)

        def heard(message: Message) -> None:
            if message.topic != topics.feed(CLINIC):
                raise SystemExit(f"heard {message.payload[:200]!r} on {message.topic}")
            mqtt.note(decode_event(message.payload).device or "")

        def connect(user: str, name: str, handler: Callable[[Message], None], subscriptions: list[str]) -> Connection:
            # The embedded broker leaves a subscription unanswered now and then: a client connects again.
            for _ in range(4):
                made = Connection(broker.address(user), name, on_message=handler, on_lost=lambda _reason: None)
                try:
                    made.open(subscriptions)
                    break
                except BrokerError as error:
                    print(f"{name}: {error}; once more", file=sys.stderr)
            else:
                raise SystemExit(f"{name}: not connected")
            stack.callback(made.close)
            return made

        connect(CLINIC, "listener", heard, [topics.feed(CLINIC)])
        connect(HOME, "peer", lambda message: bare.note(message.payload[:8].decode()), [topics.command(HOME)])
        home = connect(HOME, "home", lambda _message: None, [])
        # The bare round trip: the service's account may write where the home may read.
        sender = connect(SERVICE_USER, "sender", lambda _message: None, [])
        ready = threading.Event()
        assert service.url is not None
        threading.Thread(target=listen_sse, args=(service.url, token, sse, ready), daemon=True).start()
        if not ready.wait(PATIENCE_S):
            raise SystemExit("the stream did not open")
        delays: dict[str, list[float]] = {"mqtt": [], "sse": [], "bare": []}
        for number, device in enumerate(devices):
            payload = make_batch(device, t0_ms)
            begun = time.perf_counter()
            home.publish(topics.batch(HOME, device, "oximetry"), payload)
            found = {"mqtt": mqtt.wait(device) - begun, "sse": sse.wait(device) - begun}
            time.sleep(0.05)
            begun = time.perf_counter()
            sender.publish(topics.command(HOME), b"%08d" % number + payload[8:])
            found["bare"] = bare.wait(f"{number:08d}") - begun
            time.sleep(0.05)
            if number:  # the first has kernels and connections to warm up
                for name, delay_s in found.items():
                    delays[name].append(delay_s * 1000)
    result: dict[str, float] = {}
    for name, values in delays.items():
        result |= {f"{name}_p50_ms": float(np.median(values)), f"{name}_p99_ms": float(np.percentile(values, 99))}
    worst = max(result["mqtt_p99_ms"], result["sse_p99_ms"])
    result |= {"p99_ms": worst, "limit_ms": LIMIT_MS, "of_limit": worst / LIMIT_MS, "alerts": float(alerts)}
    result["over_bare_p50"] = max(result["mqtt_p50_ms"], result["sse_p50_ms"]) / result["bare_p50_ms"]
    return {name: round(value, 3) for name, value in result.items()}


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alerts", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments.alerts, Path(folder))
    if arguments.json:
        print(json.dumps(result))
        return
    for way, what in (("bare", "bare publish and subscribe"), ("mqtt", "alert over MQTT"), ("sse", "alert over SSE")):
        print(f"{what:28} p50 {result[way + '_p50_ms']:8.1f} ms   p99 {result[way + '_p99_ms']:8.1f} ms")
    print(
        f"p99 {result['p99_ms']:.1f} ms of {LIMIT_MS:.0f} ms allowed; p50 {result['over_bare_p50']:.1f} x a bare trip"
    )


if __name__ == "__main__":
    main()

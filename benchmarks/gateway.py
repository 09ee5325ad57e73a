"""The home gateway's own cost: resident memory and processor time when idle, against a bare Python process.

    python benchmarks/gateway.py [--json]

The gateway runs as its own process, as on a Raspberry Pi, with its outbox, a broker (Mosquitto on loopback) and the
real collector. It has a virtual radio's scanner instead of BlueZ where there is no adapter (as here): what bleak's
BlueZ backend would add is its D-Bus client, which is imported all the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers.mosquitto import MosquittoServer

GATEWAY = """
import asyncio, sys
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
import bleak.backends.bluezdbus.client, bleak.backends.bluezdbus.scanner
from gateway.clock import SystemClock
from gateway.home.agent import Home, HomeConfig
from gateway.home.collect.radio import Radio
from gateway.wire.client import BrokerAddress

class SilentRadio(Radio):
    @asynccontextmanager
    async def scan(self, heard):
        yield

async def main():
    config = HomeConfig("home-1", Path(sys.argv[1]), BrokerAddress("127.0.0.1", int(sys.argv[2])), UTC)
    async with Home(config, SilentRadio(), SystemClock()) as home:
        await home.run()

asyncio.run(main())
"""
BARE = "import time; time.sleep(600)"
SETTLE_S = 8.0


def measure(program: str, *arguments: str, idle_s: float) -> tuple[float, float]:
    """Resident MiB after settling, and the share of one core in % over `idle_s`."""
    child = subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=ROOT)
    try:
        process = psutil.Process(child.pid)
        time.sleep(SETTLE_S)
        if child.poll() is not None:
            raise SystemExit(f"the process ended with status {child.returncode}")
        before = sum(process.cpu_times()[:2])
        began = time.perf_counter()
        time.sleep(idle_s)
        share = (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - began)
        return process.memory_info().rss / (1 << 20), 100 * share
    finally:
        child.kill()
        child.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The home gateway's memory and idle processor time.")
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the idle measurement")
    options = parser.parse_args()
    with MosquittoServer() as broker, tempfile.TemporaryDirectory() as folder:
        rss, idle = measure(GATEWAY, folder, str(broker.port), idle_s=options.seconds)
        bare_rss, bare_idle = measure(BARE, idle_s=min(5.0, options.seconds))
    result = {
        "rss_mb": round(rss, 1),
        "idle_core_pct": round(idle, 2),
        "bare_python_rss_mb": round(bare_rss, 1),
        "bare_python_core_pct": round(bare_idle, 2),
        "rss_limit_mb": 150,
        "idle_limit_core_pct": 2,
        "rss_of_limit": round(rss / 150, 3),
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()

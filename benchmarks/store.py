"""The SQLite store against a plain table with a row a sample, in one run on the same disk.

    python benchmarks/store.py [--json]

Both commit durably (WAL, synchronous=FULL) groups of 200 batches of 60 samples from 200 devices, the worst mixture
for chunks, then read one device's night of 28,800 samples. The plain table has the index that its reads need and no
check for repeats; the store has all of its contract. `*_per_cpu_s` counts the process's CPU time, `*_per_s` the wall
clock, which also waits for the disk.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Batch, ClockInfo

DEVICES = 200
BATCHES_A_DEVICE = 120
NIGHT_BATCHES = 480
SIZE = 60
START_MS = 1_790_000_000_123  # no chunk begins here: batches are cut
LIVE_ROUNDS = 150
READS = 40


def make_batch(device: int, seq: int, size: int, origin: str) -> Batch:
    """A batch of plausible oximetry."""
    rng = np.random.default_rng(device * 1000 + seq)
    columns = {
        "spo2": rng.integers(80, 100, size).astype("<f4"),
        "pulse": rng.integers(50, 90, size).astype("<f4"),
        "perfusion": rng.random(size, np.float32),
        "motion": rng.integers(0, 10, size).astype("u1"),
        "flags": np.zeros(size, "<u2"),
    }
    return Batch(
        f"bench-{device}",
        "oximetry",
        "live" if origin == "live" else "stored",
        f"{origin}{device}",
        seq,
        START_MS + seq * size * 1000,
        columns,
        ClockInfo("arrival", 0),
        dt_ms=1000,
    )


class PlainTable:
    """What one would write first: a row a sample."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE sample (device TEXT, t_ms INTEGER, spo2 REAL, pulse REAL, perfusion REAL, motion INTEGER,"
            " flags INTEGER)"
        )
        self._connection.execute("CREATE INDEX by_time ON sample (device, t_ms)")

    def append(self, batches: Sequence[Batch]) -> None:
        """Insert in one transaction."""
        self._connection.execute("BEGIN")
        for batch in batches:
            columns = [column.tolist() for column in batch.columns.values()]
            rows = zip([batch.device] * batch.size, batch.times_ms().tolist(), *columns, strict=True)
            self._connection.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def read(self, device: str, start_ms: int, end_ms: int) -> list[np.ndarray]:
        """One device's samples as arrays."""
        rows = self._connection.execute(
            "SELECT t_ms, spo2, pulse, perfusion, motion, flags FROM sample"
            " WHERE device = ? AND t_ms >= ? AND t_ms < ? ORDER BY t_ms",
            (device, start_ms, end_ms),
        ).fetchall()
        return [np.array(column) for column in zip(*rows, strict=True)]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall clock and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def median_ms(read: Callable[[], object]) -> tuple[float, float]:
    """The medians of some reads: wall clock and CPU."""
    taken = [timed(read) for _ in range(READS)]
    return statistics.median(wall for wall, _ in taken) * 1000, statistics.median(cpu for _, cpu in taken) * 1000


def run(folder: Path) -> dict[str, float]:
    """All figures."""
    groups = [[make_batch(device, seq, SIZE, "stored") for device in range(DEVICES)] for seq in range(BATCHES_A_DEVICE)]
    night = [make_batch(999, seq, SIZE, "stored") for seq in range(NIGHT_BATCHES)]
    live = [[make_batch(device, seq, 2, "live") for device in range(DEVICES)] for seq in range(LIVE_ROUNDS)]
    count = len(groups) * DEVICES
    end_ms = START_MS + NIGHT_BATCHES * SIZE * 1000

    with SqliteStore(folder / "store.db") as store:

        def append_all() -> None:
            for future in [store.submit(group) for group in groups]:
                future.result()

        def append_live() -> None:
            for group in live:
                store.append(group)

        wall_s, cpu_s = timed(append_all)
        store.append(night)
        read_ms, read_cpu_ms = median_ms(lambda: store.read("bench-999", "oximetry", START_MS, end_ms))
        assert len(store.read("bench-999", "oximetry", START_MS, end_ms)) == NIGHT_BATCHES * SIZE
        live_wall_s, live_cpu_s = timed(append_live)
        size_bytes = store.health().size_bytes or 0

    plain = PlainTable(folder / "plain.db")
    few = groups[: max(1, len(groups) // 6)]  # it is slow enough to be measured on a part

    def append_plain() -> None:
        for group in few:
            plain.append(group)

    plain_wall_s, plain_cpu_s = timed(append_plain)
    for start in range(0, NIGHT_BATCHES, 200):
        plain.append(night[start : start + 200])
    plain_read_ms, plain_read_cpu_ms = median_ms(lambda: plain.read("bench-999", START_MS, end_ms))
    plain_count = len(few) * DEVICES
    return {
        "batches_per_s": count / wall_s,
        "batches_per_cpu_s": count / cpu_s,
        "live_batches_per_s": len(live) * DEVICES / live_wall_s,
        "live_batches_per_cpu_s": len(live) * DEVICES / live_cpu_s,
        "night_read_ms": read_ms,
        "night_read_cpu_ms": read_cpu_ms,
        "bytes_per_sample": size_bytes / (count * SIZE + len(live) * DEVICES * 2 + NIGHT_BATCHES * SIZE),
        "plain_batches_per_s": plain_count / plain_wall_s,
        "plain_batches_per_cpu_s": plain_count / plain_cpu_s,
        "plain_night_read_ms": plain_read_ms,
        "plain_night_read_cpu_ms": plain_read_cpu_ms,
        "append_ratio": (count / wall_s) / (plain_count / plain_wall_s),
        "append_cpu_ratio": (count / cpu_s) / (plain_count / plain_cpu_s),
        "read_ratio": plain_read_ms / read_ms,
        "read_cpu_ratio": plain_read_cpu_ms / read_cpu_ms,
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one flat JSON object on stdout")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: the temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = run(Path(folder))
    if options.json:
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    else:
        for name, value in figures.items():
            print(f"{name:>24} {value:12.2f}")


if __name__ == "__main__":
    main()

"""A SIGKILL at any moment: every append that had returned is on disk, whole, and the rest can be sent again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from gateway.service.store.sqlite import SqliteStore
from tests.properties.store.reference import expected_rows, make_batch, rows_of
from tests.servers.bounded import killed_after

START_MS = 1_790_000_000_000
DEVICES = 4
ROUNDS = 5

# Appends without end from three threads; prints a line for each future that has resolved.
_VICTIM = """
import itertools, sys, threading
from pathlib import Path
from gateway.service.store.sqlite import SqliteStore
from tests.integration.store.test_sqlite_crash import batches_of

store = SqliteStore(Path(sys.argv[1]))
def work(device):
    for seq in itertools.count(int(sys.argv[2])):
        store.append(batches_of(device, seq))
        sys.stdout.write(f"{device} {seq}\\n")
        sys.stdout.flush()
threads = [threading.Thread(target=work, args=(device,)) for device in range(4)]
[thread.start() for thread in threads]
"""


def batches_of(device: int, seq: int) -> list:  # type: ignore[type-arg]
    """One call: a live batch and a stored one, which must both be there or neither."""
    name = f"d{device}"
    live = make_batch(seq, START_MS + seq * 7000, 7, device=name, session="live")
    stored = make_batch(seq, START_MS + seq * 60_000, 60, device=name, session="stored", origin="stored", kind="wear")
    return [live, stored]


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    chance = random.Random(11)
    done: dict[int, int] = dict.fromkeys(range(DEVICES), -1)
    for _ in range(ROUNDS):
        first = min(done.values()) + 1
        victim = subprocess.Popen(
            [sys.executable, "-c", _VICTIM, str(path), str(first)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert victim.stdout is not None
        with killed_after(victim):
            head = victim.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.3))
        victim.kill()
        lines = [head, *victim.stdout.read().splitlines(keepends=True)]
        victim.wait(20)
        for line in lines:
            if line.endswith(b"\n"):
                device, seq = map(int, line.split())
                done[device] = max(done[device], seq)
        with SqliteStore(path) as store:
            for device, seq in done.items():
                name = f"d{device}"
                held = {cover.session: cover for kind in ("oximetry", "wear") for cover in _covers(store, name, kind)}
                assert held["live"].batches == held["stored"].batches, "a call is stored whole or not at all"
                count = held["live"].batches
                assert count > seq
                for kind, place in (("oximetry", 0), ("wear", 1)):
                    sent = [batches_of(device, number)[place] for number in range(count)]
                    read = rows_of(store.read(name, kind, 0, 1 << 43))
                    assert read == expected_rows(sent, name, kind, 0, 1 << 43)
    assert sum(done.values()) > 50


def _covers(store: SqliteStore, device: str, kind):  # type: ignore[no-untyped-def]
    return store.sessions(device, kind, 0, 1 << 43)

"""SIGKILL in the middle of an erasure: it is taken up where it was, and ends whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.clock import SystemClock
from gateway.service.erasure.job import ErasureJob
from gateway.service.records import ErasureState, Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import KINDS
from tests.integration.erasure.scene import DEVICES, HANDED_MS, TwoPatients, same

KILLED = """
import os, signal, sys
from pathlib import Path
from gateway.service.erasure.work import steps
from gateway.service.records import Records
from gateway.service.store.sqlite import SqliteStore

folder, after = Path(sys.argv[1]), int(sys.argv[2])
records, store = Records(folder / "records.db"), SqliteStore(folder / "samples.db")
(erasure,) = records.erasures.list(unfinished=True)
deleted = store.delete_between

def delete(*arguments, **named):
    gone = deleted(*arguments, **named)
    if taken >= after:
        os.kill(os.getpid(), signal.SIGKILL)  # behind the deletion, before it is noted
    return gone

taken = 0
store.delete_between = delete
for taken, _ in enumerate(steps(records, store, erasure, now_ms=1_800_000_000_000), 1):
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_is_taken_up_at_the_start_after_any_number_of_kills(tmp_path: Path) -> None:
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    scene = TwoPatients(store, records)
    before = scene.kept()
    erasure = scene.ask()
    store.close()
    records.close()
    for after in (0, 4, 99):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path), str(after)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == -9, done.stderr
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    waiting = records.erasures.get(erasure)
    assert waiting is not None
    assert waiting.state is ErasureState.CUT
    job = ErasureJob(records, store, SystemClock(), forget=lambda _patient, _devices: None, inside=lambda step: step())
    job.start()
    for _ in range(200):
        found = records.erasures.get(erasure)
        if found is not None and found.state is ErasureState.DONE:
            break
        subprocess.run(["sleep", "0.1"], check=True, timeout=5)
    job.stop()
    assert found is not None
    assert found.state is ErasureState.DONE
    assert records.people.patient(scene.gone) is None
    for kind in KINDS:
        assert len(store.read(DEVICES[kind], kind, 0, HANDED_MS)) == 0
    scene.store, scene.records = store, records
    assert same(before, scene.kept())
    assert records.audit.verify().number == 1
    store.close()
    records.close()

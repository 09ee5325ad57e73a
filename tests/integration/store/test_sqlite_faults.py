"""A full disk, a locked file, another program's file, a slow disk: one clear error, nothing lost, and on it goes."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, StoreUnavailableError
from gateway.service.store import sqlite_schema
from gateway.service.store.sqlite import SqliteStore
from tests.properties.store.reference import expected_rows, make_batch, rows_of

T = 1_790_000_000_000
ALL = (0, 1 << 43)
DEVICE = "o2ring-0123456789"


def test_a_full_store_takes_nothing_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    batches = [make_batch(seq, T + seq * 600_000, 600) for seq in range(60)]
    stored = []
    with SqliteStore(path, max_bytes=200_000) as store:
        for batch in batches:
            try:
                store.append([batch])
            except StoreUnavailableError as error:
                assert "full" in str(error)  # noqa: PT017
                assert not store.health().ok
                break
            stored.append(batch)
        assert 5 < len(stored) < len(batches)
        with pytest.raises(StoreUnavailableError):
            store.append(batches)
        assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(stored, DEVICE, "oximetry", *ALL)
        # retention makes room again
        store.delete_before(stored[-2].t0_ms)
        assert store.append([batches[len(stored)]]) == 1
        assert store.health().ok
    with SqliteStore(path) as store:
        assert store.append(batches) == len(batches) - len(stored) - 1


# A limit on file size makes the kernel refuse writes, as a full disk does (EFBIG instead of ENOSPC), for root too.
_LIMITED = """
import resource, signal, sys
from pathlib import Path
from gateway.errors import StoreUnavailableError
from gateway.service.store.sqlite import SqliteStore
from tests.properties.store.reference import make_batch

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with SqliteStore(Path(sys.argv[1])) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    stored = 0
    try:
        for seq in range(60):
            store.append([make_batch(seq, 1_790_000_000_000 + seq * 600_000, 600)])
            stored += 1
    except StoreUnavailableError as error:
        print("refused", stored)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print("resumed", store.append([make_batch(stored, 1_790_000_000_000 + stored * 600_000, 600)]))
"""


def test_the_kernel_refuses_a_write_and_later_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    refused, resumed = (line.split() for line in done.stdout.splitlines())
    assert refused[0] == "refused"
    stored = int(refused[1])
    assert 3 < stored < 60
    assert resumed == ["resumed", "1"]
    sent = [make_batch(seq, T + seq * 600_000, 600) for seq in range(stored + 1)]
    with SqliteStore(path) as store:
        assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(sent, DEVICE, "oximetry", *ALL)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY


def test_a_locked_file_is_an_error_for_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_schema, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "samples.db"
    with SqliteStore(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked"):
            store.append([make_batch(0, T)])
        with pytest.raises(StoreUnavailableError, match="locked"):
            store.delete_before(T)
        assert len(store.read(DEVICE, "oximetry", *ALL)) == 0
        with pytest.raises(StoreUnavailableError, match="locked"):
            SqliteStore(path)
        other.execute("ROLLBACK")
        other.close()
        assert store.append([make_batch(0, T)]) == 1


def test_two_stores_on_one_file_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    with SqliteStore(path) as one, SqliteStore(path) as two:
        assert one.append([make_batch(0, T)]) == 1
        assert two.append([make_batch(0, T), make_batch(1, T + 3000)]) == 1
        assert one.append([make_batch(1, T + 3000), make_batch(0, T, revision=1)]) == 1
        assert two.append([make_batch(2, T + 6000)]) == 0
        assert len(two.read(DEVICE, "oximetry", *ALL)) == 3


def test_a_file_that_is_no_sample_store_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be taken for one" * 20)
    before = text.read_bytes()
    with pytest.raises(ConfigurationError, match="is no sample store"):
        SqliteStore(text)
    assert text.read_bytes() == before

    foreign = tmp_path / "other.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE chunk (x)")
    with pytest.raises(ConfigurationError, match="another program"):
        SqliteStore(foreign)

    newer = tmp_path / "newer.db"
    SqliteStore(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="version 99"):
        SqliteStore(newer)

    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot open"):
        SqliteStore(tmp_path / "file" / "samples.db")


def test_a_full_queue_holds_the_caller_back(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "samples.db", max_pending=4) as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # the writer waits for this
        futures = [store.submit([make_batch(seq, T + seq * 3000)]) for seq in range(4)]
        with pytest.raises(StoreUnavailableError, match="queue is full"):
            store.submit([make_batch(4, T + 12_000)], timeout_s=0.02)
        assert store.health().pending == 4
        late = threading.Thread(target=lambda: futures.append(store.submit([make_batch(4, T + 12_000)])))
        late.start()
        other.execute("ROLLBACK")
        other.close()
        late.join(60)
        assert [future.result(60) for future in futures] == [1] * 5
        assert store.append([make_batch(seq, T + seq * 3000) for seq in range(5, 50)]) == 45, "larger than the queue"


def test_erased_data_are_not_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    with SqliteStore(path) as store:
        for seq in range(300):  # hot chunks are rewritten many times: no older copy may stay either
            store.append([make_batch(seq, T + seq * 7000, 7), make_batch(seq, T, kind="wear", device="other")])
        store.delete_device(DEVICE)
    erased = [make_batch(seq, T).columns for seq in range(300)]
    marks = [columns["spo2"][1:2].tobytes() + columns["pulse"][1:2].tobytes() for columns in erased]
    with SqliteStore(tmp_path / "control.db") as control:
        control.append([make_batch(3, T)])
    assert marks[3] in (tmp_path / "control.db").read_bytes(), "this is how it would look"
    for left in tmp_path.glob("samples.db*"):
        content = left.read_bytes()
        assert not [mark for mark in marks if mark in content]
        assert DEVICE.encode() not in content

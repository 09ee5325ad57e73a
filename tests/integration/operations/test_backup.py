"""Backup and restore: taken while both databases are written to, brought back whole, refused where it would do harm."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import ConfigurationError, InputFileError, StoreUnavailableError
from gateway.service.backup import Places, backup, prune, read_manifest, restore
from gateway.service.records import Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Batch, ClockInfo
from tests.integration.api import synthetic
from tests.servers.postgresql import running

TAKEN_MS = synthetic.NOW_MS
PASSWORD = "back:slash\\es"
PATIENT = "Konstanze Mustermann"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "live" / "samples.db", tmp_path / "live" / "records.db")


def fill(places: Places) -> None:
    assert places.samples is not None
    with SqliteStore(places.samples) as store:
        records = Records(str(places.records))
        synthetic.fill(store, records)
        records.people.add_patient("clinic", PATIENT, zone=synthetic.ZONE, at_ms=1)
        records.close()


def moved(places: Places, to: Path) -> Places:
    assert isinstance(places.records, Path)
    return Places(to / "samples.db", to / places.records.name)


def content(places: Places) -> tuple[list[float], int, list[str], list[tuple[str, str]]]:
    """What a clinic would read: SpO2, desaturations, names, and the nights that wait to be run again."""
    assert places.samples is not None
    with SqliteStore(places.samples) as store:
        records = Records(
            str(places.records) if isinstance(places.records, Path) else places.records.render_as_string(),
            password=places.password,
        )
        spo2 = store.read(synthetic.DEVICE, "oximetry", 0, 1 << 60).columns["spo2"]
        night = records.results.night(synthetic.DEVICE, synthetic.NIGHT)
        assert night is not None
        found = (
            np.nan_to_num(spo2, nan=-1).tolist(),
            len(records.results.desaturations(night)),
            [patient.name for patient in records.people.patients()],
            [(device, night.isoformat()) for device, night in records.results.stale()],
        )
        records.close()
        return found


def test_what_comes_back_is_what_was_there_and_the_last_nights_are_run_again(places: Places, tmp_path: Path) -> None:
    fill(places)
    before = content(places)
    folder = backup(places, tmp_path / "backups", now_ms=TAKEN_MS)
    assert folder.name == "somnolink-20260329T053400000Z"
    there = moved(places, tmp_path / "new")
    assert restore(folder, there, now_ms=TAKEN_MS) == 1
    after = content(there)
    assert after[:3] == before[:3]
    assert len(before[0]) == synthetic.SIZE
    assert before[1:] == (64, [PATIENT], [])
    assert after[3] == [(synthetic.DEVICE, "2026-03-28")]


def test_nights_of_long_before_the_backup_are_left_as_they_are(places: Places, tmp_path: Path) -> None:
    fill(places)
    folder = backup(places, tmp_path, now_ms=TAKEN_MS + 5 * 86_400_000)
    there = moved(places, tmp_path / "new")
    assert restore(folder, there, now_ms=TAKEN_MS) == 0
    assert content(there)[3] == []


def minute(seq: int) -> Batch:
    return Batch(
        device="plx-0123456789",
        kind="oximetry",
        origin="live",
        session="busy",
        seq=seq,
        t0_ms=synthetic.START_MS + seq * 60_000,
        dt_ms=1000,
        columns={"spo2": np.full(60, 90 + seq % 8, "<f4"), "pulse": np.full(60, 60.0, "<f4")},
        clock=ClockInfo("arrival", 500),
    )


def test_it_is_one_state_of_a_database_that_is_being_written_to(places: Places, tmp_path: Path) -> None:
    """Writers never stop; each backup holds a run of whole batches from the first on, all that was acknowledged."""
    fill(places)
    assert places.samples is not None
    acknowledged = 0
    stop = threading.Event()
    failures: list[Exception] = []
    with SqliteStore(places.samples) as store:
        records = Records(str(places.records))

        def write() -> None:
            nonlocal acknowledged
            try:
                while not stop.is_set():
                    store.append([minute(acknowledged)])
                    acknowledged += 1
                    records.devices.gateway_seen(f"home-{acknowledged}", acknowledged)
            except Exception as error:
                failures.append(error)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            for turn in range(3):
                at_least = acknowledged
                folder = backup(places, tmp_path, now_ms=TAKEN_MS + turn)
                there = moved(places, tmp_path / f"new-{turn}")
                restore(folder, there, now_ms=TAKEN_MS)
                assert there.samples is not None
                with SqliteStore(there.samples) as copy:
                    (session,) = copy.sessions("plx-0123456789", "oximetry", 0, 1 << 60) or [None]
                    held = 0 if session is None else session.batches
                    assert at_least <= held <= acknowledged + 1
                    assert len(copy.read("plx-0123456789", "oximetry", 0, 1 << 60)) == held * 60
        finally:
            stop.set()
            writer.join(60)
            assert not writer.is_alive()
            records.close()
    assert not failures
    assert acknowledged > 10


def test_a_pinned_database_does_not_show_what_is_written_after(places: Places, tmp_path: Path) -> None:
    from gateway.service.backup.sqlite import copy_pinned, pin

    fill(places)
    assert isinstance(places.records, Path)
    pinned = pin(places.records)
    records = Records(str(places.records))
    records.people.add_patient("clinic", "Somebody Later", zone="UTC", at_ms=2)
    copy_pinned(pinned, tmp_path / "copy.db")
    pinned.close()
    assert len(records.people.patients()) == 2
    records.close()
    copied = Records(str(tmp_path / "copy.db"))
    assert [patient.name for patient in copied.people.patients()] == [PATIENT]
    copied.close()


def test_nobody_but_its_owner_may_read_it_and_it_is_whole_under_its_name(places: Places, tmp_path: Path) -> None:
    fill(places)
    folder = backup(places, tmp_path / "backups", now_ms=TAKEN_MS)
    assert [one.name for one in (tmp_path / "backups").iterdir()] == [folder.name]
    assert stat.S_IMODE((tmp_path / "backups").stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(one.name for one in folder.iterdir()) == ["manifest.json", "records.db", "samples.db"]
    for name in ("records.db", "samples.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert read_manifest(folder).taken_ms == TAKEN_MS


@pytest.mark.parametrize("name", ["samples.db", "records.db", "manifest.json"])
def test_a_backup_that_is_not_what_it_was_is_refused_and_nothing_is_changed(
    places: Places, tmp_path: Path, name: str
) -> None:
    fill(places)
    folder = backup(places, tmp_path, now_ms=TAKEN_MS)
    file = folder / name
    file.write_bytes(file.read_bytes()[:-9])
    there = moved(places, tmp_path / "new")
    with pytest.raises(InputFileError, match=name) as caught:
        restore(folder, there, now_ms=TAKEN_MS)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()
    file.unlink()
    with pytest.raises(InputFileError, match=f"{name}: No such file"):
        restore(folder, there, now_ms=TAKEN_MS)


def test_a_manifest_cannot_name_files_elsewhere(places: Places, tmp_path: Path) -> None:
    fill(places)
    folder = backup(places, tmp_path, now_ms=TAKEN_MS)
    told = json.loads((folder / "manifest.json").read_text())
    told["files"]["../live/records.db"] = told["files"]["records.db"]
    (folder / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(InputFileError, match="files that no backup has"):
        read_manifest(folder)


def test_what_is_there_is_not_overwritten_unless_that_is_said_and_then_put_aside(
    places: Places, tmp_path: Path
) -> None:
    fill(places)
    folder = backup(places, tmp_path, now_ms=TAKEN_MS)
    records = Records(str(places.records))
    records.people.add_patient("clinic", "Somebody Later", zone="UTC", at_ms=2)
    records.close()
    with pytest.raises(ConfigurationError, match="is there already"):
        restore(folder, places, now_ms=TAKEN_MS)
    restore(folder, places, now_ms=TAKEN_MS, replace=True)
    assert content(places)[2] == [PATIENT]
    aside = Records(str(tmp_path / "live" / "records.db.before-restore-20260329T053400Z"))
    assert sorted(patient.name for patient in aside.people.patients()) == [PATIENT, "Somebody Later"]
    aside.close()


@pytest.mark.parametrize("which", ["samples", "records"])
def test_under_a_running_service_nothing_is_replaced(places: Places, tmp_path: Path, which: str) -> None:
    fill(places)
    assert places.samples is not None
    folder = backup(places, tmp_path, now_ms=TAKEN_MS)
    opened = SqliteStore(places.samples) if which == "samples" else Records(str(places.records))
    if isinstance(opened, SqliteStore):
        opened.devices()
    else:
        opened.check()
    try:
        with pytest.raises(StoreUnavailableError, match="is in use: stop the service first"):
            restore(folder, places, now_ms=TAKEN_MS, replace=True)
    finally:
        opened.close()
    assert not list((tmp_path / "live").glob("*before-restore*"))
    restore(folder, places, now_ms=TAKEN_MS, replace=True)


def test_a_damaged_source_makes_no_backup(places: Places, tmp_path: Path) -> None:
    fill(places)
    assert places.samples is not None
    with places.samples.open("r+b") as file:
        file.seek(9 * 4096)
        file.write(b"\xff" * 8192)
    with pytest.raises(StoreUnavailableError, match=r"damaged|cannot be written"):
        backup(places, tmp_path / "backups", now_ms=TAKEN_MS)
    assert list((tmp_path / "backups").iterdir()) == []


def test_the_latest_are_kept_and_what_is_no_backup_is_left_alone(places: Places, tmp_path: Path) -> None:
    fill(places)
    into = tmp_path / "backups"
    made = [backup(places, into, now_ms=TAKEN_MS + day * 86_400_000) for day in range(3)]
    (into / "letters").mkdir()
    (into / "somnolink-20200101T000000000Z").mkdir()
    assert prune(into, 2) == made[:1]
    assert sorted(one.name for one in into.iterdir()) == [
        "letters",
        "somnolink-20200101T000000000Z",
        *(one.name for one in made[1:]),
    ]


def test_samples_in_influxdb_are_not_left_out_silently(places: Places, tmp_path: Path) -> None:
    fill(places)
    elsewhere = Places.of("influx+v2://influxdb:8086?org=o&bucket=b", str(places.records))
    with pytest.raises(ConfigurationError, match="--without-samples"):
        backup(elsewhere, tmp_path / "backups", now_ms=TAKEN_MS)
    folder = backup(elsewhere, tmp_path / "backups", now_ms=TAKEN_MS, without_samples=True)
    assert list(read_manifest(folder).files) == ["records.db"]


def test_nothing_to_back_up_is_one_clear_line(places: Places, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing to back up at .*samples\.db"):
        backup(places, tmp_path / "backups", now_ms=TAKEN_MS)
    assert list((tmp_path / "backups").iterdir()) == []


def test_addresses_are_read_as_the_settings_spell_them() -> None:
    assert Places.of("sqlite:////data/s.db?max_bytes=9", "/data/r.db") == Places(Path("/data/s.db"), Path("/data/r.db"))
    assert Places.of("sqlite:///s.db", "sqlite:///r.db") == Places(Path("s.db"), Path("r.db"))
    of = Places.of("sqlite:///s.db", "postgresql://me:secret@db:5433/somnolink?sslmode=require")
    assert str(of.records) == "postgresql://me@db:5433/somnolink?sslmode=require"
    assert of.password == "secret"
    for wrong in ("mysql://somewhere/db", "postgresql://db:port/x"):
        with pytest.raises(ConfigurationError, match="the records' URL is none"):
            Places.of("sqlite:///s.db", wrong)


def test_both_commands_from_the_shell(places: Places, tmp_path: Path) -> None:
    fill(places)

    def run(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
        environment = {"SOMNOLINK_SERVICE_DATA": str(data), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        command = [str(Path(sys.executable).with_name("somnolink")), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)

    made = run("backup", str(tmp_path / "backups"), "--keep", "1", data=tmp_path / "live")
    assert made.returncode == 0, made.stderr
    back = run("restore", made.stdout.strip(), data=tmp_path / "new")
    assert (back.returncode, back.stdout) == (0, "restored; the service will run 0 nights again\n")
    assert content(moved(places, tmp_path / "new")) == content(places)
    again = run("restore", made.stdout.strip(), data=tmp_path / "new")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Places]:
    with running(PASSWORD) as url:
        yield Places.of(f"sqlite:///{tmp_path / 'live' / 'samples.db'}", url, PASSWORD)


def test_records_in_postgresql_come_back_by_its_own_tools(postgresql: Places, tmp_path: Path) -> None:
    assert not isinstance(postgresql.records, Path)
    assert postgresql.samples is not None
    address = postgresql.records.render_as_string()
    with SqliteStore(postgresql.samples) as store:
        records = Records(address, password=PASSWORD)
        synthetic.fill(store, records)
        records.people.add_patient("clinic", PATIENT, zone=synthetic.ZONE, at_ms=1)
        before = records.people.patients()
        folder = backup(postgresql, tmp_path / "backups", now_ms=TAKEN_MS)  # under open connections
        records.people.add_patient("clinic", "Somebody Later", zone="UTC", at_ms=2)
        records.close()
    assert sorted(read_manifest(folder).files) == ["records.dump", "samples.db"]

    there = replace(postgresql, samples=tmp_path / "new" / "samples.db")
    with pytest.raises(ConfigurationError, match="is not empty"):
        restore(folder, there, now_ms=TAKEN_MS)
    assert restore(folder, there, now_ms=TAKEN_MS, replace=True) == 1
    records = Records(address, password=PASSWORD)
    assert records.people.patients() == before
    assert records.results.stale() == [(synthetic.DEVICE, synthetic.NIGHT)]
    records.close()
    (aside,) = (tmp_path / "backups").glob("*.before-restore-*.dump")
    assert aside.stat().st_size > 1000

    with pytest.raises(ConfigurationError, match=r"records\.dump, which is not for the database"):
        restore(folder, Places(tmp_path / "s.db", tmp_path / "r.db"), now_ms=TAKEN_MS)
    with pytest.raises(StoreUnavailableError, match="password authentication failed") as caught:
        backup(replace(postgresql, password="wrong:one"), tmp_path / "backups", now_ms=TAKEN_MS + 1)
    assert "wrong" not in str(caught.value)
    assert "\n" not in str(caught.value)

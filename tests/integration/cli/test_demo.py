"""`somnolink demo`, whole: a night from the virtual radio to the analysed night, and its account of every sample."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np

from gateway.demo.reconcile import END_OF_TIME
from gateway.service.exchange.files import read_recording
from gateway.service.store import open_store
from tests.servers.influxdb import InfluxServer
from tests.servers.mosquitto import MosquittoServer

KEYS = {
    "nights",
    "batches",
    "samples_generated",
    "samples_stored",
    "samples_lost",
    "samples_duplicated",
    "desaturations_true",
    "desaturations_found",
    "desaturations_matched",
    "wear_minutes_true",
    "wear_minutes_found",
    "alerts",
    "elapsed_s",
    "speedup",
}


def demo(*arguments: str, **environment: str) -> dict[str, float | None]:
    program = "from gateway.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "demo", "--headless", "--json", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=560,  # the first night after a change of the analytics compiles them
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    account = json.loads(done.stdout)
    assert set(account) == KEYS
    return dict(account)


def assert_all_there(account: dict[str, float | None]) -> None:
    assert account["samples_lost"] == 0
    assert account["samples_duplicated"] == 0
    assert account["samples_stored"] == account["samples_generated"]
    assert account["samples_generated"]


def test_a_night_with_three_devices_is_lived_through_and_what_is_to_be_found_is_found() -> None:
    account = demo("--nights", "1", "--seed", "7")
    assert_all_there(account)
    assert account["nights"] == 1
    true, matched = account["desaturations_true"], account["desaturations_matched"]
    assert true is not None
    assert matched is not None
    assert true >= 20
    assert matched >= 0.9 * true
    generated = account["samples_generated"]
    assert generated is not None
    assert generated > 8 * 3600 * 50, "the bed sensor's waveform is in the account"
    worn, found = account["wear_minutes_true"], account["wear_minutes_found"]
    assert worn is not None
    assert found is not None
    assert worn > 240
    assert abs(found - worn) <= 15


def o2_csv(path: Path, minutes: int) -> Path:
    """A short O2 Max CSV: dips, a dropout, and the rows of missing values at its end."""
    rows = minutes * 30
    seconds = np.arange(rows) * 2
    spo2 = np.rint(96 - 5 * np.maximum(0, np.sin(seconds / 40)) ** 4).astype(int)
    start = datetime(2026, 3, 10, 22, 30)  # noqa: DTZ001 - a ring's clock has no zone
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Time", "Oxygen Level", "Pulse Rate", "Motion"])
        for second, value in zip(seconds, spo2, strict=True):
            at = datetime.fromtimestamp(start.timestamp() + float(second))  # noqa: DTZ006
            missing = 600 <= second < 640 or second >= seconds[-1] - 8
            shown = ["--", "--"] if missing else [str(value), "62"]
            writer.writerow([at.strftime("%H:%M:%S %d/%m/%Y"), *shown, "3"])
    return path


def assert_replayed(recording: Path, folder: Path, *arguments: str) -> None:
    """Every valid sample of the file is in the store, bit for bit and in order, as a stored session."""
    account = demo("--replay", str(recording), "--keep", str(folder), *arguments)
    assert_all_there(account)
    assert account["wear_minutes_true"] is None
    expected = read_recording(recording)
    with open_store(f"sqlite:///{folder / 'samples.db'}") as store:
        (device,) = store.devices()
        stored = store.read(device, "oximetry", 0, END_OF_TIME, origin="stored")
        live = store.read(device, "oximetry", 0, END_OF_TIME, origin="live")
    for name, values in (("spo2", expected.spo2), ("pulse", expected.pulse)):
        kept = stored.columns[name]
        assert kept[~np.isnan(kept)].tobytes() == values[~np.isnan(values)].astype("<f4").tobytes(), name
    assert expected.start is not None
    start_ms = int(np.datetime64(expected.start.replace(tzinfo=None), "ms").astype(np.int64))
    valid = ~np.isnan(stored.columns["spo2"])
    step_ms = round(expected.interval_s * 1000)
    at_ms = start_ms + np.flatnonzero(~np.isnan(expected.spo2)) * step_ms
    assert (stored.t_ms[valid] == at_ms).all(), "the recording's own times"
    assert len(live) >= 0.95 * len(expected.spo2), "its live frames, at its own interval"


def test_a_synthetic_recording_is_replayed_through_mosquitto(tmp_path: Path) -> None:
    with MosquittoServer() as broker:
        recording = o2_csv(tmp_path / "synthetic.csv", 40)
        assert_replayed(recording, tmp_path / "data", "--broker", f"mqtt://127.0.0.1:{broker.port}")


def test_a_real_recording_is_replayed(recordings: Path, tmp_path: Path) -> None:
    assert_replayed(recordings / "oximetry" / "checkme-o2-max-20260220-short.csv", tmp_path / "data")


def test_the_samples_may_go_to_influxdb(tmp_path: Path) -> None:
    with InfluxServer() as server:
        url = f"influx+v1://127.0.0.1:{server.port}/somnolink_demo"
        recording = o2_csv(tmp_path / "synthetic.csv", 20)
        account = demo("--replay", str(recording), "--store", "influx", SOMNOLINK_SERVICE_STORE=url)
        assert_all_there(account)

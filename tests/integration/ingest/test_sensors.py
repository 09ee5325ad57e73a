"""Recorder and bed sensor through the ingest, on a real store and real records: what the analytics say of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from analytics.bed import stream as bed_stream
from analytics.bed.signal import WaveformChunk
from gateway.service.nights import night_of
from gateway.service.records import NightResult, State, Stretch
from gateway.wire.messages import Batch, ClockInfo
from simulators.physiology import Night, Sleeper
from simulators.physiology.bed import Bed
from simulators.physiology.mouth import Mouth
from tests.properties.ingest.scene import EVENING, EVER, Scene, scene, wait_for

RECORDER = "mad-0123456789"
STRIP = "bed-0123456789"
DAY_MS = 86_400_000
CLOCK = ClockInfo("anchors", 100)


@pytest.fixture(scope="module")
def nights() -> tuple[Night, ...]:
    return tuple(Sleeper(7).night(EVENING + index * DAY_MS, index=index, duration_s=4 * 3600) for index in range(3))


def readings(mouth: Mouth, start_ms: int, end_ms: int, session: str, size: int = 50) -> list[Batch]:
    """A recorder's log as its driver hands it over: a reading every five minutes."""
    times = np.arange(start_ms, end_ms, 300_000)
    found = [mouth.reading(int(at)) for at in times]
    accel = np.array([one.accel_mg for one in found], "<i2")
    columns = {
        "temperature": np.array([one.temperature_c for one in found], "<f4"),
        **{f"accel_{axis}": np.ascontiguousarray(accel[:, at]) for at, axis in enumerate("xyz")},
        "motion": np.array([one.motion_mg for one in found], "<u2"),
        "flags": np.zeros(times.size, "<u2"),
    }
    return [
        Batch(
            RECORDER,
            "wear",
            "stored",
            session,
            number,
            int(times[first]),
            {name: column[first : first + size] for name, column in columns.items()},
            CLOCK,
            t_ms=(times[first : first + size] - times[first]).astype("<i4"),
            last=first + size >= times.size,
        )
        for number, first in enumerate(range(0, times.size, size))
    ]


def waveform(counts: np.ndarray[tuple[int], np.dtype[np.int16]], start_ms: int, first: int, size: int) -> list[Batch]:
    """What the strip streams: batches of one session, numbered from `first`."""
    return [
        Batch(
            STRIP,
            "waveform",
            "live",
            "strip",
            first + number,
            start_ms + at * 20,
            {"pressure": counts[at : at + size]},
            CLOCK,
            dt_ms=20,
        )
        for number, at in enumerate(range(0, counts.size, size))
    ]


def told(scene: Scene, device: str) -> list[tuple[NightResult, list[Stretch]]]:
    results = scene.records.results
    return [(night, results.stretches(night)) for night in reversed(results.nights(device=device))]


def plain(found: Sequence[tuple[NightResult, list[Stretch]]]) -> list[object]:
    return [(one.night, one.state, one.indices, stretches) for one, stretches in found]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as one:
        yield one


def test_wear_is_told_by_night_with_its_intervals(opened: Scene, nights: tuple[Night, ...]) -> None:
    mouth = Mouth.of_nights(nights, 7)
    opened.send(readings(mouth, EVENING - 4 * 3_600_000, EVENING + 3 * DAY_MS, "sync-1"))
    opened.ingest.settle()
    found = told(opened, RECORDER)
    worn = [one for one, _ in found if one.indices["wears"]]
    assert len(worn) == 3
    for result, truth in zip(worn, mouth.intervals, strict=True):
        minutes = (truth.end_utc_ms - truth.start_utc_ms) / 60_000
        assert result.indices["wear_min"] == pytest.approx(minutes, abs=4)
        assert result.kind == "wear"
        assert result.valid_s == 0
    wears = [stretch for _, stretches in found for stretch in stretches if stretch.kind == "wear"]
    assert [one.data["suspect"] for one in wears] == [[], [], []]
    assert opened.records.results.stale(kind="wear") == []


def test_syncs_in_any_order_and_twice_tell_the_same(tmp_path: Path, nights: tuple[Night, ...]) -> None:
    mouth = Mouth.of_nights(nights, 7)
    begin, middle, end = EVENING - 4 * 3_600_000, EVENING + DAY_MS, EVENING + 3 * DAY_MS
    first, second = readings(mouth, begin, middle, "sync-1"), readings(mouth, middle, end, "sync-2")
    outcomes = []
    for name, order in (("a", [first, second]), ("b", [second, first, second])):
        with scene(tmp_path / name) as one:
            for batches in order:
                one.send(batches)
                one.ingest.settle()
            outcomes.append(plain(told(one, RECORDER)))
    assert outcomes[0] == outcomes[1]


def test_a_recorder_in_use_is_still_running_and_a_kill_forgets_nothing(
    tmp_path: Path, nights: tuple[Night, ...]
) -> None:
    mouth = Mouth.of_nights(nights, 7)
    inside = (mouth.intervals[0].start_utc_ms + mouth.intervals[0].end_utc_ms) // 2
    with scene(tmp_path, start=False) as one:
        one.store.append(readings(mouth, EVENING - 4 * 3_600_000, inside, "sync-1"))
        one.records.devices.enrol("home", RECORDER, zone="UTC", at_ms=EVENING)
        # the kill came between the note that it is stale and its run
        one.records.results.mark_stale([(RECORDER, night_of(EVENING, "UTC"))], at_ms=EVENING, kind="wear")
    with scene(tmp_path) as one:
        one.ingest.settle()
        (running, _), *_ = [pair for pair in told(one, RECORDER) if pair[0].indices["wears"]]
        assert running.state is State.RUNNING
        one.send(readings(mouth, inside, EVENING + DAY_MS, "sync-2"))
        one.ingest.settle()
        (closed, _), *_ = [pair for pair in told(one, RECORDER) if pair[0].indices["wears"]]
        assert closed.state is State.CLOSED


@pytest.fixture(scope="module")
def counts(nights: tuple[Night, ...]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Forty minutes of a bed."""
    raw = Bed.of_nights(nights, 3).counts(nights[0].start_utc_ms + 600_000, 40 * 60 * 50)
    return np.clip(raw, -32_768, 32_767).astype("<i2")


def whole(counts: np.ndarray[tuple[int], np.dtype[np.int16]], start_ms: int) -> bed_stream.BedOutput:
    return bed_stream.analyze(WaveformChunk(float(start_ms), 20.0, counts.astype(np.float64)))


def assert_like(opened: Scene, expected: bed_stream.BedOutput) -> None:
    stored = opened.store.read(STRIP, "bed", 0, EVER)
    assert stored.t_ms.tolist() == expected.epochs["start_ms"].tolist()
    for name in ("heart_rate", "respiration_rate", "movement", "presence", "coverage"):
        assert np.array_equal(stored.columns[name], expected.epochs[name], equal_nan=name != "presence"), name
    ((night, stretches),) = told(opened, STRIP)
    assert night.kind == "bed"
    assert night.state is State.CLOSED
    assert [one.start_ms for one in stretches] == expected.disturbances["start_ms"].tolist()
    assert night.indices["in_bed_min"] is not None


def test_the_bed_streams_into_epochs_and_a_night(
    opened: Scene, counts: np.ndarray[tuple[int], np.dtype[np.int16]], nights: tuple[Night, ...]
) -> None:
    start_ms = nights[0].start_utc_ms + 600_000
    opened.send(waveform(counts, start_ms, 0, 100))
    opened.ingest.settle()
    assert_like(opened, whole(counts, start_ms))
    assert opened.records.results.stale(kind="bed") == []


def test_a_bed_that_comes_out_of_order_is_run_again_and_tells_the_same(
    opened: Scene, counts: np.ndarray[tuple[int], np.dtype[np.int16]], nights: tuple[Night, ...]
) -> None:
    start_ms = nights[0].start_utc_ms + 600_000
    batches = waveform(counts, start_ms, 0, 500)
    opened.send(batches[:60])
    opened.ingest.settle()
    opened.send([*batches[120:], *batches[60:120], *batches[:10]])
    opened.ingest.settle()
    assert_like(opened, whole(counts, start_ms))


def test_a_restart_takes_up_a_night_that_ran(
    tmp_path: Path, counts: np.ndarray[tuple[int], np.dtype[np.int16]], nights: tuple[Night, ...]
) -> None:
    start_ms = nights[0].start_utc_ms + 600_000
    batches = waveform(counts, start_ms, 0, 500)
    with scene(tmp_path) as one:
        one.send(batches[:100])
        wait_for(lambda: one.ingest.counters.batches == 100)
    with scene(tmp_path) as one:
        one.send(batches[100:])
        one.ingest.settle()
        assert_like(one, whole(counts, start_ms))

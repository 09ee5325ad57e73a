"""Whatever a file holds, it is read or refused in one line; and every dialect gives back what was written."""
# ruff: noqa: DTZ001 - naive times are what these files hold

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.analyze import run, to_dict
from gateway.errors import InputFileError
from gateway.service.exchange.files import read_recording
from gateway.service.exchange.files.scoring import read_events, read_stages
from gateway.service.exchange.recording import Recording
from gateway.wire.files.oxyii import encode_oxyii
from gateway.wire.files.viatom import encode_vld
from tests.integration.analyze.edf_builder import Channel, Edf
from tests.integration.analyze.test_readers import write_mat
from tests.unit.service.exchange.dialects import O2_DIALECTS, PLAIN_DIALECTS, as_bytes, rows_of

START = datetime(2026, 3, 13, 22, 58, 1)
COUNT = 40
SPO2 = [90 + number % 9 for number in range(COUNT)]
PULSE = [55 + number % 20 for number in range(COUNT)]
ROWS = rows_of(START, 2, SPO2, PULSE, [number % 3 for number in range(COUNT)])
PARIS = ZoneInfo("Europe/Paris")


def mat() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_mat(Path(folder) / "night.mat")
        return (Path(folder) / "night.mat").read_bytes()


GOOD: dict[str, bytes] = {
    **{name: as_bytes(write(ROWS)) for name, write in (O2_DIALECTS | PLAIN_DIALECTS).items()},
    "viatom": encode_vld(np.array(SPO2), np.array(PULSE), start=START, interval_s=4),
    "oxyii": encode_oxyii(np.array(SPO2), np.array(PULSE), start=START),
    "edf+d": Edf(
        [Channel("SpO2", SPO2, 2), Channel("Pulse", PULSE, 2, "bpm", (0, 300))],
        20,
        plus="D",
        onsets=[number + 30 * (number > 9) for number in range(20)],
        annotations=[(3, 12, "Hypopnea"), (0, 30, "Sleep stage N2")],
    ).to_bytes(),
    "hdf5": mat(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("files")


def read(folder: Path, data: bytes) -> Recording | None:
    """The recording, or None when it is refused as it should be; anything else is raised."""
    path = folder / "night"
    path.write_bytes(data)
    line = ""
    try:
        recording = read_recording(path, PARIS)
    except InputFileError as error:
        recording, line = None, str(error)
    assert "\n" not in line
    if recording is None:
        assert line.startswith(f"{path}: ")
        return None
    size = recording.spo2.size
    assert recording.pulse.size == recording.motion.size == recording.flags.size == size > 0
    assert 0.01 <= recording.interval_s <= 10
    assert recording.duration_s <= 3 * 86_400 + recording.interval_s
    with np.errstate(invalid="ignore"):
        assert not ((recording.spo2 < 1) | (recording.spo2 > 100)).any()
        assert not ((recording.pulse <= 0) | (recording.pulse >= 255)).any()
    assert all("\n" not in note for note in recording.notes)
    return recording


def test_the_files_that_are_spoilt_below_are_good(folder: Path) -> None:
    for name, data in GOOD.items():
        assert read(folder, data) is not None, name


@settings(deadline=None)
@given(name=st.sampled_from(sorted(GOOD)), share=st.floats(0, 1))
def test_a_file_cut_anywhere(folder: Path, name: str, share: float) -> None:
    data = GOOD[name]
    read(folder, data[: int(share * len(data))])


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(GOOD)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_a_file_with_bytes_changed(folder: Path, name: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(GOOD[name])
    for share, byte in changes:
        data[int(share * len(data))] = byte
    read(folder, bytes(data))


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(sorted(GOOD)),
    share=st.floats(0, 1),
    dropped=st.integers(0, 60),
    put_in=st.one_of(
        st.binary(max_size=40), st.text(alphabet='0123456789:/-.,;" \n\rAPMJan', max_size=40).map(str.encode)
    ),
)
def test_a_file_with_a_piece_replaced(folder: Path, name: str, share: float, dropped: int, put_in: bytes) -> None:
    data = GOOD[name]
    at = int(share * len(data))
    read(folder, data[:at] + put_in + data[at + dropped :])


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(GOOD)),
    share=st.floats(0, 1),
    put_in=st.binary(max_size=8),
    profile=st.sampled_from(["peak", "all"]),
)
def test_the_command_never_breaks_on_a_spoilt_file(
    folder: Path, name: str, share: float, put_in: bytes, profile: str
) -> None:
    data = GOOD[name]
    at = int(share * len(data))
    path = folder / "night"
    path.write_bytes(data[:at] + put_in + data[at + len(put_in) :])
    try:
        told = to_dict(*run(path, profile))
    except InputFileError:
        return
    json.dumps(told, allow_nan=False)
    assert (told["source"], told["profile"]) == ("night", "peak")


@settings(max_examples=60, deadline=None)
@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes(folder: Path, data: bytes) -> None:
    read(folder, data)


@settings(deadline=None)
@given(st.text(alphabet='start_duion,0123456789.-ewnrN\n\r";', max_size=200), st.integers(0, 400), st.booleans())
def test_any_events_and_stages(folder: Path, text: str, seconds: int, headed: bool) -> None:
    path = folder / "scored"
    path.write_text(("start_s,duration_s\n" if headed else "") + text)
    for reader in (read_events, lambda path: read_stages(path, seconds)):
        line = ""
        try:
            reader(path)
        except InputFileError as error:
            line = str(error)
        assert "\n" not in line


samples = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(50, 100)), st.one_of(st.none(), st.integers(20, 254)), st.integers(0, 254)
    ),
    min_size=3,
    max_size=60,
).filter(lambda rows: any(spo2 is not None for spo2, _, _ in rows))


@settings(max_examples=120, deadline=None)
@given(
    dialect=st.sampled_from(sorted(O2_DIALECTS | PLAIN_DIALECTS)),
    start=st.datetimes(datetime(2012, 1, 13), datetime(2069, 12, 31)).map(
        lambda moment: moment.replace(microsecond=0, day=13 + moment.day % 16)
    ),
    interval_s=st.sampled_from([1, 2, 4]),
    rows=samples,
)
def test_what_is_written_in_a_dialect_is_read(
    folder: Path, dialect: str, start: datetime, interval_s: int, rows: list[tuple[int | None, int | None, int]]
) -> None:
    spo2, pulse, motion = (list(column) for column in zip(*rows, strict=True))
    write = (O2_DIALECTS | PLAIN_DIALECTS)[dialect]
    path = folder / "night"
    path.write_bytes(as_bytes(write(rows_of(start, interval_s, spo2, pulse, motion))))
    recording = read_recording(path)
    assert recording.interval_s == interval_s
    assert recording.notes == ()
    np.testing.assert_array_equal(recording.spo2, [np.nan if value is None else value for value in spo2])
    np.testing.assert_array_equal(recording.pulse, [np.nan if value is None else value for value in pulse])
    if dialect in O2_DIALECTS:
        assert recording.motion.tolist() == motion
    if dialect != "elapsed seconds":
        assert recording.start is not None
        assert recording.start.replace(tzinfo=None) == start


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]).map(ZoneInfo),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 30), timezones=st.just(ZoneInfo("UTC"))),
    interval_s=st.sampled_from([1, 4]),
    hours=st.integers(1, 12),
)
def test_a_clock_on_the_wall_never_bends_the_night(
    folder: Path, zone: ZoneInfo, start: datetime, interval_s: int, hours: int
) -> None:
    step_s = interval_s * 25  # every 25th row and its follower: gaps of all the rest
    first = int(start.timestamp())
    at = [first + base + extra for base in range(0, hours * 3600, step_s) for extra in (0, interval_s, 2 * interval_s)]
    rows = [(datetime.fromtimestamp(moment, zone).replace(tzinfo=None), 95, 60, 0) for moment in at]
    path = folder / "night"
    path.write_bytes(as_bytes(O2_DIALECTS["24 h, month name (O2 Max)"](rows)))
    recording = read_recording(path, zone)
    assert recording.interval_s == interval_s
    assert np.flatnonzero(~np.isnan(recording.spo2)).tolist() == [(moment - first) // interval_s for moment in at]
    assert recording.start is not None
    repeated = datetime.fromtimestamp(first, zone).fold == 1
    assert repeated or int(recording.start.timestamp()) == first

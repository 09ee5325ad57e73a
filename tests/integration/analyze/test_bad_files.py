"""Files that are no recording: one line that names the file and the place, and never anything but `InputFileError`."""

from __future__ import annotations

import os
import stat
import tracemalloc
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import InputFileError
from gateway.service.exchange.files import read_recording
from gateway.service.exchange.files.scoring import read_events, read_stages
from gateway.service.exchange.files.source import MAX_BINARY_BYTES, MAX_MAPPED_BYTES, MAX_TEXT_BYTES
from gateway.wire.files.viatom import encode_vld
from tests.integration.analyze.edf_builder import Channel, Edf

HEADER = "Time,Oxygen Level,Pulse Rate,Motion,O2 Reminder,PR Reminder\n"
ROW = "23:00:{:02d} Mar 13 2026,{},60,0,0,0\n"
GOOD = HEADER + "".join(ROW.format(number, 96) for number in range(20))
CHANNEL = Channel("SpO2", [95.0] * 8, 2)
MIB = 2**20


def refused(path: Path) -> str:
    """The one line with which `path` is refused; it names the file."""
    with pytest.raises(InputFileError) as caught:
        read_recording(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    assert caught.value.exit_status == 2
    return line.removeprefix(f"{path}: ")


def no_clock(text: str) -> str:
    return text.replace("23:00:07", "23:0x:07")


CASES: dict[str, tuple[bytes | str, str]] = {
    "empty": (b"", "the file is empty"),
    "spaces": (" \n \n", "line 1: no header"),
    "prose": ("Dear doctor,\nI slept well.\n", "line 1: no header"),
    "no SpO2 column": ("time,pulse\n0,60\n1,61\n", "line 1: no header"),
    "header alone": (HEADER, "line 1: no sample below"),
    "one row": (HEADER + ROW.format(0, 96), "line 2: one sample alone"),
    "all missing": (HEADER + "".join(ROW.format(n, "--") for n in range(9)), "lines 2 to 10: not one valid SpO2"),
    "a word for a number": (GOOD.replace(":07 Mar 13 2026,96", ":07 Mar 13 2026,x9"), "line 9: 'x9' is no spo2 value"),
    "no time": (no_clock(GOOD), "line 9: '23:0x:07 Mar 13 2026' is no time"),
    "time goes back": (GOOD.replace("23:00:07", "22:55:07"), "line 9: the time goes back by 4.98 min"),
    "time goes back by a day": (GOOD + ROW.format(19, 96).replace("Mar 13", "Mar 12"), "line 22: the time goes back"),
    "two nights": (GOOD + ROW.format(19, 96).replace("Mar 13", "Mar 15"), "line 22: the time jumps ahead by 48 h"),
    "all at one time": (HEADER + ROW.format(0, 96) * 5, "line 2: all times are the same"),
    "too coarse": ("time,spo2\n0,96\n60,95\n120,94\n", "line 3: a sample every 60 s is too coarse"),
    "too few fields": (GOOD.replace("23:00:07 Mar 13 2026,96,60,0,0,0", "23:00:07 Mar 13 2026,96"), "line 9: 2 fields"),
    "an open quote": (GOOD + '"' + "x,\n" * 60_000, "line "),
    "binary among text": (GOOD.encode() * 100 + b"\x00\x01", "binary data among the lines"),
    "noise": (np.random.default_rng(7).bytes(5000), "byte 0: begins with"),
    "zeros": (bytes(5000), "byte 0: begins with 00"),
    "PDF": (b"%PDF-1.7 ...", "no recording but a PDF report"),
    "Excel": (b"PK\x03\x04....", "no recording but a ZIP archive or an Excel workbook"),
    "old MATLAB": (b"MATLAB 5.0 MAT-file" + bytes(200), "no recording but a MATLAB 5 file"),
    "JSON": (' {"a": 1}', "no recording but a JSON document"),
    "HTML": ("<html>", "no recording but an HTML"),
    "HDF5 signature alone": (b"\x89HDF\r\n\x1a\n" + bytes(900), "a damaged HDF5 file"),
    "ring file of its header": (encode_vld(np.array([95]), np.array([60]), start=None, interval_s=4)[:40], "byte 40: "),
    "ring file all missing": (
        encode_vld(np.full(9, 0xFF), np.full(9, 0xFFFF), start=None, interval_s=4),
        "not one valid SpO2 value in 9 records",
    ),
    "O2Ring-S all missing": (b"\x01\x03" + bytes(8) + b"\xff\xff\x00" * 9, "not one valid SpO2 value in 9 records"),
    "EDF of half a header": (Edf([CHANNEL], 4).to_bytes()[:100], "byte 100: the EDF header is cut short"),
    "EDF of half a signal": (Edf([CHANNEL], 4).to_bytes()[:300], "byte 300: the EDF header is cut short"),
    "EDF without a record": (Edf([CHANNEL], 4).to_bytes()[:513], "byte 512: not one whole data record"),
    "EDF without SpO2": (
        Edf([Channel("EEG", [0.0] * 8, 2, "uV", (-9, 9))], 4).to_bytes(),
        "byte 256: no SpO2 signal among EEG",
    ),
    "EDF in volts": (Edf([Channel("SpO2", [0.5] * 8, 2, "V", (0, 1))], 4).to_bytes(), "byte 256: no SpO2 signal"),
    "EDF of zeros": (Edf([Channel("SpO2", [0.0] * 8, 2)], 4).to_bytes(), "not one valid value in signal 'SpO2'"),
    "EDF with a word for a number": (
        Edf([CHANNEL], 4).to_bytes().replace(b"-32768", b"-3x768"),
        "byte 376: '-3x768' is no number",
    ),
    "EDF of no duration": (Edf([CHANNEL], 4, record_s=0).to_bytes(), "byte 244: data records without"),
    "EDF+D without onsets": (
        Edf([CHANNEL], 4, plus="C", onsets=[0, 1, 2, 3])
        .to_bytes()
        .replace(b"EDF+C", b"EDF+D")
        .replace(b"+2\x14\x14", b"    "),
        "byte 788: data record 3 does not say when",
    ),
    "EDF+D back in time": (
        Edf([CHANNEL], 4, plus="D", onsets=[0, 5, 4, 6]).to_bytes(),
        "byte 788: data record 3 begins before",
    ),
    "EDF+D long after its start": (
        Edf([CHANNEL], 4, plus="D", onsets=[400_000, 400_001, 400_002, 400_003]).to_bytes(),
        "byte 768: the first data record begins 400000 s",
    ),
    "EDF+D over weeks": (Edf([CHANNEL], 4, plus="D", onsets=[0, 1, 2, 900_000]).to_bytes(), "more than 3 days"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_is_refused_by_what_it_is(tmp_path: Path, case: str) -> None:
    content, what = CASES[case]
    path = tmp_path / "night.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert what in refused(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "this is a directory" in refused(tmp_path)
    assert "cannot be read (No such file" in refused(tmp_path / "absent.csv")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path / "pipe")
    assert "not a regular file" in refused(Path("/dev/zero"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text(GOOD)
    path.chmod(stat.S_IWUSR)
    assert "cannot be read (Permission denied)" in refused(path)


def test_a_name_over_two_lines_still_gives_one(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.csv"
    path.write_text("x")
    with pytest.raises(InputFileError) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value)


def sparse(path: Path, beginning: bytes, size: int) -> None:
    """A file that claims `size` bytes and takes none."""
    with path.open("wb") as handle:
        handle.write(beginning)
        handle.truncate(size)


@pytest.mark.parametrize(
    ("beginning", "size", "limit"),
    [
        (GOOD.encode() * 100, 100 * MIB, MAX_TEXT_BYTES),
        (GOOD.encode() * 100, 10_240 * MIB, MAX_TEXT_BYTES),
        (encode_vld(np.full(9, 95), np.full(9, 60), start=None, interval_s=4), 100 * MIB, MAX_BINARY_BYTES),
        (b"\x01\x03" + bytes(8), 10_240 * MIB, MAX_BINARY_BYTES),
        (Edf([CHANNEL], 4).to_bytes(), 10_240 * MIB, MAX_MAPPED_BYTES),
        (b"\x89HDF\r\n\x1a\n", 10_240 * MIB, MAX_MAPPED_BYTES),
    ],
)
def test_what_is_too_large_is_refused_by_its_size(tmp_path: Path, beginning: bytes, size: int, limit: int) -> None:
    path = tmp_path / "large"
    sparse(path, beginning, size)
    tracemalloc.start()
    try:
        assert f"{size // MIB:,} MiB are more than a recording of this kind has ({limit // MIB} MiB)" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


def test_a_hundred_megabytes_of_noise_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    block = np.random.default_rng(11).bytes(4 * MIB)
    with path.open("wb") as handle:
        for _ in range(25):
            handle.write(block)
    tracemalloc.start()
    try:
        assert "begins with" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


class TestEventsAndStages:
    def write(self, tmp_path: Path, text: str) -> Path:
        path = tmp_path / "scored.csv"
        path.write_text(text)
        return path

    def test_events_in_order_of_their_start(self, tmp_path: Path) -> None:
        events = read_events(self.write(tmp_path, "type,start_s,duration_s\r\nH,30.5,12\r\n\r\nA,10,20\r\n"))
        assert (events.start_s.tolist(), events.duration_s.tolist()) == ([10, 30.5], [20, 12])

    def test_a_header_alone_says_that_nothing_was_scored(self, tmp_path: Path) -> None:
        assert read_events(self.write(tmp_path, "start_s,duration_s\n")).start_s.size == 0

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("1,2\n3,4\n", "line 1: the header must name start_s and duration_s"),
            ("start_s,duration_s\n1,2\nx,4\n", "line 3: 'x,4' gives no start and duration"),
            ("start_s,duration_s\n1\n", "line 2: '1' gives no start"),
            ("start_s,duration_s\n1,0\n", "line 2: an event of 0 s at 1 s is not possible"),
            ("start_s,duration_s\n-1,9\n", "line 2: an event of 9 s at -1 s"),
            ("start_s,duration_s\n1,nan\n", "line 2: an event of nan s"),
        ],
    )
    def test_bad_events_name_their_line(self, tmp_path: Path, text: str, what: str) -> None:
        with pytest.raises(InputFileError, match=what):
            read_events(self.write(tmp_path, text))

    @pytest.mark.parametrize("name", ["Stage\n", ""])
    def test_stages_by_epoch_and_by_second(self, tmp_path: Path, name: str) -> None:
        path = self.write(tmp_path, name + "W\nN1\n2\nR\n?\n")
        expected = np.repeat([0, 1, 2, 5, 9], 30)
        assert read_stages(path, 150).tolist() == expected.tolist()
        assert read_stages(path, 140).tolist() == expected[:140].tolist()
        assert read_stages(path, 155).tolist() == [*expected.tolist(), *[9] * 5]
        path = self.write(tmp_path, name + "\n".join(f"{n},{stage}.0" for n, stage in enumerate([0, 2, 5] * 40)))
        assert read_stages(path, 120).tolist() == [0, 2, 5] * 40

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("W\nN1\nN7\n", "line 3: 'N7' is no sleep stage"),
            ("W\nN1\n", "2 stages fit neither 28800 s nor 960 epochs of 30 s"),
            ("Stage\n", "0 stages fit neither"),
        ],
    )
    def test_bad_stages(self, tmp_path: Path, text: str, what: str) -> None:
        with pytest.raises(InputFileError, match=what):
            read_stages(self.write(tmp_path, text), 28_800)


def test_the_cases_stand_on_a_file_that_is_good(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text(GOOD)
    assert read_recording(path).start == datetime(2026, 3, 13, 23)  # noqa: DTZ001 - naive local
    path.write_bytes(Edf([CHANNEL], 4).to_bytes())
    assert read_recording(path).spo2.tolist() == [95.0] * 8

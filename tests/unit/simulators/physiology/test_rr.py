"""Heart beats from the intervals of a night."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulators.physiology.rr import LONGEST_MS, SHORTEST_MS, beats_of_rr, clean_rr, read_rr_csv

HEADER = "Timestamp,Heart Rate,RR Interval in seconds\n"


def write(path: Path, rr_s: list[float]) -> Path:
    path.write_text(HEADER + "".join(f"2023/11/2 23:13:17,60,{value:.3f}\n" for value in rr_s))
    return path


def test_a_file_of_the_published_layout_is_read_in_ms(tmp_path: Path) -> None:
    assert read_rr_csv(write(tmp_path / "rr.csv", [0.982, 1.024])).tolist() == [982.0, 1024.0]


def test_a_file_without_intervals_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rr.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"rr\.csv: no column 'RR Interval in seconds'"):
        read_rr_csv(path)


def test_holes_and_doubles_become_the_median_of_their_neighbours_and_true_arrhythmia_stays() -> None:
    rr = np.full(100, 1200.0)
    rr[10], rr[20], rr[30], rr[40] = 40_084.0, 257.0, 2300.0, 640.0
    rr[50], rr[51] = 1200.0 * 1.35, 1200.0 * 0.7
    clean = clean_rr(rr)
    assert clean[[10, 20, 30, 40]].tolist() == [1200.0] * 4
    assert clean[[50, 51]].tolist() == [1620.0, 840.0]
    assert ((clean >= SHORTEST_MS) & (clean <= LONGEST_MS)).all()


def test_numbers_that_are_no_intervals_in_ms_are_refused() -> None:
    with pytest.raises(ValueError, match="no RR intervals"):
        clean_rr(np.full(50, 0.9))


def test_beats_follow_the_intervals_and_start_over_at_their_end() -> None:
    beats = beats_of_rr(np.array([1000.0, 500.0]), skip=1, duration_s=4.0)
    assert beats.tolist() == [0.5, 1.5, 2.0, 3.0, 3.5]


def test_both_recorded_nights_keep_their_pulse(recordings: Path) -> None:
    for name, bpm in (("rr_night_1.csv", 49.0), ("rr_night_2.csv", 67.5)):
        rr = clean_rr(read_rr_csv(recordings / "bed" / name))
        assert 60_000.0 / rr.mean() == pytest.approx(bpm, abs=0.7)

"""A cohort of 200 patients x 30 nights: every night's SpO2 trace analysed, nights joined and read together.

    python benchmarks/cohort.py [--json] [--people N] [--nights N] [--population clinic|community] [--seed S]
                                [--full] [--save FILE]

Real traces: each night is simulated (28,800 samples of SpO2, motion and flags; `simulators.cohort`), written to a
temporary file, and read from there. Timed is what the service would do with them, in two processes: desaturations,
indices and hypoxic burden of every night (`oximetry`), nights joined (`nights.join`), and one report a patient
(`nights.report`). `--full` also times every biomarker of every night (`analyze_night`). Limit: 60 s for 200 x 30.

`--json` prints one flat JSON object. Keys: `people`, `nights`, `samples`, `generate_s`, `analyse_s`, `limit_s` (60 s,
scaled to the size), `ratio` (limit / analyse_s), `nights_per_s`, `report_ms` (one patient's, mean), `full_s` and
`full_ratio` (null without `--full`); then for ODI3 over n of 1, 2, 3, 5, 7, 14 nights `wrong_pct_n`, `f1_n` and
`looks_normal_pct_n`, for the truth of the simulation `ahi_f1_n`, and `icc`. `--save` keeps the indices of every night
(npz: `indices`, shape (people, nights, k), and `names`) for docs/figures/nights.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # after the number of threads is set
from numpy.typing import NDArray

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from analytics.nights.cohort import intraclass_correlation, misclassification
from analytics.nights.join import join_nights
from analytics.nights.model import POPULATIONS
from analytics.nights.records import SensorRecord
from analytics.nights.report import evaluate
from analytics.oximetry import stream
from analytics.oximetry.analysis import NightInput, analyze_night
from analytics.oximetry.burden import hypoxic_burden, own_events
from simulators.cohort import CLINIC, COMMUNITY, Member, Population, trace_of
from simulators.physiology import Posture

SAMPLES: Final = 28_800
PROCESSES: Final = 2
LIMIT_S: Final = 60.0
LIMIT_NIGHTS: Final = 200 * 30
DAY_MS: Final = 86_400_000
SHORT: Final = (1, 2, 3, 5, 7, 14)
INDICES: Final = ("odi3", "odi4", "t90_pct", "hypoxic_burden")
TRUTHS: Final = ("true_ahi", "supine_pct")
POPULATION: Final = {"clinic": CLINIC, "community": COMMUNITY}

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """Where the traces of one patient lie: uint8, shape (people, nights, 3, samples)."""

    file: Path
    shape: tuple[int, int, int, int]
    population: Population
    seed: int
    number: int

    def traces(self, mode: Literal["r", "r+"]) -> NDArray[np.uint8]:
        """This patient's, shape (nights, 3, samples)."""
        whole: NDArray[np.uint8] = np.memmap(self.file, np.uint8, mode, shape=self.shape)
        mine: NDArray[np.uint8] = whole[self.number]
        return mine


def generate(work: Work) -> Table:
    """Sleep all nights of a patient; AHI and supine share of each, shape (nights, 2)."""
    member = Member(work.population, work.seed, work.number)
    traces = work.traces("r+")
    truth = np.empty((work.shape[1], len(TRUTHS)))
    for index in range(work.shape[1]):
        night = member.night(index)
        trace = trace_of(night)
        traces[index] = trace.spo2, trace.motion, trace.flags
        truth[index] = night.ahi, 100.0 * np.mean(night.posture == Posture.SUPINE)
    return truth


def spo2_of(column: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Per cent, NaN without a finger."""
    return np.where(column <= 100, column, np.nan).astype(np.float32)


def analyse(work: Work) -> tuple[Table, float]:
    """Indices of all nights of a patient, shape (nights, 4), and the seconds that their report took."""
    records = []
    for index, (spo2, motion, flags) in enumerate(work.traces("r")):
        values = spo2_of(spo2)
        found = stream.detect(values, motion=motion, flags=flags)
        burden = hypoxic_burden(values, *own_events(found.events), events="own")
        told = {
            "odi3": found.indices.odi3,
            "odi4": found.indices.odi4,
            "t90_pct": found.indices.t90_pct,
            "hypoxic_burden": burden.value,
        }
        start_ms = index * DAY_MS + 22 * 3_600_000
        end_ms = start_ms + 1000 * len(spo2)
        records.append(SensorRecord("oximetry", "ring", start_ms, end_ms, found.indices.valid_s, told))
    begin = time.perf_counter()
    nights = join_nights(records, "Etc/UTC")
    evaluate(nights)
    return np.array([[night.index(index) for index in INDICES] for night in nights]), time.perf_counter() - begin


def analyse_fully(work: Work) -> int:
    """Every biomarker of all nights of a patient; how many desaturations there were."""
    count = 0
    for spo2, motion, flags in work.traces("r"):
        count += len(analyze_night(NightInput(1.0, spo2_of(spo2), motion=motion, flags=flags)).desaturations)
    return count


def warm(_: int) -> None:
    """Compile, or load, every kernel before the clock runs."""
    night = np.full(7200, 97.0, np.float32)
    for onset in range(300, 6900, 60):
        night[onset : onset + 30] = np.linspace(97, 89, 30)
    columns = np.zeros(night.size, np.uint8)
    found = analyze_night(NightInput(1.0, np.rint(night), motion=columns, flags=columns))
    assert len(found.desaturations) > 50, "the burden's kernel needs events to be compiled"
    time.sleep(0.2)  # so that each process takes one


def measure(population: str, people: int, nights: int, seed: int, full: bool) -> tuple[dict[str, object], Table]:
    """Run it all: what `--json` prints, and the indices and truths of every night."""
    shape = (people, nights, 3, SAMPLES)
    with tempfile.TemporaryDirectory(prefix="somnolink-cohort-") as folder:
        file = Path(folder) / "traces.u8"
        with file.open("wb") as handle:
            handle.truncate(int(np.prod(shape)))
        works = [Work(file, shape, POPULATION[population], seed, number) for number in range(people)]
        with get_context("spawn").Pool(PROCESSES) as pool:
            pool.map(warm, range(PROCESSES), chunksize=1)
            begin = time.perf_counter()
            truths = np.array(pool.map(generate, works, chunksize=1))
            generated = time.perf_counter()
            done = pool.map(analyse, works, chunksize=1)
            analysed = time.perf_counter()
            if full:
                pool.map(analyse_fully, works, chunksize=1)
            ended = time.perf_counter()
    indices = np.array([table for table, _ in done])
    limit_s = LIMIT_S * people * nights / LIMIT_NIGHTS
    results: dict[str, object] = {
        "population": population,
        "people": people,
        "nights": nights,
        "samples": people * nights * SAMPLES,
        "generate_s": round(generated - begin, 2),
        "analyse_s": round(analysed - generated, 2),
        "limit_s": limit_s,
        "ratio": round(limit_s / (analysed - generated), 2),
        "nights_per_s": round(people * nights / (analysed - generated), 1),
        "report_ms": round(1000 * float(np.mean([seconds for _, seconds in done])), 2),
        "full_s": round(ended - analysed, 2) if full else None,
        "full_ratio": round(limit_s / (ended - analysed), 2) if full else None,
    }
    results.update(misclassified(indices[:, :, 0], truths[:, :, 0]))
    return results, np.concatenate([indices, truths], axis=2)


def misclassified(odi3: Table, ahi: Table) -> dict[str, object]:
    """How often few nights are wrong about these people."""
    short = [n for n in SHORT if n <= odi3.shape[1]]
    told: dict[str, object] = {}
    for found, true in zip(misclassification(odi3, short), misclassification(ahi, short), strict=True):
        told[f"wrong_pct_{found.nights}"] = round(found.wrong_pct, 1)
        told[f"f1_{found.nights}"] = round(found.f1, 3)
        told[f"looks_normal_pct_{found.nights}"] = round(found.looks_normal_pct, 2)
        told[f"ahi_f1_{found.nights}"] = round(true.f1, 3)
    told["icc"] = round(intraclass_correlation(list(POPULATIONS["odi3"].scaled(odi3))), 3)
    return told


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="Many nights of many patients, against the limit of a minute.")
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--population", choices=tuple(POPULATION), default="clinic")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--full", action="store_true", help="time every biomarker of every night too")
    parser.add_argument("--save", type=Path, help="keep the indices of every night in this npz file")
    options = parser.parse_args(arguments)
    if options.people < 2 or options.nights < 2:
        parser.error("a cohort has two people and two nights at least")
    results, table = measure(options.population, options.people, options.nights, options.seed, options.full)
    if options.save:
        np.savez_compressed(options.save, indices=table, names=np.array([*INDICES, *TRUTHS]))
    if options.json:
        print(json.dumps(results))
        return
    for key, value in results.items():
        print(f"{key:24} {value}")


if __name__ == "__main__":
    main()

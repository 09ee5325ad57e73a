"""Coverage-guided fuzzing of every parser: ``python -m tests.fuzz --each 600``.

Needs atheris (Linux, ``pip install atheris``). Each parser runs in a process of its own for its share of processor time
and begins from the test vectors. Exit status 0: no exception but the project's own; 1: a parser broke, and the bytes
that broke it are shown; 2: atheris is not there.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

LONGEST_INPUT_S: Final = 60
"""Of one input, by the wall's clock on a busy machine: what takes longer is a finding."""

PATIENCE: Final = 50
"""Seconds by the wall's clock for one of processor time, at the most: then the machine is too busy to fuzz on."""

GROWN_BYTES: Final = 1 << 30
"""Half of what libFuzzer lets a process have."""

STATUS: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of one parser.

    Attributes
    ----------
    cpu_s : float
        Processor time, imports and instrumentation included.
    edges, features, corpus : int
        As libFuzzer counts them at the end: edges of the parsers' code reached, edges by how often, and inputs kept.
    outgrown : bool
        Its process had grown so much that another went on.
    """

    name: str
    ok: bool
    cpu_s: float
    inputs: int
    edges: int
    features: int
    corpus: int
    said: str
    outgrown: bool = False

    def row(self) -> str:
        """As a row of the table in the README."""
        state = "none" if self.ok else "BROKEN"
        return f"| {self.name} | {self.cpu_s:.0f} | {self.inputs:,} | {self.edges} | {self.corpus} | {state} |"


def fuzz(name: str, share_s: float, seeds: list[bytes]) -> Fuzzed:
    """Fuzz one parser until it has had `share_s` of processor time, or broke.

    atheris keeps the result of each comparison of arrays for ever, so a process that has grown makes room for another,
    which goes on with its corpus. A parser that grows by itself, at once, is still a finding: libFuzzer's own limit.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        used_s, inputs = 0.0, 0
        while True:
            one = _one_process(name, share_s - used_s, folder)
            used_s, inputs = used_s + one.cpu_s, inputs + one.inputs
            if not one.ok or used_s >= share_s or not one.outgrown:
                return replace(one, cpu_s=used_s, inputs=inputs)


def _one_process(name: str, share_s: float, folder: str) -> Fuzzed:
    command = [sys.executable, "-m", "tests.fuzz.one", name, folder, "-max_len=8192", "-print_final_stats=1"]
    command += [f"-timeout={LONGEST_INPUT_S}", f"-artifact_prefix={folder}/", "-max_total_time=0"]
    with tempfile.TemporaryFile("w+") as told:
        process = psutil.Popen(command, stdout=told, stderr=subprocess.STDOUT)
        used_s, end_s, outgrown = 0.0, time.monotonic() + 60 + PATIENCE * share_s, False
        try:
            while process.poll() is None and used_s < share_s and time.monotonic() < end_s and not outgrown:
                used_s = sum(process.cpu_times()[:2])
                outgrown = process.memory_info().rss > GROWN_BYTES
                time.sleep(0.2)
            if process.poll() is None:
                process.send_signal(signal.SIGUSR1)  # libFuzzer ends by itself and tells its figures
            process.wait(2 * LONGEST_INPUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        told.seek(0)
        said = told.read()
    executed = re.search(r"number_of_executed_units:\s*(\d+)", said)
    states = STATUS.findall(said)
    edges, features, corpus = map(int, states[-1]) if states else (0, 0, 0)
    inputs = int(executed.group(1)) if executed else 0
    ok = process.returncode == 0 and inputs > 0
    return Fuzzed(name, ok, used_s, inputs, edges, features, corpus, said, outgrown)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description="fuzz every parser")
    time_options = options.add_mutually_exclusive_group()
    time_options.add_argument("--seconds", type=float, default=60, help="processor time of all together (default 60)")
    time_options.add_argument("--each", type=float, help="processor time of each, in seconds")
    options.add_argument("--parser", action="append", help="only this one; may be repeated")
    chosen = options.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris: pip install atheris", file=sys.stderr)
        return 2
    from tests.fuzz.parsers import MEMBERS, seeds_of

    names = chosen.parser or list(MEMBERS)
    if unknown := set(names) - set(MEMBERS):
        print(f"unknown parser {', '.join(sorted(unknown))}; known: {', '.join(MEMBERS)}", file=sys.stderr)
        return 2
    share_s = chosen.each or max(1.0, chosen.seconds / len(names))
    print("| parser | processor s | inputs | edges | corpus | findings |\n|---|---|---|---|---|---|", flush=True)
    results = []
    for name in names:
        results.append(fuzz(name, share_s, seeds_of(name)))
        print(results[-1].row(), flush=True)
        if not results[-1].ok:
            print(results[-1].said[-4000:], file=sys.stderr, flush=True)
    broken = sum(not result.ok for result in results)
    print(f"\n{len(results)} parsers, {sum(result.inputs for result in results):,} inputs, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

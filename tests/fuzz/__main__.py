"""Coverage-guided fuzzing of every parser: ``python -m tests.fuzz --seconds 600``.

Needs atheris (Linux, ``pip install atheris``). Each target runs in a process of its own for its share of the time and
begins from the test vectors. Exit status 0: no exception but the project's own; 1: a target broke, and the bytes that
broke it are shown; 2: atheris is not there.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="fuzz every parser of device bytes")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together (default 60)")
    parser.add_argument("--target", action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris: pip install atheris", file=sys.stderr)
        return 2
    from tests.fuzz.targets import TARGETS, seeds

    names = options.target or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        print(f"unknown target {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    share_s = max(1, options.seconds // len(names))
    broken, total = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        for name in names:
            command = [sys.executable, "-m", "tests.fuzz.one", name, folder, "-max_len=8192"]
            command += [f"-max_total_time={share_s}", f"-artifact_prefix={folder}/", "-print_final_stats=1"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            executed = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
            runs = int(executed.group(1)) if executed else 0
            total += runs
            print(
                f"{name:20} {'ok' if done.returncode == 0 else 'BROKEN':6} {runs:>9} inputs in {share_s} s", flush=True
            )
            if done.returncode:
                broken.append(name)
                print(done.stdout[-2000:] + done.stderr[-2000:], file=sys.stderr)
    print(f"{len(names)} targets, {total} inputs, {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

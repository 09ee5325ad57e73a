"""Oximetry against the PhysioZoo toolbox (`pobm`), side by side on the same night in the same run.

    python benchmarks/oximetry.py [--json] [--quick]

Ours runs warm on one core; the toolbox in an environment of its own with the old numpy and scipy that it needs, made
once under the cache folder (`$XDG_CACHE_HOME` or `~/.cache`, `somnolink/pobm-1.2.0`). Its full set compares every pair
of samples for two entropies and takes minutes on a whole night; `--quick` gives its full set one hour of the night and
says so (`pobm_all_samples`). Where the toolbox cannot be had its keys are null and `pobm_missing` says why.

`--json` prints one flat JSON object. Keys: `core_ms` (events, ODI, T90, mean and hypoxic burden of a night), `all_ms`
(that and every biomarker), `step_us` (60 samples through the streaming step), `pobm_core_ms`, `pobm_all_ms`,
`core_ratio`, `all_ratio`; then for each index of both `ours_NAME`, `pobm_NAME` and `difference_NAME` (ours - theirs;
every one that is not 0 is explained in docs/oximetry.md), and the counts of a crowded night of 200 desaturations.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # after the number of threads is set
from numpy.typing import NDArray

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: its gateway.py would hide the package

from analytics.oximetry import stream
from analytics.oximetry.biomarkers import night_biomarkers
from analytics.oximetry.burden import hypoxic_burden, own_events
from analytics.oximetry.profiles import get_profile
from analytics.oximetry.signal import OximetryChunk

SAMPLES: Final = 28_800
QUICK_SAMPLES: Final = 3_600
CHUNK: Final = 60
EVENTS: Final = 100
CROWDED_EVENTS: Final = 200
PEER_TIMEOUT_S: Final = 3600
OLD_PYTHONS: Final = ("3.10", "3.9", "3.8")
PINS: Final = ("numpy==1.23.5", "scipy==1.8.1")
PINS_3_11: Final = ("numpy==1.23.5", "scipy==1.9.3")
"""Python 3.11 has no older scipy; the peer script then supplies the one name that this one has lost."""
TOOLBOX: Final = "pobm==1.2.0"


def synthetic_night(events: int, seed: int = 20) -> NDArray[np.float64]:
    """A night of `SAMPLES` whole percents at 1 Hz: a slow wander, sensor noise, and desaturations of 3..9 % in
    clusters."""
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(0.0, 0.02, SAMPLES))
    wander -= np.linspace(wander[0], wander[-1], SAMPLES)
    signal = 95.5 + 0.8 * wander / np.abs(wander).max() + rng.normal(0.0, 0.15, SAMPLES)
    onsets = np.sort(rng.choice(np.arange(120, SAMPLES - 240, 110), events, replace=False))
    for onset in onsets.tolist():
        fall, rise, depth = int(rng.integers(18, 45)), int(rng.integers(8, 18)), float(rng.uniform(3.5, 9.0))
        dip = np.concatenate([np.linspace(0.0, depth, fall), np.linspace(depth, 0.0, rise)])
        signal[onset : onset + dip.size] -= dip
    return np.clip(np.rint(signal), 50.0, 100.0)


def best_ms(call: Callable[[], object], repeats: int = 50) -> float:
    """Shortest of `repeats` runs, ms; what the machine does beside it only ever adds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times)


def ours(night: NDArray[np.float64], crowded: NDArray[np.float64], full_samples: int) -> dict[str, float]:
    """Times and, on the toolbox's own events, its indices by our code."""
    sensor = night.astype(np.float32)

    def core() -> stream.CoreResult:
        found = stream.analyze_core(sensor)
        hypoxic_burden(sensor, *own_events(found.events), events="own")
        return found

    def everything() -> None:
        found = core()
        night_biomarkers(sensor, found.events)

    chunks = [OximetryChunk(1000 * i, 1000, sensor[i : i + CHUNK]) for i in range(0, SAMPLES, CHUNK)]

    def whole_stream() -> None:
        state = stream.start()
        for chunk in chunks:
            state, _ = stream.step(state, chunk)

    for warm in (core, everything, whole_stream):
        warm()
    results = {
        "core_ms": best_ms(core, 200),
        "all_ms": best_ms(everything, 30),
        "step_us": 1e3 * best_ms(whole_stream, 10) / len(chunks),
    }
    detect = get_profile("pobm").detect
    assert detect is not None
    full = night[:full_samples]
    events = detect(full, 3.0)
    indices = night_biomarkers(full, events)
    indices["ODI"] = events.size / full.size * 3600
    indices["CT"] = indices["CT90"]
    results.update({f"ours_{name}": value for name, value in indices.items()})
    results.update({f"ours_events_{depth}": detect(night, float(depth)).size for depth in (2, 3, 4)})
    results["ours_events_crowded"] = detect(crowded, 3.0).size
    return results


def old_pythons() -> Iterator[str]:
    """Interpreters old enough for the toolbox, this one last."""
    for version in OLD_PYTHONS:
        found = shutil.which(f"python{version}")
        if found:
            yield found
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in OLD_PYTHONS:
        yield from (str(path) for path in sorted(versions.glob(f"{version}.*/bin/python")))
    yield sys.executable


def run(*command: str, timeout_s: float = 600) -> str:
    """Standard output of a command.

    Raises
    ------
    RuntimeError
        If it fails or takes too long; with the last line that it said.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(said[-1] if said else f"{command[0]} failed with status {done.returncode}")
    return done.stdout


def toolbox_python() -> str:
    """Interpreter of the toolbox's environment, made on first use.

    Raises
    ------
    RuntimeError
        If no interpreter here can have the toolbox.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "somnolink" / "pobm-1.2.0"
    python = cache / "bin" / "python"
    ready = cache / "ready"
    if ready.exists():
        return str(python)
    problem = "no Python found"
    for base in old_pythons():
        try:
            newer = json.loads(run(base, "-c", "import sys; print(int(sys.version_info >= (3, 11)))"))
            run(base, "-m", "venv", str(cache))
            run(
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--retries",
                "1",
                TOOLBOX,
                *(PINS_3_11 if newer else PINS),
            )
        except (RuntimeError, ValueError) as error:
            problem = str(error)
            shutil.rmtree(cache, ignore_errors=True)
            continue
        ready.touch()
        return str(python)
    raise RuntimeError(problem)


def toolbox(night: NDArray[np.float64], crowded: NDArray[np.float64], full_samples: int) -> dict[str, Any]:
    """What the toolbox says of the same nights, and how long it takes; see `oximetry_pobm`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.npz"
        np.savez(path, night=night, crowded=crowded, full_samples=full_samples)
        script = Path(__file__).with_name("oximetry_pobm.py")
        said: dict[str, Any] = json.loads(
            run(toolbox_python(), str(script), str(path), timeout_s=PEER_TIMEOUT_S).strip().splitlines()[-1]
        )
    return said


def compare(quick: bool) -> dict[str, Any]:
    """Run both and put them side by side."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    night, crowded = synthetic_night(EVENTS), synthetic_night(CROWDED_EVENTS)
    full_samples = QUICK_SAMPLES if quick else SAMPLES
    mine = ours(night, crowded, full_samples)
    table: dict[str, Any] = {
        "samples": SAMPLES,
        **{key: mine[key] for key in ("core_ms", "all_ms", "step_us")},
        "pobm_core_ms": None,
        "pobm_all_ms": None,
        "pobm_all_samples": full_samples,
        "core_ratio": None,
        "all_ratio": None,
        "pobm_missing": None,
    }
    try:
        theirs = toolbox(night, crowded, full_samples)
    except (RuntimeError, ValueError) as error:
        table["pobm_missing"] = str(error)
        theirs = {"indices": {}, "counts": {}}
    else:
        table.update(
            pobm_core_ms=theirs["core_ms"],
            pobm_all_ms=theirs["all_ms"],
            core_ratio=theirs["core_ms"] / mine["core_ms"],
            all_ratio=None if quick else theirs["all_ms"] / mine["all_ms"],
            pobm_python=theirs["python"],
            pobm_numpy=theirs["numpy"],
            pobm_scipy=theirs["scipy"],
            pobm_shimmed=theirs["shimmed"],
            pobm_events_crowded=theirs["crowded"],
        )
    found = {**theirs["indices"], **{f"events_{depth}": count for depth, count in theirs["counts"].items()}}
    for key, value in mine.items():
        if key.startswith("ours_"):
            index = key.removeprefix("ours_")
            table[key] = value if math.isfinite(value) else None
            if index in found:
                table[f"pobm_{index}"] = found[index] if math.isfinite(found[index]) else None
                table[f"difference_{index}"] = value - found[index] if math.isfinite(value - found[index]) else None
    return table


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="Oximetry against the PhysioZoo toolbox on the same night.")
    parser.add_argument("--json", action="store_true", help="one flat JSON object on stdout")
    parser.add_argument(
        "--quick", action="store_true", help="give the toolbox's full set one hour instead of the night"
    )
    given = parser.parse_args()
    table = compare(given.quick)
    if given.json:
        print(json.dumps(table))
        return
    for key, value in table.items():
        print(f"{key:26} {value:.6g}" if isinstance(value, float) else f"{key:26} {value}")


if __name__ == "__main__":
    main()

"""The PhysioZoo toolbox on one night, for `oximetry.py`: runs in its own environment (Python 3.8 or later, old numpy
and scipy).

    python oximetry_pobm.py NIGHT.npz

NIGHT.npz holds `night` and `crowded` (SpO2 at 1 Hz, whole percents) and `full_samples` (how much of `night` the full
set gets). Prints one JSON object: times in ms, and the toolbox's indices under its own names.
"""

import dataclasses
import json
import os
import sys
import time

import numpy as np
import scipy.stats

SHIMMED = not hasattr(scipy.stats, "median_absolute_deviation")
if SHIMMED:  # gone since scipy 1.9; the toolbox imports it by name
    scipy.stats.median_absolute_deviation = lambda x: 1.4826 * scipy.stats.median_abs_deviation(x)

from pobm.obm.burden import HypoxicBurdenMeasures  # after the shim that it needs
from pobm.obm.complex import ComplexityMeasures
from pobm.obm.desat import DesaturationsMeasures
from pobm.obm.general import OverallGeneralMeasures
from pobm.obm.periodicity import PRSAMeasures, PSDMeasures

REPEATS = 5


def core(night):
    """Events, ODI, CT90 and the toolbox's burden measures, and the mean."""
    found = DesaturationsMeasures(ODI_Threshold=3).compute(night)
    return found, HypoxicBurdenMeasures(found.begin, found.end).compute(night), float(np.mean(night))


def everything(night):
    """Every measure of the toolbox."""
    found, burden, _ = core(night)
    measures = (
        found,
        burden,
        OverallGeneralMeasures().compute(night),
        PRSAMeasures().compute(night),
        PSDMeasures().compute(night),
        ComplexityMeasures().compute(night),
    )
    return {name: value for measure in measures for name, value in dataclasses.asdict(measure).items()}


def main(path):
    """Time the toolbox and print what it found."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    given = np.load(path)
    night, crowded = given["night"], given["crowded"]
    full = night[: int(given["full_samples"])]
    core_ms = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        core(night)
        core_ms.append(1e3 * (time.perf_counter() - begin))
    begin = time.process_time()  # minutes long and run once: what other processes take in between is not the toolbox's
    indices = everything(full)
    all_ms = 1e3 * (time.process_time() - begin)
    counts = {depth: len(DesaturationsMeasures(ODI_Threshold=depth).compute(night).begin) for depth in (2, 3, 4)}
    print(
        json.dumps(
            {
                "core_ms": min(core_ms),
                "all_ms": all_ms,
                "indices": {name: float(value) for name, value in indices.items() if np.ndim(value) == 0},
                "counts": counts,
                "crowded": len(DesaturationsMeasures(ODI_Threshold=3).compute(crowded).begin),
                "python": sys.version.split()[0],
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "shimmed": SHIMMED,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])

"""A whole simulated month: `python -m tests.integration.months --seed S [--nights N] [--hours H]`.

Prints a row of a table for each seed as it is done, and exits with status 1 where one was not lived through.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import Final

from simulators.firmware import FirmwareDiedError
from tests.integration.months.month import DEVICES, MonthReport, growth_pct, live_month

COLUMNS: Final = (
    *("seed", "nights", "hours", "faults", "samples", "lost", "doubled", "cut_s", "gap_s"),
    *("MiB_night_2", "MiB_last", "growth_pct", "took_s"),
)
SHOWN: Final = 300
"""Characters of what a seed was not lived through for."""


def main() -> int:
    """Live through the months of the seeds given."""
    parser = argparse.ArgumentParser(description="30 nights, three devices, random faults.")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--hours", type=float, default=1.0, help="length of a night")
    parser.add_argument(
        "--devices", choices=list(DEVICES), default="sleeper", help="; ".join(f"{k}: {v}" for k, v in DEVICES.items())
    )
    parser.add_argument("--traced", action="store_true", help="the gateway's own memory, by tracemalloc (slow)")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    print(f"{DEVICES[options.devices]}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    failed = 0
    for seed in options.seed:
        began = time.perf_counter()
        tell = (lambda line: print(line, file=sys.stderr, flush=True)) if options.verbose else (lambda _: None)
        try:
            report = live_month(
                seed,
                options.nights,
                round(options.hours * 3600),
                tell,
                devices=options.devices,
                traced=options.traced,
            )
        except (AssertionError, FirmwareDiedError) as error:
            failed += 1
            print(f"| {seed} | not lived through: {_line(error)} |", flush=True)
            logging.getLogger().critical("seed %d", seed, exc_info=True)
            continue
        print(_row(report, options.hours, time.perf_counter() - began), flush=True)
    return 1 if failed else 0


def _line(error: Exception) -> str:
    """Its text in one line, without the middle of a long one: a firmware's last words end with what they are about."""
    text = " ".join(str(error).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 2 :]}"


def _row(report: MonthReport, hours: float, took_s: float) -> str:
    tally = report.tally
    memory = report.gateway_kib or report.rss_mib
    shown = [one / 1024 for one in memory] if report.gateway_kib else memory
    cells = (
        report.seed,
        report.nights,
        hours,
        tally.faults.total(),
        f"{tally.samples:,}",
        tally.lost,
        tally.doubled,
        f"{tally.cut_s:.1f}",
        tally.gap_s,
        f"{shown[min(1, len(shown) - 1)]:.1f}",
        f"{shown[-1]:.1f}",
        f"{growth_pct(memory):.1f}",
        f"{took_s:.0f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())

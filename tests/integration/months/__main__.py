"""A whole simulated month: `python -m tests.integration.months --seed S [--nights N] [--hours H]`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time

from tests.integration.months.month import growth_pct, live_month


def main() -> None:
    """Live through the months of the seeds given and print one line of JSON each."""
    parser = argparse.ArgumentParser(description="30 nights, three devices, random faults.")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--hours", type=float, default=1.0, help="length of a night")
    parser.add_argument("--traced", action="store_true", help="the gateway's own memory, by tracemalloc (slow)")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    for seed in options.seed:
        began = time.perf_counter()
        tell = (lambda line: print(line, file=sys.stderr)) if options.verbose else (lambda _: None)
        report = live_month(seed, options.nights, round(options.hours * 3600), tell, traced=options.traced)
        print(
            json.dumps(
                {
                    "seed": seed,
                    "nights": report.nights,
                    "hours": options.hours,
                    "faults": sum(report.faults.values()),
                    "samples": report.samples,
                    "lost": report.lost,
                    "doubled": report.doubled,
                    "gap_s": report.gap_s,
                    "rss_mib": round(report.rss_mib[-1], 1),
                    "rss_growth_pct": round(growth_pct(report.rss_mib), 1),
                    "gateway_growth_pct": round(growth_pct(report.gateway_kib), 1) if report.gateway_kib else None,
                    "elapsed_s": round(time.perf_counter() - began, 1),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()

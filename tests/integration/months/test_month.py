"""A few nights of a simulated month; `python -m tests.integration.months` lives through whole ones."""

from __future__ import annotations

from tests.integration.months.month import live_month


def test_nights_with_random_faults_lose_nothing_and_double_nothing() -> None:
    report = live_month(seed=1, nights=3, night_s=1_500)
    assert (report.lost, report.doubled) == (0, 0)
    assert report.samples > 3 * 1_500 / 2
    assert sum(report.faults.values()) >= 6
    assert len(report.rss_mib) == 3

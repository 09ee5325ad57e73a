"""From the trace to the verdict: simulated people, every night analysed, joined and read."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analytics.nights.join import join_nights
from analytics.nights.records import SensorRecord, TreatmentStep
from analytics.nights.report import NightsReport, evaluate
from analytics.oximetry import stream
from analytics.oximetry.burden import hypoxic_burden, own_events
from simulators.cohort import CLINIC, Member, trace_of
from simulators.physiology import Posture, Stage

NIGHTS = 14
FIRST = date(1970, 1, 1)


def sensors(member: Member, index: int, residual: float) -> list[SensorRecord]:
    """What ring, bed and recorder say of one night; the MAD is in where it leaves less than all."""
    night = member.night(index, residual=residual)
    trace = trace_of(night)
    spo2 = np.where(trace.spo2 <= 100, trace.spo2, np.nan).astype(np.float32)
    found = stream.detect(spo2, motion=trace.motion, flags=trace.flags)
    told = {
        "odi3": found.indices.odi3,
        "odi4": found.indices.odi4,
        "hypoxic_burden": hypoxic_burden(spo2, *own_events(found.events), events="own").value,
    }
    start_ms, end_ms = night.start_utc_ms, night.end_utc_ms
    bed = {
        "sleep_s": 30.0 * float(np.count_nonzero(night.stages != Stage.WAKE)),
        "supine_pct": 100.0 * float(np.mean(night.posture == Posture.SUPINE)),
    }
    records = [
        SensorRecord("oximetry", "ring", start_ms, end_ms, found.indices.valid_s, told),
        SensorRecord("bed", "bed", start_ms, end_ms, (end_ms - start_ms) / 1000, bed),
        SensorRecord("recorder", "mad", start_ms, end_ms),
    ]
    return records if residual == 1.0 else [*records, SensorRecord("wear", "mad", start_ms, end_ms)]


def treated(member: Member, residual: float) -> NightsReport:
    """Nights without, then as many with a MAD."""
    records = []
    for index in range(2 * NIGHTS):
        records += sensors(member, index, 1.0 if index < NIGHTS else residual)
    return evaluate(join_nights(records, "Etc/UTC"), [TreatmentStep(FIRST + timedelta(days=NIGHTS), 6.0)])


@pytest.fixture(scope="module")
def severe() -> Member:
    """Somebody with many events."""
    return next(one for one in (Member(CLINIC, 21, n) for n in range(50)) if 30 < one.group.ahi < 45)


@pytest.fixture(scope="module")
def helped(severe: Member) -> NightsReport:
    return treated(severe, 0.2)


def test_a_mad_that_helps_is_seen_to_work(helped: NightsReport) -> None:
    assert helped.sides["without"] == helped.sides["with"] == NIGHTS
    assert helped.verdict == "working"
    assert helped.treatment[0].matched
    assert helped.treatment[0].remaining_pct < 40.0


def test_the_step_is_found_where_the_mad_came(helped: NightsReport) -> None:
    (change,) = [one for one in helped.changes if one.cause == "treatment_step"]
    assert change.changed
    assert change.ratio < 0.5


def test_severity_is_told_apart_with_and_without(helped: NightsReport) -> None:
    without, with_mad = helped.without[0], helped.treated[0]
    assert without.severity in ("moderate", "severe")
    assert with_mad.severity in ("normal", "mild")
    assert not without.provisional
    assert with_mad.high < without.low


def test_a_mad_that_does_nothing_is_not_called_working(severe: Member) -> None:
    assert treated(severe, 0.999).verdict in ("not", "cannot_say")

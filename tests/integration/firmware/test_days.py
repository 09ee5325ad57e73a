"""Days of wear with reboots, clock losses and drift, over the radio and through the real gateway.

The year of 400 boots is run without a radio in tests/integration/edge; here fewer days go the whole way, from the
sensor to the outbox. Every record tells the true time by its acceleration, three digits of base 1023.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import numpy as np

from gateway.home.collect.collector import Collector
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.collect.radio import Radio
from gateway.home.outbox import Outbox
from gateway.home.outbox.ledger import Anchor
from gateway.wire.codec import decode_batch
from gateway.wire.messages import Batch
from simulators.firmware import VirtualRecorder
from simulators.physiology import MouthReading
from simulators.radio import Adapter, Ether
from simulators.timeloop import SimulatedClock
from tests.integration.firmware.conftest import EPOCH_MS, RECORDER_ADDRESS, SECRET

DAYS = 3
REBOOTS = 16
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BASE = 1023
STEP_MS = 100
NEAR_MS = 25 * HOUR_MS


class Diary:
    """In the mouth from 23 to 6, in its case from 7 to 22:30, somewhere in the open between."""

    def reading(self, utc_ms: int) -> MouthReading:
        hour = utc_ms % DAY_MS / HOUR_MS
        if hour >= 23:
            temperature = 36.2 - 14 * math.exp(-(hour - 23) * 12)
        elif hour < 6:
            temperature = 36.2 + 0.3 * math.sin(hour)
        else:
            temperature = 22.2 + 14 * math.exp(-(hour - 6) * 9)
        code = (utc_ms - EPOCH_MS) // STEP_MS
        x, y, z = (4 * (code // BASE**axis % BASE - 511) for axis in range(3))
        return MouthReading(temperature, (x, y, z), 0)

    def in_case(self, utc_ms: int) -> bool:
        return 7 <= utc_ms % DAY_MS / HOUR_MS < 22.5


async def until(true: Callable[[], bool], every_s: float = 60) -> None:
    for _ in range(10_000):
        if true():
            return
        await asyncio.sleep(every_s)
    raise AssertionError("it never came about")


def true_ms(batch: Batch) -> np.ndarray:  # type: ignore[type-arg]  # int64
    digits = [batch.columns[name].astype(np.int64) // 4 + 511 for name in ("accel_x", "accel_y", "accel_z")]
    return EPOCH_MS + STEP_MS * (digits[0] + BASE * digits[1] + BASE**2 * digits[2])


async def test_every_record_arrives_once_and_is_dated_within_what_is_promised(
    ether: Ether, adapter: Adapter, clock: SimulatedClock, tmp_path: Path
) -> None:
    rng = random.Random(5)
    radio = await ether.add_peripheral(RECORDER_ADDRESS, rssi_dbm=-58)
    device = VirtualRecorder(
        ether, radio, clock, tmp_path / "recorder", Diary(), secret=SECRET, drift_ppm=95.0, flash_blocks=16
    )
    secrets = EnrolmentSecrets(tmp_path / "secrets")
    secrets.keep(RECORDER_ADDRESS, SECRET)
    outbox = Outbox(tmp_path / "outbox.db", clock)
    collector = Collector(
        Radio(adapter.client_class, adapter.scanner_class), outbox, clock, zone=UTC, enrolment=secrets
    )
    await device.start()
    device.press()
    task = asyncio.create_task(collector.run())
    await until(lambda: bool(collector.known))
    moments = sorted(rng.uniform(0, DAYS * 86_400) for _ in range(REBOOTS))
    for moment in moments:
        await asyncio.sleep(max(0.0, moment - clock.monotonic_s()))
        device.drift_ppm = rng.uniform(-95.0, 95.0)
        device.first_tick = rng.choice([0, (1 << 30) - 3_600_000, rng.randrange(1 << 30)])
        await device.reboot(off_s=rng.uniform(1, 120))
    await until(lambda: Diary().in_case(clock.utc_ms()))
    back_ms = clock.utc_ms()
    await until(lambda: max(known.last_pull_ms for known in collector.known.values()) > back_ms)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await device.stop()
    assert device.boots == REBOOTS + 1

    (known,) = collector.known
    anchors = await outbox.ledger.anchors(known)
    rows = await outbox._journal.run(lambda base: base.execute("SELECT payload FROM batch").fetchall())
    outbox.close()
    batches = [batch for batch in (decode_batch(payload) for (payload,) in rows) if batch.kind == "wear"]
    found = np.concatenate([true_ms(batch) for batch in batches])
    kept = np.array([one.utc_ms // STEP_MS * STEP_MS for one in device.kept])
    assert found.size > DAYS * 24 * 12
    assert np.unique(found).size == found.size
    assert np.array_equal(np.sort(found), np.sort(kept)[: found.size])
    assert kept.size - found.size <= 60  # since the last contact
    between = worst = 0
    for batch in batches:
        errors = np.abs(batch.times_ms() - true_ms(batch) - STEP_MS // 2)
        near = np.array([is_near(anchors, batch.clock.boot, at) for at in true_ms(batch).tolist()])
        between += int(near.sum())
        worst = max(worst, int(errors[near].max(initial=0)))
        assert errors[near].max(initial=0) <= 2_000
        assert errors.max() <= batch.clock.uncertainty_ms + STEP_MS
    print(f"{found.size} records, {between} between anchors, worst there {worst} ms")
    assert between > found.size // 2


def is_near(anchors: list[Anchor], epoch: int | None, at_ms: int) -> bool:
    """Whether a record lies between two anchors of its boot that are no more than a day apart."""
    own = [anchor.utc_ms for anchor in anchors if anchor.epoch == epoch]
    before, after = [utc for utc in own if utc <= at_ms], [utc for utc in own if utc > at_ms]
    return bool(before and after) and min(after) - max(before) <= NEAR_MS

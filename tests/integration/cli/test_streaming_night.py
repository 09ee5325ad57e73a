"""A SIG pulse oximeter that streams at 1 Hz and stores nothing, from the virtual radio to the store."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np

from gateway.clock import SystemClock
from gateway.demo.reconcile import END_OF_TIME
from gateway.home.devices.plx.protocol import decode_continuous
from gateway.service.app import Service, ServiceConfig
from gateway.service.records import NightResult, Records, State
from gateway.service.store import open_store
from gateway.wire.access import SERVICE_USER
from gateway.wire.broker import EmbeddedBroker
from simulators.devices import PulseOximeter
from simulators.home import plan_nights, virtual_home
from simulators.timeloop import SimulatedClock, run


def test_what_it_sent_is_what_the_store_has_and_the_night_is_analysed(tmp_path: Path) -> None:
    plan = plan_nights(3, 1, profile="severe", oximeter="plx", duration_s=3600)
    sent: list[bytes] = []
    while_streaming: list[NightResult] = []
    with (
        EmbeddedBroker(["home-1", SERVICE_USER]) as broker,
        open_store(f"sqlite:///{tmp_path / 'samples.db'}") as store,
    ):
        records = Records(tmp_path / "records.db")
        config = ServiceConfig(broker.address(SERVICE_USER), "UTC", auto_enrol=True, http_port=None)
        with Service(config, store, records, SystemClock()) as service:
            service.start(wait_s=15)

            async def live(clock: SimulatedClock) -> None:
                async with virtual_home(
                    plan, clock, data=tmp_path / "home", broker=broker.address("home-1"), gateway="home-1", mode="live"
                ) as home:
                    await clock.sleep(3300)
                    await asyncio.to_thread(time.sleep, 2.0)  # simulated time waits; the service catches up
                    while_streaming.extend(records.results.nights())
                    await home.live_through()
                    await home.device.stop()  # the link ends, and with it the stream
                    await clock.sleep(5)
                    await home.home.publisher.until_empty()
                    assert isinstance(home.device, PulseOximeter)
                    sent.extend(one.value for one in home.device.delivered_live)

            run(live, epoch_ms=plan.epoch_ms)
            service.ingest.settle()
            (night,) = records.results.nights()
            found = records.results.desaturations(night)
        (device,) = store.devices()
        kept = store.read(device, "oximetry", 0, END_OF_TIME)
        records.close()
    expected = [decode_continuous(value).reading().spo2_pct for value in sent]
    assert len(expected) > 2000
    values = np.array([np.nan if value is None else value for value in expected], "<f4")
    np.testing.assert_array_equal(kept.columns["spo2"], values)
    assert (np.diff(kept.t_ms) > 0).all()
    (running,) = while_streaming
    assert running.state == State.RUNNING
    assert running.indices["odi3"]
    assert night.state == State.CLOSED
    assert len(found) > 5

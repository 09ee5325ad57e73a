"""The v2 write path against a live server that is not InfluxDB: what is sent is what comes out of its export."""

from __future__ import annotations

import numpy as np

from gateway.service.store.influx_http import V2Writer
from gateway.service.store.influx_lines import sample_lines
from gateway.wire.messages import SCHEMA
from tests.properties.store.reference import make_batch
from tests.servers.victoria_metrics import VictoriaMetricsServer

START_MS = 1_790_000_000_000


def test_samples_written_over_v2_come_out_of_the_export() -> None:
    batch = make_batch(4, START_MS, 50, origin="stored", session="night", revision=2)
    times = batch.times_ms()
    with VictoriaMetricsServer() as server:
        writer = V2Writer(server.url, "clinic", "sleep", "unused")
        writer.write("\n".join(sample_lines(batch, times, 0)).encode())
        writer.close()
        for name, dtype in SCHEMA["oximetry"].items():
            (series,) = server.export(f'{{__name__="oximetry_{name}"}}')
            labels = series["metric"]
            assert isinstance(labels, dict)
            expected = {"device": batch.device, "origin": "stored", "session": "night", "revision": "2", "lap": "0"}
            assert expected.items() <= labels.items()
            sent = batch.columns[name]
            there = ~np.isnan(sent) if dtype.kind == "f" else np.ones(sent.size, np.bool_)
            assert series["timestamps"] == times[there].tolist()
            assert np.array(series["values"], np.float64).astype(dtype).tobytes() == sent[there].tobytes()

"""Whatever is handed in to be imported: it is shown and can be kept, or refused in one line that tells no folder."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InputFileError
from gateway.service.exchange.imports.batches import to_batches
from gateway.service.exchange.imports.opened import kind_of, open_file, start_of
from gateway.service.exchange.imports.preview import preview
from gateway.service.exchange.recording import Recording
from tests.properties.exchange.test_files import GOOD

WEAR = "time,temperature,motion\n" + "".join(f"{300 * n},{30 + n % 7}.5,{n % 3}\n" for n in range(200))
BED = "# Sampling Rate (Hz):= 100\n" + "".join(f"{n * 7919 % 300 - 150}\n" for n in range(1500))
FILES = {**GOOD, "wear": WEAR.encode(), "bed": BED.encode()}
START = datetime(2026, 3, 13, 22, tzinfo=UTC)


def bring_in(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "handed in"
        path.write_bytes(data)
        try:
            file = open_file(path, ZoneInfo("Europe/Paris"))
            shown = preview(file)
            batches = to_batches(file, "file-1", "s", round(start_of(file, START).timestamp() * 1000))
        except InputFileError as error:
            refused, shown, batches = str(error), None, []
    if shown is None:
        assert refused.startswith("handed in: ")
        assert "\n" not in refused
        assert folder not in refused
        return
    assert shown.kind == kind_of(file) == batches[0].kind
    assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert all(value is None or np.isfinite(value) for value in shown.indices.values())
    if isinstance(file, Recording):
        kept = np.concatenate([batch.columns["spo2"] for batch in batches])
        np.testing.assert_array_equal(kept, file.spo2)


def test_each_kind_as_it_is() -> None:
    for data in FILES.values():
        bring_in(data)


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(max_examples=120, deadline=None)
def test_a_damaged_file(name: str, data: st.DataObject) -> None:
    damaged = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    bring_in(bytes(damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged))


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes(data: bytes) -> None:
    bring_in(data)

"""What the CSV readers share: a table whose header is known, made into a recording."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

import numpy as np

from gateway.service.exchange.files import grid as grids
from gateway.service.exchange.files.clock import elapsed_times
from gateway.service.exchange.files.source import RowError, bad_file
from gateway.service.exchange.files.table import Header, Table, at_line, numbers, read_table
from gateway.service.exchange.files.times import parse_times
from gateway.service.exchange.recording import Kind, Recording
from gateway.wire.messages import MISSING_MOTION

_CUT_NOTE = "the last line is cut short and was left out"


def read_rows(path: Path, text: str, header: Header, kind: Kind, zone: tzinfo | None) -> Recording:
    """Read the rows below a header.

    No flag is set: a missing value in a CSV does not say why it is missing.

    Raises
    ------
    InputFileError
        With the line.
    """
    table = read_table(path, text, header)
    try:
        recording = _recording(path, table, kind, zone)
    except RowError as error:
        raise at_line(path, table, error) from None
    if np.isnan(recording.spo2).all():
        rows = len(table.columns["spo2"])
        place = f"lines {table.line_of(0)} to {table.line_of(rows - 1)}"
        raise bad_file(path, "not one valid SpO2 value", place)
    return recording


def _recording(path: Path, table: Table, kind: Kind, zone: tzinfo | None) -> Recording:
    spo2 = grids.clean_spo2(numbers(table, "spo2"))
    pulse = grids.clean_pulse(numbers(table, "pulse")) if "pulse" in table.columns else np.full_like(spo2, np.nan)
    times = parse_times(table.columns["time"], file_name=path.name, decimal_comma=table.decimal_comma)
    elapsed = elapsed_times(times, zone)
    grid = grids.fit_grid(elapsed.seconds)
    motion = np.full(spo2.size, float(MISSING_MOTION))
    if "motion" in table.columns:
        motion = np.nan_to_num(numbers(table, "motion"), nan=MISSING_MOTION).clip(0, MISSING_MOTION)
    every = grids.thinning(grid.interval_s)
    notes = elapsed.notes + grid.notes
    if table.cut:
        notes += (_CUT_NOTE,)
    if every > 1:
        notes += (f"sampled every {grid.interval_s:g} s: thinned to {grid.interval_s * every:g} s",)
    return Recording(
        source=path.name,
        kind=kind,
        start=elapsed.start,
        interval_s=grid.interval_s * every,
        spo2=grid.place(spo2.astype(np.float64), np.nan)[::every].astype(np.float32),
        pulse=grid.place(pulse.astype(np.float64), np.nan)[::every].astype(np.float32),
        motion=grid.place(motion, MISSING_MOTION)[::every].astype(np.uint8),
        flags=np.zeros(-(-grid.size // every), np.uint16),
        notes=notes,
    )

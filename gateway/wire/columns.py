"""Rows of values into the typed columns of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from gateway.wire.messages import MISSING_MOTION, SCHEMA, Batch, Kind

_F4: Final = np.dtype("<f4")
"""The one type of floats that `SCHEMA` has."""


def missing_value(kind: Kind, name: str) -> float:
    """What a column holds where there is no value: NaN in floats, 255 in `motion` of oximetry, else 0."""
    if SCHEMA[kind][name].kind == "f":
        return float("nan")
    return float(MISSING_MOTION) if (kind, name) == ("oximetry", "motion") else 0.0


def infinite_column(batches: Sequence[Batch]) -> tuple[Batch, str] | None:
    """The first batch with an infinity in a column of floats, and that column's name; no store keeps one alike.

    All values are looked at together first: nearly never is there one.
    """
    columns = [column.tobytes() for batch in batches for column in batch.columns.values() if column.dtype == _F4]
    if np.isinf(np.frombuffer(b"".join(columns), _F4)).any():
        for batch in batches:
            for name, column in batch.columns.items():
                if column.dtype == _F4 and np.isinf(column).any():
                    return batch, name
    return None


def columns_of(
    kind: Kind, rows: Sequence[Mapping[str, float]]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]]:
    """Turn rows into columns of the kind's types; a value that a row lacks is that column's missing value.

    Columns that no row has are left out.
    """
    names = {name for row in rows for name in row}
    columns = {}
    for name, dtype in SCHEMA[kind].items():
        if name not in names:
            continue
        missing = missing_value(kind, name)
        columns[name] = np.array([row.get(name, missing) for row in rows], dtype=dtype)
    return columns

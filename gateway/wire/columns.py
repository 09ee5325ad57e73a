"""Rows of values into the typed columns of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gateway.wire.messages import MISSING_MOTION, SCHEMA, Array, Kind


def missing_value(kind: Kind, name: str) -> float:
    """What a column holds where there is no value: NaN in floats, 255 in `motion` of oximetry, else 0."""
    if SCHEMA[kind][name].kind == "f":
        return float("nan")
    return float(MISSING_MOTION) if (kind, name) == ("oximetry", "motion") else 0.0


def has_infinite(column: Array) -> bool:
    """Whether a column of floats holds an infinity, which no store keeps alike.

    The bytes of one are looked for first: nearly no column has them, also not across two values, and that is ten times
    quicker than to look at each value.
    """
    if column.dtype.kind != "f":
        return False
    data = column.tobytes()
    return (b"\x80\x7f" in data or b"\x80\xff" in data) and bool(np.isinf(column).any())


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

"""What travels: batches of samples up, acknowledgements down. Values only; `codec` turns them into bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.errors import WireError

VERSION: Final = 1
"""The `v` of every message; topics carry it too."""

Kind = Literal["oximetry", "wear", "bed", "waveform", "blood_pressure", "device"]
Origin = Literal["live", "stored"]
Array = NDArray[Any]

KINDS: Final[tuple[Kind, ...]] = ("oximetry", "wear", "bed", "waveform", "blood_pressure", "device")
ORIGINS: Final[tuple[Origin, ...]] = ("live", "stored")

SCHEMA: Final[Mapping[Kind, Mapping[str, np.dtype[Any]]]] = {
    "oximetry": {
        "spo2": np.dtype("<f4"),
        "pulse": np.dtype("<f4"),
        "perfusion": np.dtype("<f4"),
        "motion": np.dtype("u1"),
        "flags": np.dtype("<u2"),
    },
    "wear": {
        "temperature": np.dtype("<f4"),
        "accel_x": np.dtype("<i2"),
        "accel_y": np.dtype("<i2"),
        "accel_z": np.dtype("<i2"),
        "motion": np.dtype("<u2"),
        "flags": np.dtype("<u2"),
    },
    "waveform": {"pressure": np.dtype("<i2"), "gain": np.dtype("u1"), "flags": np.dtype("u1")},
    "bed": {
        "heart_rate": np.dtype("<f4"),
        "respiration_rate": np.dtype("<f4"),
        "movement": np.dtype("<f4"),
        "presence": np.dtype("u1"),
        "coverage": np.dtype("<f4"),
    },
    "blood_pressure": {
        "systolic": np.dtype("<f4"),
        "diastolic": np.dtype("<f4"),
        "mean": np.dtype("<f4"),
        "pulse": np.dtype("<f4"),
    },
    "device": {
        "battery": np.dtype("<f4"),
        "voltage": np.dtype("<f4"),
        "rssi": np.dtype("i1"),
        "boot": np.dtype("<u4"),
        "events": np.dtype("<u4"),
    },
}
"""Columns of each kind with their types; units stand in docs/asyncapi.yaml. A batch may leave columns out."""

WAVEFORM_PERIOD_MS: Final = 20
"""A waveform has a sample this often, or more often: what is slower holds no heartbeat."""

MISSING_MOTION: Final = 255
"""`motion` of an oximetry sample whose device reports none."""

MAX_SAMPLES: Final = 16_384
"""The most samples a batch may hold: a message stays below 256 KiB."""


MAX_COUNT: Final = 1 << 31
"""`seq` and `revision` stay below: they fit every database's integer."""


class OximetryFlag(IntFlag):
    """Bits of the `flags` column of kind oximetry."""

    NO_FINGER = 1
    LOW_PERFUSION = 2
    POOR_SIGNAL = 4
    DEVICE_ARTEFACT = 8
    CHARGING = 16


class WearFlag(IntFlag):
    """Bits of the `flags` column of kind wear."""

    IN_CASE = 1
    SENSOR_FAULT = 2
    CLOCK_LOST = 4
    LOW_BATTERY = 8


class WaveformFlag(IntFlag):
    """Bits of the `flags` column of kind waveform."""

    CLIPPED = 1
    """Saturated: the sample is a bound and no value."""

    GAP = 2
    """Samples are missing before this one."""


def shown(number: int) -> str:
    """A number as an error names it: one from a stranger may have more digits than Python cares to print."""
    return str(number) if abs(number) < 1 << 64 else f"a number of {number.bit_length()} bits"


class ClockInfo(msgspec.Struct, frozen=True, gc=False):
    """Where a batch's times come from.

    Attributes
    ----------
    source : str
        ``arrival`` (dated when it came in), ``anchors`` (interpolated between contacts), ``device`` (its own clock).
    uncertainty_ms : int
        Half width of the interval that holds the true time.
    boot : int or None
        The device's boot counter, where it has one.
    tick0 : int or None
        The device's own tick or counter at the first sample, unit as the family states.
    """

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    uncertainty_ms: int
    boot: int | None = None
    tick0: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges; `WireError` says what is wrong in one line."""
        for name in ("uncertainty_ms", "boot", "tick0"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1 << 53:
                raise WireError(f"clock.{name} out of range: {shown(value)}")


class Batch(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Some samples of one device, immutable, named by (device, session, revision, seq).

    Made thousands of times a second, so by msgspec, which is several times as quick as a frozen dataclass.

    Attributes
    ----------
    t0_ms : int
        UTC milliseconds of the first sample.
    dt_ms : int or None
        Even sampling: milliseconds between samples. None where `t_ms` is given.
    t_ms : array of int32 or None
        Uneven sampling: non-decreasing offsets from `t0_ms`, one a sample.
    columns : mapping of str to array
        Equally long arrays, types as in `SCHEMA`.
    last : bool
        True on the last batch of a complete stored session.
    size : int
        Number of samples; set from the columns.
    """

    device: str
    kind: Kind
    origin: Origin
    session: str
    seq: int
    t0_ms: int
    columns: Mapping[str, Array]
    clock: ClockInfo
    dt_ms: int | None = None
    t_ms: NDArray[np.int32] | None = None
    revision: int = 0
    last: bool = False
    size: int = 0

    def __post_init__(self) -> None:
        """Check the contract; `WireError` says what is wrong in one line."""
        schema = SCHEMA.get(self.kind)
        if schema is None:
            raise WireError(f"unknown kind {self.kind[:40]!r}")
        if self.origin not in ORIGINS:
            raise WireError(f"unknown origin {self.origin[:40]!r}")
        if not self.columns:
            raise WireError("a batch needs at least one column")
        for name, column in self.columns.items():
            dtype = schema.get(name)
            if dtype is None:
                raise WireError(f"kind {self.kind} has no column {name[:40]!r}")
            if column.dtype != dtype or column.ndim != 1:
                raise WireError(f"column {name} must be a flat array of {dtype.str}, not {column.dtype.str}")
        sizes = {column.size for column in self.columns.values()}
        if len(sizes) != 1:
            raise WireError(f"columns differ in length: {sorted(sizes)}")
        (size,) = sizes
        if not 1 <= size <= MAX_SAMPLES:
            raise WireError(f"a batch holds 1 to {MAX_SAMPLES} samples, not {size}")
        if (self.dt_ms is None) == (self.t_ms is None):
            raise WireError("a batch has either dt_ms or t_ms")
        if self.dt_ms is not None and not 1 <= self.dt_ms <= 86_400_000:
            raise WireError(f"dt_ms out of range: {shown(self.dt_ms)}")
        if self.t_ms is not None:
            if self.t_ms.dtype != np.dtype("<i4") or self.t_ms.shape != (size,):
                raise WireError("t_ms must be int32, one a sample")
            # Compared, not subtracted: a difference of two int32 may overflow.
            if self.t_ms[0] < 0 or (self.t_ms[1:] < self.t_ms[:-1]).any():
                raise WireError("t_ms must start at 0 or later and never go back")
        if not (0 <= self.seq < MAX_COUNT and 0 <= self.revision < MAX_COUNT):
            raise WireError("seq and revision count from 0 and stay below 2^31")
        if not 0 <= self.t0_ms < 1 << 43:
            raise WireError(f"t0_ms out of range: {shown(self.t0_ms)}")
        msgspec.structs.force_setattr(self, "size", size)

    @property
    def name(self) -> tuple[str, str, int, int]:
        """(device, session, revision, seq): arriving twice under one name is the same as once."""
        return self.device, self.session, self.revision, self.seq

    def continues(self, before: Batch) -> bool:
        """Whether it is evenly sampled and goes on where `before` ends, at the same interval."""
        return self.dt_ms is not None and self.dt_ms == before.dt_ms and self.t0_ms == before.end_ms

    def times_ms(self) -> NDArray[np.int64]:
        """UTC milliseconds of each sample, shape (size,)."""
        if self.dt_ms is not None:
            return np.arange(self.t0_ms, self.end_ms, self.dt_ms, dtype=np.int64)
        assert self.t_ms is not None, "a batch has either"
        return self.t0_ms + self.t_ms.astype(np.int64)

    @property
    def first_ms(self) -> int:
        """UTC milliseconds of the first sample."""
        return self.t0_ms if self.t_ms is None else self.t0_ms + int(self.t_ms[0])

    @property
    def last_ms(self) -> int:
        """UTC milliseconds of the last sample."""
        return self.end_ms - (self.dt_ms or 0)

    @property
    def end_ms(self) -> int:
        """UTC milliseconds at which the last sample's interval ends (uneven: the last sample itself)."""
        if self.t_ms is not None:
            return self.t0_ms + int(self.t_ms[-1])
        return self.t0_ms + self.size * (self.dt_ms or 0)

    def __eq__(self, other: object) -> bool:
        """Equal where every field is, samples compared bit for bit (a NaN equals itself)."""
        if not isinstance(other, Batch):
            return NotImplemented
        plain = ("device", "kind", "origin", "session", "seq", "t0_ms", "clock", "dt_ms", "revision", "last")
        if any(getattr(self, name) != getattr(other, name) for name in plain):
            return False
        if (self.t_ms is None) != (other.t_ms is None) or self.columns.keys() != other.columns.keys():
            return False
        if self.t_ms is not None and other.t_ms is not None and not np.array_equal(self.t_ms, other.t_ms):
            return False
        return all(self.columns[name].tobytes() == other.columns[name].tobytes() for name in self.columns)

    __hash__ = None  # type: ignore[assignment]  # holds arrays: not for sets


Result = Literal["stored", "set_aside"]


@dataclass(frozen=True, slots=True)
class Ack:
    """The service's word that batches are on its disk: those `seqs`, or all with seq <= `up_to`.

    `revision` names the dating of the session that they belong to.
    """

    device: str
    session: str
    result: Result
    up_to: int | None = None
    seqs: tuple[int, ...] = ()
    revision: int = 0


def device_id(family: str, serial: str) -> str:
    """The name a device has on the wire: its family and ten hex digits that do not tell its serial number."""
    digest = hashlib.sha256(f"{family}|{serial}".encode()).hexdigest()
    return f"{family}-{digest[:10]}"

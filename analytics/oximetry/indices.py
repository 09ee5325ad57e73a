"""The causal indices of a night as a value."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.oximetry import pulse_stream, running
from analytics.oximetry.running import RATES

REASONS: Final = (
    "valid",
    "missing",
    "gap",
    "out_of_range",
    "no_finger",
    "low_perfusion",
    "poor_signal",
    "device_artefact",
    "charging",
    "motion",
    "step",
    "edge",
    "filler",
)
"""Names of the reasons, by the number that the kernels give them."""

NUMBERS: Final = running.NUMBERS + pulse_stream.NUMBERS
"""Length of the indices as an array: those of SpO2, then those of the pulse."""

PAYER_LIMIT_S: Final = 300
"""Nocturnal oxygen criterion of payers: SpO2 <= 88 % for five minutes in all."""


class RunningIndices(msgspec.Struct, frozen=True):
    """What can be said of the night so far. Every rate and share is by *valid* time; without any it is NaN.

    Attributes
    ----------
    recorded_s, valid_s
        Seconds from the first sample to the last settled one (gaps included, filler not), and those not masked.
    odi2, odi3, odi4
        Desaturations of the profile of >= 2, 3, 4 % per valid hour.
    t95_pct .. t80_pct
        Share of valid time with SpO2 strictly below the level, %; `t90_le_pct` is <= 90 %.
    mean_pct, min_pct
        Of the valid seconds, %.
    seconds_le_88, longest_le_88_s
        Total time, and longest unbroken time, at <= 88 %; s. Masked seconds neither count nor, up to five, break it.
    ignored_samples
        Samples at or before the time of the latest one.
    artefact_s
        Masked seconds by reason, s; only reasons that occurred.
    pulse_valid_s
        Seconds with a believable pulse: what the pulse's rates are by.
    pulse_mean_bpm, pulse_min_bpm, pulse_max_bpm
        Of those, bpm.
    pulse_rise_index
        Desaturations (>= 2 %) with a pulse rise per hour of valid pulse; see `pulse_response`.
    pulse_response_bpm, pulse_response_events
        Mean event-related pulse response, bpm, and of how many desaturations it is.
    """

    recorded_s: int
    valid_s: int
    odi2: float
    odi3: float
    odi4: float
    t95_pct: float
    t90_pct: float
    t90_le_pct: float
    t88_pct: float
    t85_pct: float
    t80_pct: float
    mean_pct: float
    min_pct: float
    seconds_le_88: int
    longest_le_88_s: int
    ignored_samples: int
    artefact_s: dict[str, int]
    pulse_valid_s: int
    pulse_mean_bpm: float
    pulse_min_bpm: float
    pulse_max_bpm: float
    pulse_rise_index: float
    pulse_response_bpm: float
    pulse_response_events: int

    @property
    def valid_h(self) -> float:
        """Valid hours, the denominator of every rate here."""
        return self.valid_s / 3600

    @property
    def meets_payer_criterion(self) -> bool:
        """Whether SpO2 was <= 88 % for five minutes or more in all."""
        return self.seconds_le_88 >= PAYER_LIMIT_S


def indices_of(numbers: NDArray[np.float64]) -> RunningIndices:
    """Indices from their array, shape (`NUMBERS`,), as `running_numbers` and `pulse_numbers` write it."""
    values: list[float] = numbers.tolist()
    odi2, odi3, odi4, t95, t90, t90_le, t88, t85, t80, mean, least = values[:11]
    recorded, valid, le_88, longest, ignored = map(int, values[11:RATES])
    masked = {REASONS[i]: int(seconds) for i, seconds in enumerate(values[RATES : running.NUMBERS]) if seconds}
    beats, mean_bpm, min_bpm, max_bpm, rise_index, response_bpm, responses = values[running.NUMBERS :]
    # By position, in the order of the fields: this runs with every batch that arrives.
    return RunningIndices(
        recorded,
        valid,
        odi2,
        odi3,
        odi4,
        t95,
        t90,
        t90_le,
        t88,
        t85,
        t80,
        mean,
        least,
        le_88,
        longest,
        ignored,
        masked,
        int(beats),
        mean_bpm,
        min_bpm,
        max_bpm,
        rise_index,
        response_bpm,
        int(responses),
    )

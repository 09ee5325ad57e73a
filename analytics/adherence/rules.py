"""What makes a warmth a wear: temperatures, times, and what is known of a mouth beforehand, each with its reason."""

from __future__ import annotations

from typing import Final

POSSIBLE_C: Final = (-30.0, 90.0)
"""A reading beyond is none."""
WINDOW_C: Final = (33.5, 39.0)
"""Temperatures that count as worn for a recorder on the market (TheraMon)."""
WARM_C: Final = 32.0
"""From here on a device may be in a mouth that breathes cool air, or on the way to its temperature."""
LOW_C: Final = 31.5
"""A mouth stays above, but for a drink."""
COLD_C: Final = 28.0
"""No drink cools a device in the mouth this far: taken out."""
HOT_C: Final = 39.5
"""No mouth is warmer for long."""

MISSING_MS: Final = 1_200_000
"""A longer time between readings is missing data: recorders on the market write every 5 or 15 minutes."""
DRINK_MS: Final = 600_000
"""A low that is over sooner is a drink; a device taken out for less is not told from it."""
COOLING_MS: Final = 900_000
WARMING_MS: Final = 1_500_000
"""A mouth's temperature is reached within 1110 s."""
SHORTEST_MS: Final = 300_000
"""Shorter warmth is not counted."""
HOT_MS: Final = 600_000
ROOM_MS: Final = 1_800_000
ROOM_SHARE: Final = 0.3
"""Warmth of more than `ROOM_MS` that lies in the window for less than this share is a warm room, not a mouth."""
RISE_C: Final = 4.0
"""A short warmth that never reached the window is a mouth's if it rose by this much between cold and warm."""

# Priors of the dating: median and spread. A mouth lies within the window; its time constant between a bare chip's and
# the slowest that is within 0.2 degC after 1110 s; in air, which takes heat less well, about twice as long.
MOUTH_C: Final = 35.7
MOUTH_SD_C: Final = 0.8
MOUTH_TAU_S: Final = 160.0
AIR_SD_C: Final = 4.0
AIR_C: Final = 22.0
AIR_TAU_S: Final = 330.0
TAU_SPREAD: Final = 0.45
RINSE: Final = 0.35
"""Chance that a device is rinsed as it comes out, which cools it at once by any amount."""
RINSES: Final = 10
RINSED_C: Final = 14.0

# How an end of an interval is known.
BY_CURVE: Final = 0
BY_DATA: Final = 1
"""Nothing was recorded before the first, or after the last, reading in the mouth."""

STILL: Final = 1
LIFELESS: Final = 2
HOT: Final = 4
STILL_MS: Final = 7_200_000
STILL_SHARE: Final = 0.8
STILL_LONG_MS: Final = 14_400_000
"""A wear is suspect if nothing moved for two hours and most of it, or for four hours: sleepers turn about twice
an hour."""
LIFELESS_C: Final = 0.01
LIFELESS_READINGS: Final = 24
"""Or if, over two hours of readings, the median waver is that of a good sensor alone."""

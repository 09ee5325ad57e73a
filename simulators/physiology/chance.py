"""Chance that can be asked for in any order: a pure function of a seed and of keys such as the time."""

from __future__ import annotations

import math
from typing import Final

_MASK: Final = (1 << 64) - 1


def mix(*keys: int) -> int:
    """64 well-mixed bits from whole numbers: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), key by key."""
    state = 0
    for key in keys:
        state = (state ^ (key & _MASK)) + 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def uniform(*keys: int) -> float:
    """A number in 0..1, 1 left out."""
    return (mix(*keys) >> 11) / (1 << 53)


def normal(*keys: int) -> float:
    """A standard normal number (Box and Muller 1958)."""
    bits = mix(*keys)
    radius = math.sqrt(-2.0 * math.log(((bits >> 32) + 1) / (1 << 32)))
    return radius * math.cos(2.0 * math.pi * (bits & 0xFFFFFFFF) / (1 << 32))

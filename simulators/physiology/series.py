"""Small tools for series of one value a second: smooth noise, blocks of time, a linear recursion without a loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
Mask = NDArray[np.bool_]


def smooth_noise(rng: np.random.Generator, size: int, scale_s: float) -> Series:
    """Gaussian noise of unit variance whose correlation falls off within about `scale_s` seconds, shape (size,)."""
    length = 1 << int(np.ceil(np.log2(size + 8.0 * scale_s + 1)))
    frequency = np.fft.rfftfreq(length)
    shape = np.exp(-2.0 * (np.pi * frequency * scale_s) ** 2)
    noise: Series = np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) * shape, length)
    # The variance that the filter leaves, from the filter itself: a short night's own would hide its slow part.
    power = (shape[0] ** 2 + 2.0 * np.sum(shape[1:-1] ** 2) + shape[-1] ** 2) / length
    return noise[:size] / float(np.sqrt(power))


def affine_scan(gain: Series, offset: Series, first: float) -> Series:
    """Solve x[n] = gain[n] * x[n-1] + offset[n] with x[-1] = `first`, shape (size,).

    Affine maps compose, so a prefix scan in log2(size) whole-array steps does it; with gains of at most 1 no step
    can overflow.
    """
    slope, intercept = gain.astype(np.float64), offset.astype(np.float64)
    step = 1
    while step < slope.size:
        intercept[step:] += slope[step:] * intercept[:-step]
        slope[step:] = slope[step:] * slope[:-step]
        step *= 2
    solved: Series = slope * first + intercept
    return solved


def spans(start_s: Series, duration_s: Series, weight: Series, size: int) -> Series:
    """Mean over each second of spans that do not overlap, each `weight` high: partly covered seconds count in part.

    Parameters
    ----------
    start_s, duration_s, weight : arrays of shape (k,)
        In order of time.
    size : int
        Seconds wanted.
    """
    if start_s.size == 0:
        return np.zeros(size)
    knots = np.stack([start_s, start_s + duration_s], axis=1).ravel()
    rises = np.cumsum(duration_s * weight)
    area = np.stack([rises - duration_s * weight, rises], axis=1).ravel()
    # The area never falls; the rounding of its interpolation may.
    covered: Series = np.maximum(np.diff(np.interp(np.arange(size + 1.0), knots, area)), 0.0)
    return covered


def impulses(at_s: Series, weight: Series, size: int) -> Series:
    """`weight` at the second that holds each instant, zero elsewhere; instants outside of the night are left out."""
    second = np.floor(at_s).astype(np.int64)
    inside = (second >= 0) & (second < size)
    return np.bincount(second[inside], weights=weight[inside], minlength=size).astype(np.float64)


def respond(drive: Series, kernel: Series) -> Series:
    """`drive` answered by a causal `kernel` (one value a second), shape as `drive`."""
    return np.convolve(drive, kernel)[: drive.size]


def mask_of(start_s: Series, duration_s: Series, size: int) -> Mask:
    """True in every second that one of the blocks touches; blocks may overlap."""
    edges = np.zeros(size + 1)
    first = np.clip(np.floor(start_s).astype(np.int64), 0, size)
    after = np.clip(np.ceil(start_s + duration_s).astype(np.int64), 0, size)
    np.add.at(edges, first, 1.0)
    np.add.at(edges, after, -1.0)
    return np.cumsum(edges[:size]) > 0.5

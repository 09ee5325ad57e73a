"""Entropies, Lempel-Ziv, central tendency and detrended fluctuation against their definitions, evaluated directly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.oximetry.biomarkers.complexity import (
    approximate_entropy,
    central_tendency,
    detrended_fluctuation,
    lempel_ziv,
    sample_entropy,
)
from tests.unit.analytics.oximetry_profiles.shapes import Signal, drawn


def direct_apen(signal: Signal, m: int = 2, r: float = 0.25) -> float:
    """Pincus 1991, all pairs, self-matches included, strictly nearer than r."""

    def phi(length: int) -> float:
        windows = np.lib.stride_tricks.sliding_window_view(signal, length)
        windows = windows[~np.isnan(windows).any(axis=1)]
        near = [np.mean(np.abs(windows - window).max(axis=1) < r) for window in windows]
        return float(np.mean(np.log(near)))

    return phi(m) - phi(m + 1)


def direct_sampen(signal: Signal, m: int = 3, r: float = 0.2) -> float:
    """Richman & Moorman 2000, all pairs, over the templates that have m + 1 samples."""
    windows = np.lib.stride_tricks.sliding_window_view(signal, m + 1)
    windows = windows[~np.isnan(windows).any(axis=1)]

    def matches(length: int) -> int:
        return sum(int(np.sum(np.abs(windows[:, :length] - w[:length]).max(axis=1) <= r)) - 1 for w in windows)

    return -math.log(matches(m + 1) / matches(m))


def direct_lz76(bits: str) -> int:
    """Components of the exhaustive history: each the shortest run not found in what comes before its last bit."""
    count, start = 0, 0
    while start < len(bits):
        length = 1
        while start + length <= len(bits) and bits[start : start + length] in bits[: start + length - 1]:
            length += 1
        count += 1
        start += length
    return count


def wandering(n: int, seed: int, gaps: bool = False) -> Signal:
    rng = np.random.default_rng(seed)
    signal = np.clip(np.rint(95 + np.cumsum(rng.normal(0, 0.6, n)) / 3), 60, 100)
    if gaps:
        signal[rng.integers(0, n, n // 40)] = np.nan
    return signal


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_entropies_equal_their_definitions(seed: int, gaps: bool) -> None:
    signal = wandering(600, seed, gaps)
    assert approximate_entropy(signal) == pytest.approx(direct_apen(signal), abs=1e-12)
    assert sample_entropy(signal) == pytest.approx(direct_sampen(signal), abs=1e-12)


def test_any_tolerance_below_one_percent_gives_the_same_on_whole_percents() -> None:
    signal = wandering(300, 9)
    assert direct_apen(signal, r=0.01) == direct_apen(signal, r=0.99)
    assert direct_sampen(signal, r=0.0) == direct_sampen(signal, r=0.99)


def test_a_constant_signal_has_no_entropy() -> None:
    assert approximate_entropy(np.full(100, 97.0)) == pytest.approx(0.0, abs=1e-12)
    assert sample_entropy(np.full(100, 97.0)) == pytest.approx(0.0, abs=1e-12)


def test_a_signal_too_short_for_a_match_says_nothing() -> None:
    for signal in (np.empty(0), np.full(2, 97.0), np.full(50, np.nan)):
        assert math.isnan(approximate_entropy(signal))
        assert math.isnan(sample_entropy(signal))
    assert math.isnan(sample_entropy(np.arange(50.0, 100.0)))


def test_finer_steps_than_one_percent_are_refused() -> None:
    with pytest.raises(ValueError, match="round the signal first"):
        approximate_entropy(np.array([97.0, 96.5, 96.0, 97.0]))
    with pytest.raises(ValueError, match="round the signal first"):
        sample_entropy(np.array([97.0, 96.5, 96.0, 97.0]))


def test_sampen_differs_from_the_toolbox_by_its_one_extra_template() -> None:
    """The toolbox compares the n - m templates of length m with one more, the last, which nothing follows."""
    signal = wandering(600, 1)
    templates = np.lib.stride_tricks.sliding_window_view(signal, 3)
    matches = sum(int(np.sum(np.abs(templates - w).max(axis=1) <= 0.2)) - 1 for w in templates[:-1])
    longer = np.lib.stride_tricks.sliding_window_view(signal, 4)
    both = sum(int(np.sum(np.abs(longer - w).max(axis=1) <= 0.2)) - 1 for w in longer)
    toolbox = -math.log(both / matches)
    assert sample_entropy(signal) != toolbox
    assert sample_entropy(signal) == pytest.approx(toolbox, abs=1 / 600)


@pytest.mark.parametrize(
    ("bits", "components"),
    [
        ("0001101001000101", 6),  # the paper's own example: 0.001.10.100.1000.101
        ("0", 1),
        ("00000000", 2),
        ("01010101", 3),
        ("0011", 3),
    ],
)
def test_lempel_ziv_counts_the_components_of_the_exhaustive_history(bits: str, components: int) -> None:
    signal = np.array([97.0 if bit == "1" else 90.0 for bit in bits])
    assert direct_lz76(bits) == components
    if bits.count("1") <= bits.count("0") and "1" in bits:
        assert lempel_ziv(signal)[0] == components


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [1, 2, 3, 17, 500])
def test_lempel_ziv_equals_the_direct_count(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signal = rng.integers(90, 98, n).astype(float) if seed % 2 else wandering(n, seed)
    bits = "".join("1" if value > np.median(signal) else "0" for value in signal)
    components, relative = lempel_ziv(signal)
    assert components == direct_lz76(bits)
    if n > 1:
        assert relative == pytest.approx(components * math.log2(n) / n)


def test_the_toolbox_counts_phrases_of_1978_which_are_more() -> None:
    """Dictionary phrases (Lempel & Ziv 1978), as the toolbox's `LZ`; not the 1976 complexity that it cites."""
    signal = wandering(2000, 3)
    bits = "".join("1" if value > np.median(signal) else "0" for value in signal)
    phrases: set[str] = set()
    phrase = ""
    for bit in bits:
        phrase += bit
        if phrase not in phrases:
            phrases.add(phrase)
            phrase = ""
    assert lempel_ziv(signal)[0] < len(phrases)


def test_central_tendency_is_the_share_of_still_triples() -> None:
    assert central_tendency(np.full(10, 97.0)) == 1.0
    assert central_tendency(drawn([97, 97, 97, 96, 96, 96])) == pytest.approx(2 / 4)
    assert central_tendency(drawn([97, 97, 97, np.nan, 96, 96, 95])) == pytest.approx(1 / 2)
    assert math.isnan(central_tendency(np.full(2, 97.0)))


def test_detrended_fluctuation_equals_line_fits_of_twenty_seconds() -> None:
    signal = wandering(230, 5)
    middle = (signal[1:] + signal[:-1]) / 2 - signal.mean()
    profile = np.cumsum(middle)
    rest = []
    for first in range(0, profile.size, 20):
        part = profile[first : first + 20]
        t = np.arange(part.size)
        rest.append(part - np.polyval(np.polyfit(t, part, 1), t))
    expected = math.sqrt(np.mean(np.concatenate(rest) ** 2))
    assert detrended_fluctuation(signal) == pytest.approx(expected, rel=1e-9)
    assert math.isnan(detrended_fluctuation(np.array([97.0])))

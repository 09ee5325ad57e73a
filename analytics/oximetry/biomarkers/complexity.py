"""Complexity: entropies, Lempel-Ziv, central tendency, detrended fluctuation. Exact, and linear in time (n log n to
sort).

On whole percents two samples are within r < 1 of each other only where they are equal. So the templates of `m` samples
that match one are those equal to it, and counting equal m-grams gives ApEn and SampEn as their definitions do, without
comparing every pair. Signals in finer steps are rounded to 1 % first (`biomarker_signal`).

Seconds that are missing (NaN): a template or step that touches one is left out; LZ and DFA run over the valid seconds
joined.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

APEN_M: Final = 2
SAMPEN_M: Final = 3
CTM_RADIUS_PCT: Final = 0.25
DFA_WINDOW_S: Final = 20


@njit(cache=True)
def _grams(codes: Any, base: int, length: int, valid_to: int, grams: Any) -> int:
    """Number every run of `length` codes (negative: missing) that is followed by valid ones up to `valid_to` in all."""
    made = 0
    run = 0
    for i in range(codes.shape[0]):
        run = run + 1 if codes[i] >= 0 else 0
        if run >= valid_to:
            first = i - valid_to + 1
            gram = np.int64(0)
            for j in range(first, first + length):
                gram = gram * base + codes[j]
            grams[made] = gram
            made += 1
    return made


@njit(cache=True)
def _sum_log_counts(ordered: Any) -> float:
    """Sum over all elements of log(how many elements equal it), of a sorted array."""
    total = 0.0
    run = 1
    n = ordered.shape[0]
    for i in range(1, n + 1):
        if i < n and ordered[i] == ordered[i - 1]:
            run += 1
        else:
            total += run * math.log(run)
            run = 1
    return total


@njit(cache=True)
def _equal_pairs(ordered: Any) -> int:
    """Ordered pairs of distinct elements that are equal, of a sorted array."""
    total = 0
    run = 1
    n = ordered.shape[0]
    for i in range(1, n + 1):
        if i < n and ordered[i] == ordered[i - 1]:
            run += 1
        else:
            total += run * (run - 1)
            run = 1
    return total


def _codes(spo2: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Whole percents as 0..k-1, -1 where missing, and k.

    Raises
    ------
    ValueError
        Where a value is no whole percent.
    """
    valid = ~np.isnan(spo2)
    codes = np.full(spo2.size, -1, np.int64)
    if not valid.any():
        return codes, 1
    values = spo2[valid]
    if (values != np.rint(values)).any():
        raise ValueError("entropies are counted on whole percents: round the signal first")
    low = values.min()
    codes[valid] = (values - low).astype(np.int64)
    return codes, int(values.max() - low) + 1


def _sorted_grams(codes: NDArray[np.int64], base: int, length: int, valid_to: int) -> NDArray[np.int64]:
    grams = np.empty(codes.size, np.int64)
    grams = grams[: _grams(codes, base, length, valid_to, grams)]
    grams.sort()
    return grams


def approximate_entropy(spo2: NDArray[np.float64], m: int = APEN_M) -> float:
    """ApEn(m, r) for any 0 < r < 1 % (matches are strictly nearer than r, itself included) on whole percents.

    S. M. Pincus, Proc. Natl. Acad. Sci. 88:2297 (1991).

    Parameters
    ----------
    spo2
        Whole percents at 1 Hz, shape (n,); NaN missing.
    m
        Template length.

    Returns
    -------
    float
        NaN with less than one template of m + 1.

    Raises
    ------
    ValueError
        Where a value is no whole percent.
    """
    codes, base = _codes(spo2)
    phi = []
    for length in (m, m + 1):
        grams = _sorted_grams(codes, base, length, length)
        if not grams.size:
            return math.nan
        phi.append(float(_sum_log_counts(grams)) / grams.size - math.log(grams.size))
    return phi[0] - phi[1]


def sample_entropy(spo2: NDArray[np.float64], m: int = SAMPEN_M) -> float:
    """SampEn(m, r) for any 0 < r < 1 % on whole percents: -log(A / B), both over the templates that have m + 1 samples.

    J. S. Richman & J. R. Moorman, Am. J. Physiol. 278:H2039 (2000). The toolbox compares the templates of m with one
    more, the last, which has no sample after it; the two differ by about one part in n.

    Parameters
    ----------
    spo2
        Whole percents at 1 Hz, shape (n,); NaN missing.
    m
        Template length.

    Returns
    -------
    float
        NaN where no two templates match.

    Raises
    ------
    ValueError
        Where a value is no whole percent.
    """
    codes, base = _codes(spo2)
    matches = int(_equal_pairs(_sorted_grams(codes, base, m, m + 1)))
    longer = int(_equal_pairs(_sorted_grams(codes, base, m + 1, m + 1)))
    return -math.log(longer / matches) if longer else math.nan


@njit(cache=True)
def _components(bits: Any) -> int:
    """Components of the exhaustive history (Lempel & Ziv 1976) of a string of 0 and 1, in linear time.

    A component is the shortest run that did not begin anywhere earlier. A suffix automaton knows, for every run that
    occurs, where it ends first; the run is new while that is where it stands.
    """
    n = bits.shape[0]
    after = np.full((2 * n + 1, 2), -1, np.int32)
    link = np.full(2 * n + 1, -1, np.int32)
    length = np.zeros(2 * n + 1, np.int32)
    first_end = np.zeros(2 * n + 1, np.int32)
    states = 1
    last = 0
    for i in range(n):
        bit = bits[i]
        new = states
        states += 1
        length[new] = length[last] + 1
        first_end[new] = i
        p = last
        while p >= 0 and after[p, bit] < 0:
            after[p, bit] = new
            p = link[p]
        if p < 0:
            link[new] = 0
        else:
            q = after[p, bit]
            if length[q] == length[p] + 1:
                link[new] = q
            else:
                clone = states
                states += 1
                length[clone] = length[p] + 1
                after[clone, 0] = after[q, 0]
                after[clone, 1] = after[q, 1]
                link[clone] = link[q]
                first_end[clone] = first_end[q]
                while p >= 0 and after[p, bit] == q:
                    after[p, bit] = clone
                    p = link[p]
                link[q] = clone
                link[new] = clone
        last = new
    count = 0
    state = 0
    open_component = False
    for i in range(n):
        state = after[state, bits[i]]
        open_component = True
        if first_end[state] == i:  # this run has not ended anywhere before
            count += 1
            state = 0
            open_component = False
    return count + open_component


def lempel_ziv(spo2: NDArray[np.float64]) -> tuple[float, float]:
    """Lempel-Ziv complexity (1976) of the signal above / not above its median: components, and those of random bits as
    unit.

    A. Lempel & J. Ziv, IEEE Trans. Inf. Theory 22:75 (1976). The toolbox cites this paper and counts the phrases of
    the authors' other one (1978, a dictionary), which are more; the two cannot be compared.

    Returns
    -------
    tuple of float
        Components c, and c log2(n) / n. NaN without a valid second (the second with less than two).
    """
    valid = spo2[~np.isnan(spo2)]
    if not valid.size:
        return math.nan, math.nan
    count = int(_components((valid > np.median(valid)).astype(np.int8)))
    return float(count), count * math.log2(valid.size) / valid.size if valid.size > 1 else math.nan


@njit(cache=True)
def central_tendency(spo2: Any) -> float:
    """Share of points of the second-order difference plot within 0.25 % of its middle; NaN without one.

    M. E. Cohen et al., IEEE Eng. Med. Biol. 15:97 (1996).
    """
    near = 0
    count = 0
    for i in range(spo2.shape[0] - 2):
        first = spo2[i + 1] - spo2[i]
        second = spo2[i + 2] - spo2[i + 1]
        square = first * first + second * second
        if square == square:
            count += 1
            near += math.sqrt(square) < CTM_RADIUS_PCT
    return near / count if count else np.nan


@njit(cache=True)
def _fluctuation(valid: Any, mean: float) -> float:
    n = valid.shape[0] - 1
    profile = np.empty(n)
    total = 0.0
    for i in range(n):
        total += 0.5 * ((valid[i] - mean) + (valid[i + 1] - mean))
        profile[i] = total
    squares = 0.0
    for first in range(0, n, DFA_WINDOW_S):
        size = min(DFA_WINDOW_S, n - first)
        middle = (size - 1) / 2.0
        level = 0.0
        for i in range(size):
            level += profile[first + i]
        level /= size
        spread = slope = 0.0
        for i in range(size):
            spread += (i - middle) * (i - middle)
            slope += (i - middle) * (profile[first + i] - level)
        slope = slope / spread if spread else 0.0
        for i in range(size):
            rest = profile[first + i] - level - slope * (i - middle)
            squares += rest * rest
    return math.sqrt(squares / n)


def detrended_fluctuation(spo2: NDArray[np.float64]) -> float:
    """Root mean square of the summed signal about straight lines of 20 s, % s; NaN with less than two valid seconds.

    C.-K. Peng et al., Chaos 5:82 (1995), at the single window that the toolbox reports (no exponent).
    """
    valid = spo2[~np.isnan(spo2)]
    return float(_fluctuation(valid, float(valid.mean()))) if valid.size > 1 else math.nan

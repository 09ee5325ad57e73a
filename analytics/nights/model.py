"""What n nights say of a patient's long-run mean: a small hierarchical model, exact up to a grid, and deterministic.

Nights of one person differ by factors, not by sums, and an index of zero occurs; so on the scale y = log(x + shift) a
person's nights are taken as normal about their own level, with a night-to-night SD of their own. Levels differ between
people as N(level, level_sd), the SD as a lognormal; both were fitted once to a simulated cohort (docs/nights.md), wide
enough that a dozen nights outweigh them. Of one night they do what is right: an extreme one is partly chance.

Given the SD, the level's posterior is normal in closed form; the SD itself is summed over a grid. What is asked for is
the arithmetic mean over many nights, exp(level + SD^2 / 2) - shift, because severity is defined by it. Gelman et al.,
Bayesian Data Analysis, 3rd ed., chapter 5, treat such models.

Nights are taken as independent: a patient whose nights drift over months has a wider interval in truth. `trend` and
`changes` look for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from analytics.oximetry.reading import BURDEN_BANDS, RATE_BANDS

Floats = NDArray[np.float64]

_GRID: Final = np.linspace(-6.0, 6.0, 81)
"""SDs of the logarithm of the night-to-night SD; wide, for nights that all agree pull far to one side."""
_BISECTIONS: Final = 60


@dataclass(frozen=True, slots=True)
class Population:
    """How an index differs between people and between nights of one, on the scale log(x + shift).

    Attributes
    ----------
    shift
        In the index's unit; makes the night-to-night SD about the same for low and high levels.
    level, level_sd
        Mean and SD between people.
    night_sd, night_sd_spread
        SD between nights of the person in the middle, and the SD of its logarithm between people.
    bands
        Where mild, moderate and severe begin; None where the index has no classes.
    """

    shift: float
    level: float
    level_sd: float
    night_sd: float
    night_sd_spread: float
    bands: tuple[float, float, float] | None = None

    def scaled(self, values: Sequence[float] | Floats) -> Floats:
        """Values on the scale on which nights differ."""
        return np.log(np.asarray(values, np.float64) + self.shift)


POPULATIONS: Final[Mapping[str, Population]] = MappingProxyType(
    {
        "odi3": Population(0.5, 2.07, 0.99, 0.42, 0.3, RATE_BANDS),
        "odi4": Population(0.5, 1.72, 1.07, 0.40, 0.3, RATE_BANDS),
        "hypoxic_burden": Population(1.0, 2.83, 1.07, 0.42, 0.3, BURDEN_BANDS),
        "t90_pct": Population(0.1, -0.23, 1.63, 0.57, 0.5),
    }
)
"""By index; the first is the one that verdicts are read from."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """The long-run mean after some nights: a mixture of lognormals, one for each SD of the grid.

    Attributes
    ----------
    population
        Whose scale it is on.
    weight, centre, width
        Of the mixture's parts: log(mean + shift) is N(centre, width), shape (g,) each.
    night_sd
        Mean of the night-to-night SD, on the scale.
    """

    population: Population
    weight: Floats
    centre: Floats
    width: Floats
    night_sd: float

    def below(self, limit: float) -> float:
        """Probability that the long-run mean is below `limit`, in the index's unit."""
        if limit + self.population.shift <= 0:
            return 0.0
        return float(self.weight @ ndtr((np.log(limit + self.population.shift) - self.centre) / self.width))

    def quantile(self, share: float) -> float:
        """The value below which the long-run mean lies with probability `share`; not below 0.

        Raises
        ------
        ValueError
            If `share` is not between 0 and 1.
        """
        if not 0.0 < share < 1.0:
            raise ValueError(f"a quantile's share lies between 0 and 1, not {share}")
        low, high = float(np.min(self.centre - 9 * self.width)), float(np.max(self.centre + 9 * self.width))
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if float(self.weight @ ndtr((middle - self.centre) / self.width)) < share:
                low = middle
            else:
                high = middle
        return max(float(np.exp(high)) - self.population.shift, 0.0)

    def class_probabilities(self) -> tuple[float, float, float, float]:
        """Probabilities of normal, mild, moderate and severe; they sum to 1.

        Raises
        ------
        ValueError
            If the index has no classes.
        """
        if self.population.bands is None:
            raise ValueError("this index has no severity classes")
        mild, moderate, severe = (self.below(limit) for limit in self.population.bands)
        return mild, moderate - mild, severe - moderate, 1.0 - severe


def posterior(values: Sequence[float] | Floats, population: Population) -> Posterior:
    """What nights say of the long-run mean.

    Parameters
    ----------
    values
        The index of each night, shape (n,), n >= 1; not negative. Their order does not matter.
    population
        See `POPULATIONS`.

    Raises
    ------
    ValueError
        Without a night, or for a value that is negative or not finite.
    """
    x = np.sort(np.asarray(values, np.float64))
    if x.size == 0:
        raise ValueError("no night, no posterior")
    if not np.all(np.isfinite(x)) or x[0] < 0:
        raise ValueError("an index is finite and not negative")
    y = population.scaled(x)
    n, mean = y.size, float(y.mean())
    squares = float(np.sum((y - mean) ** 2))
    sd = population.night_sd * np.exp(population.night_sd_spread * _GRID)
    variance, between = sd**2, population.level_sd**2
    spread_of_mean = between + variance / n
    log_weight = (
        -0.5 * _GRID**2
        - 0.5 * (n - 1) * np.log(variance)
        - squares / (2 * variance)
        - 0.5 * np.log(spread_of_mean)
        - (mean - population.level) ** 2 / (2 * spread_of_mean)
    )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    width = np.sqrt(1.0 / (1.0 / between + n / variance))
    level = width**2 * (population.level / between + n * mean / variance)
    return Posterior(population, weight, level + variance / 2, width, float(weight @ sd))

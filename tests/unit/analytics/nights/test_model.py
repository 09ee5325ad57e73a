"""What n nights say of the long-run mean: held against numerical integration, and calibrated on its own model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.nights.fit import fit_population
from analytics.nights.model import POPULATIONS, Population, posterior

ODI3 = POPULATIONS["odi3"]


def brute_force_below(values: list[float], population: Population, limit: float) -> float:
    """The same probability by summing the joint density of level and SD over a fine grid."""
    y = np.log(np.asarray(values) + population.shift)
    sd = population.night_sd * np.exp(population.night_sd_spread * np.linspace(-7, 7, 281))[:, None]
    level = (population.level + population.level_sd * np.linspace(-6, 6, 4001))[None, :]
    log_density = -0.5 * ((np.log(sd / population.night_sd)) / population.night_sd_spread) ** 2
    log_density = log_density - 0.5 * ((level - population.level) / population.level_sd) ** 2
    for one in y:
        log_density = log_density - np.log(sd) - 0.5 * ((one - level) / sd) ** 2
    weight = np.exp(log_density - log_density.max())
    mean = np.exp(level + sd**2 / 2) - population.shift
    return float(weight[mean < limit].sum() / weight.sum())


@pytest.mark.parametrize("values", [[0.0], [22.0], [4.0, 9.0, 30.0], [14.0] * 10, [3.0, 5.0, 4.0, 6.0, 5.5, 2.0]])
@pytest.mark.parametrize("limit", [5.0, 15.0, 30.0])
def test_the_closed_form_agrees_with_brute_force(values: list[float], limit: float) -> None:
    assert posterior(values, ODI3).below(limit) == pytest.approx(brute_force_below(values, ODI3, limit), abs=0.004)


def test_class_probabilities_sum_to_one_and_follow_the_index() -> None:
    for value, likeliest in ((0.5, 0), (9.0, 1), (22.0, 2), (70.0, 3)):
        shares = posterior([value] * 8, ODI3).class_probabilities()
        assert sum(shares) == pytest.approx(1.0)
        assert int(np.argmax(shares)) == likeliest
        assert min(shares) >= 0.0


def test_more_nights_make_the_interval_narrower() -> None:
    nights = [12.0, 18.0, 9.0, 15.0] * 6
    widths = [
        posterior(nights[:n], ODI3).quantile(0.975) - posterior(nights[:n], ODI3).quantile(0.025)
        for n in (1, 2, 4, 8, 24)
    ]
    assert widths == sorted(widths, reverse=True)


def test_an_extreme_single_night_is_partly_chance() -> None:
    assert posterior([60.0], ODI3).quantile(0.5) < 60.0
    assert posterior([0.2], ODI3).quantile(0.5) > 0.2


def test_a_person_with_restless_nights_gets_a_wider_interval() -> None:
    steady, restless = posterior([15.0, 16.0, 14.0, 15.0], ODI3), posterior([3.0, 40.0, 12.0, 20.0], ODI3)
    assert restless.night_sd > steady.night_sd
    assert restless.quantile(0.975) / restless.quantile(0.025) > steady.quantile(0.975) / steady.quantile(0.025)


def test_quantiles_invert_probabilities_and_are_never_negative() -> None:
    found = posterior([1.0, 0.0, 3.0], ODI3)
    for share in (0.1, 0.5, 0.9):
        assert found.below(found.quantile(share)) == pytest.approx(share, abs=1e-6)
    assert posterior([0.0] * 3, POPULATIONS["t90_pct"]).quantile(0.001) >= 0.0


def test_the_order_of_nights_changes_no_bit() -> None:
    values = np.random.default_rng(1).lognormal(2, 0.5, 30)
    one, other = posterior(values, ODI3), posterior(values[::-1], ODI3)
    assert one.quantile(0.3) == other.quantile(0.3)
    assert one.below(5.0) == other.below(5.0)


@pytest.mark.parametrize("values", [[], [-1.0], [float("nan")], [float("inf")]])
def test_what_is_no_index_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError):
        posterior(values, ODI3)


def test_an_index_without_classes_and_a_share_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="no severity classes"):
        posterior([1.0], POPULATIONS["t90_pct"]).class_probabilities()
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            posterior([1.0], ODI3).quantile(share)


def draw(population: Population, people: int, nights: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Nights and long-run means of people drawn from the model itself."""
    rng = np.random.default_rng(seed)
    level = rng.normal(population.level, population.level_sd, people)
    sd = population.night_sd * np.exp(population.night_sd_spread * rng.standard_normal(people))
    values = np.exp(rng.normal(level[:, None], sd[:, None], (people, nights))) - population.shift
    return np.maximum(values, 0.0), np.exp(level + sd**2 / 2) - population.shift


@pytest.mark.parametrize("nights", [1, 3, 14])
def test_intervals_cover_and_probabilities_come_true_on_people_of_the_model(nights: int) -> None:
    values, truth = draw(ODI3, 400, nights, seed=nights)
    found = [posterior(row, ODI3) for row in values]
    covered = np.mean([p.quantile(0.025) <= t <= p.quantile(0.975) for p, t in zip(found, truth, strict=True)])
    assert covered == pytest.approx(0.95, abs=0.03)
    below = np.array([p.below(15.0) for p in found])
    for low in (0.0, 0.25, 0.5, 0.75):
        some = (below >= low) & (below <= low + 0.25)
        if some.sum() >= 30:
            said = float(below[some].mean())
            chance = 4.0 * np.sqrt(said * (1.0 - said) / some.sum())
            assert said == pytest.approx((truth[some] < 15.0).mean(), abs=chance)


def test_a_population_is_found_again_from_its_people() -> None:
    values, _ = draw(ODI3, 1500, 20, seed=5)
    found = fit_population(list(values), shift=ODI3.shift, bands=ODI3.bands)
    assert found.level == pytest.approx(ODI3.level, abs=0.1)
    assert found.level_sd == pytest.approx(ODI3.level_sd, abs=0.1)
    assert found.night_sd == pytest.approx(ODI3.night_sd, abs=0.03)
    assert found.night_sd_spread == pytest.approx(ODI3.night_sd_spread, abs=0.08)
    assert found.bands == ODI3.bands


def test_a_fit_takes_enough_people() -> None:
    people = [[1.0, 2.0, 3.0, 4.0, 5.0]] * 19
    with pytest.raises(ValueError, match="20 people"):
        fit_population(people, shift=0.5)
    with pytest.raises(ValueError, match="positive shift"):
        fit_population([*people, people[0]], shift=0.0)
    assert fit_population([*people, people[0], [1.0] * 4], shift=0.5).night_sd > 0


def test_a_narrower_population_pulls_harder() -> None:
    narrow = replace(ODI3, level_sd=0.2)
    assert posterior([60.0], narrow).quantile(0.5) < posterior([60.0], ODI3).quantile(0.5)

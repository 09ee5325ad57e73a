"""Statistics, event biomarkers and periodicity against direct evaluations; the catalogue as a whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import welch
from scipy.stats import kurtosis, skew

from analytics.oximetry.biomarkers import BIOMARKERS, biomarker_signal, night_biomarkers
from analytics.oximetry.biomarkers.desaturations import desaturation_biomarkers
from analytics.oximetry.biomarkers.periodicity import phase_rectified, spectrum
from analytics.oximetry.biomarkers.statistics import delta_index, general_statistics
from analytics.oximetry.events import EVENT_DTYPE
from analytics.oximetry.profiles.pobm import detect
from tests.unit.analytics.oximetry_profiles.shapes import drawn, night


def test_every_biomarker_is_computed_under_a_name_of_its_own_with_a_unit() -> None:
    signal = night(20, seed=3)
    found = night_biomarkers(signal, detect(signal, 3.0), np.full(signal.size, 60.0))
    assert list(found) == [biomarker.name for biomarker in BIOMARKERS]
    assert len(found) == len({biomarker.name for biomarker in BIOMARKERS})
    assert all(biomarker.unit and biomarker.meaning for biomarker in BIOMARKERS)
    assert all(math.isfinite(value) for value in found.values())


def test_a_night_without_a_valid_second_says_nothing() -> None:
    found = night_biomarkers(np.full(3000, np.nan), np.zeros(0, EVENT_DTYPE))
    assert all(math.isnan(value) for value in found.values())


def test_pulse_changes_are_by_hour_of_valid_pulse() -> None:
    pulse = np.full(3600, 60.0)
    pulse[1000:] = 70.0
    pulse[1800:] = np.nan
    nothing = np.zeros(0, EVENT_DTYPE)
    assert night_biomarkers(np.full(3600, 97.0), nothing, pulse)["PulseChanges"] == 2.0
    assert math.isnan(night_biomarkers(np.full(3600, 97.0), nothing)["PulseChanges"])
    assert math.isnan(night_biomarkers(np.full(3600, 97.0), nothing, np.full(3600, np.nan))["PulseChanges"])


def test_statistics_equal_those_of_the_valid_seconds() -> None:
    signal = night(10, seed=1)
    signal[50:90] = np.nan
    valid = signal[~np.isnan(signal)]
    found = general_statistics(signal)
    assert found["AV"] == pytest.approx(valid.mean())
    assert found["SD"] == pytest.approx(valid.std())
    assert found["RG"] == valid.max() - valid.min()
    assert found["P"] == np.percentile(valid, 1)
    assert found["K"] == pytest.approx(kurtosis(valid))
    assert found["SK"] == pytest.approx(skew(valid))
    assert found["MAD"] == pytest.approx(1.4826 * np.median(np.abs(valid - np.median(valid))))
    assert found["CA"] == pytest.approx(np.clip(valid.mean() - valid, 0, None).mean())
    assert found["M"] == pytest.approx(100 * np.mean(valid < np.median(valid) - 2))


def test_time_at_90_is_inclusive_and_below_88_85_80_is_not() -> None:
    found = general_statistics(drawn((91, 2), (90, 2), (88, 2), (85, 2), (80, 2)))
    assert found["CT90"] == pytest.approx(80)
    assert (found["T88"], found["T85"], found["T80"]) == (pytest.approx(40), pytest.approx(20), 0)


def test_the_mean_is_crossed_once_each_time_and_never_over_a_gap() -> None:
    assert general_statistics(drawn([96, 98, 96, 98]))["ZC"] == 3
    assert general_statistics(drawn([96, 97, 98]))["ZC"] == 1, "a second on the mean is no crossing of its own"
    assert general_statistics(drawn([96, 97, 96, 99]))["ZC"] == 1
    assert general_statistics(drawn([96, np.nan, 98]))["ZC"] == 0


def test_the_delta_index_is_the_mean_change_between_twelve_second_means() -> None:
    assert delta_index(drawn((96, 12), (98, 12), (95, 12), (90, 11))) == pytest.approx((2 + 3) / 2)
    gap = drawn((96, 12), (np.nan, 12), (98, 12), (97, 12))
    assert delta_index(gap) == pytest.approx(1.0)
    assert math.isnan(delta_index(np.full(23, 97.0)))


def test_an_event_is_described_from_its_own_seconds() -> None:
    signal = drawn((97, 20), [96, 95, 94, 93, 92], (92, 5), [94, 96], (97, 60))
    row = np.zeros(1, EVENT_DTYPE)
    row["start_s"], row["nadir_s"], row["end_s"] = 19, 24, 32
    found = desaturation_biomarkers(signal, row)
    assert (found["DL_u"], found["DL_a_u"], found["DL_b_u"]) == (13, 5, 8)
    assert (found["DDmax_u"], found["DD100_u"]) == (5, 8)
    inside = signal[19:33]
    assert found["DAmax_u"] == (97 - inside).sum()
    assert found["DA100_u"] == (100 - inside).sum()
    fall = signal[19:30]
    assert found["DS_u"] == pytest.approx(np.polyfit(np.arange(fall.size), fall, 1)[0])
    assert found["DL_sd"] == 0
    assert math.isnan(found["TD_u"])
    assert found["POD"] == pytest.approx(13 / signal.size)
    assert found["AODmax"] == pytest.approx((97 - inside).sum() / signal.size)


def test_two_events_have_a_time_between_onsets() -> None:
    signal = night(3)
    events = detect(signal, 3.0)
    assert desaturation_biomarkers(signal, events)["TD_u"] == pytest.approx(np.diff(events["start_s"]).mean())


def test_given_events_are_used_and_none_is_lost_above_128() -> None:
    """The toolbox ignores what it is given in places, and counts groups in eight bits."""
    signal = night(200, rest_s=60)
    events = detect(signal, 3.0)
    assert len(events) == 200
    everything = desaturation_biomarkers(signal, events)
    assert everything["POD"] == pytest.approx(200 * everything["DL_u"] / signal.size)
    some = desaturation_biomarkers(signal, events[:3])
    assert some["POD"] == pytest.approx(3 * some["DL_u"] / signal.size)


def test_without_events_means_are_missing_and_shares_are_nothing() -> None:
    found = desaturation_biomarkers(np.full(100, 97.0), np.zeros(0, EVENT_DTYPE))
    assert math.isnan(found["DL_u"])
    assert found["POD"] == found["AODmax"] == found["AOD100"] == 0.0


def test_phase_rectified_averaging_is_about_every_fall() -> None:
    signal = night(8, seed=2)
    anchors = [i for i in range(10, signal.size - 9) if signal[i] < signal[i - 1]]
    mean = np.mean([signal[i - 10 : i + 10] for i in anchors], axis=0)
    found = phase_rectified(signal)
    assert found["PRSAc"] == pytest.approx((mean[10] + mean[11] - mean[9] - mean[8]) / 4)
    assert found["PRSAad"] == pytest.approx(mean.max() - mean.min())
    for name, part in (("PRSAos", mean), ("PRSAsb", mean[:10]), ("PRSAsa", mean[10:])):
        assert found[name] == pytest.approx(np.polyfit(np.arange(part.size), part, 1)[0])
    assert all(math.isnan(value) for value in phase_rectified(np.full(100, 97.0)).values())


def test_the_spectrum_is_welchs() -> None:
    signal = night(12, seed=4)
    frequency, density = welch(signal, window="hamming", nperseg=256)
    inside = (frequency > 0.014) & (frequency < 0.033)
    found = spectrum(signal)
    assert found["PSD_total"] == pytest.approx(density.sum() / 256, rel=1e-9)
    assert found["PSD_band"] == pytest.approx(density[inside].sum() / 256, rel=1e-9)
    assert found["PSD_peak"] == pytest.approx(density[inside].max(), rel=1e-9)


def test_the_toolboxs_band_is_this_one_by_the_recordings_length() -> None:
    signal = night(12, seed=4)
    frequency, density = welch(signal, window="hamming", nperseg=256)
    toolbox = (density / signal.size)[(frequency > 0.014) & (frequency < 0.033)].sum()
    assert spectrum(signal)["PSD_band"] * 256 / signal.size == pytest.approx(toolbox, rel=1e-9)


def test_a_wave_of_fifty_seconds_lies_in_the_band() -> None:
    t = np.arange(7200)
    wave = spectrum(95 + 2 * np.sin(2 * np.pi * t / 50))
    assert wave["PSD_ratio"] > 0.95
    assert wave["PSD_total"] == pytest.approx(2.0, rel=0.03), "the variance of a wave of amplitude 2"
    assert spectrum(95 + 2 * np.sin(2 * np.pi * t / 8))["PSD_ratio"] < 0.05
    assert all(math.isnan(value) for value in spectrum(np.full(255, 97.0)).values())


def test_biomarkers_read_whole_percents_with_short_gaps_bridged() -> None:
    raw = drawn([97.4, np.nan, 95.4], (np.nan, 5), [92.4], (np.nan, 6), [97])
    signal = biomarker_signal(raw)
    assert signal[:9].tolist() == [97, 96, 95, 95, 94, 94, 93, 93, 92]
    assert np.isnan(signal[9:15]).all()
    assert signal[15] == 97

"""Draw docs/figures/nights_*.png: calibration and misclassification on simulated cohorts, and one patient with a MAD.

The cohorts come from the benchmark, which keeps the indices of every night; run from the project's root::

    python benchmarks/cohort.py --population clinic --seed 2 --nights 44 --save build/clinic.npz
    python benchmarks/cohort.py --population community --seed 3 --people 160 --nights 44 --save build/community.npz
    python docs/figures/nights.py build/clinic.npz build/community.npz

Neither cohort is the one that the model's populations were fitted to (clinic, seed 1). The first 14 nights predict, and
the other 30 nights, never shown to the model, are the truth. It prints the tables of docs/nights.md.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.calendar import night_bounds
from analytics.nights.changes import changes
from analytics.nights.cohort import intraclass_correlation, misclassification
from analytics.nights.model import POPULATIONS, posterior
from analytics.nights.records import PatientNight
from analytics.nights.summary import CLASSES, SETTLED_NIGHTS
from analytics.nights.treatment import compare

HERE: Final = Path(__file__).parent
FEW: Final = (1, 2, 3, 5, 7, 14)
SHOWN: Final = (1, 3, 14)
INDICES: Final = ("odi3", "odi4", "hypoxic_burden")
FIRST: Final = date(2026, 1, 1)

Floats = NDArray[np.float64]


def column(file: Path, name: str) -> Floats:
    """One index of every night, shape (people, nights)."""
    with np.load(file) as kept:
        values: Floats = kept["indices"][:, :, kept["names"].tolist().index(name)]
    return values


def predicted(values: Floats, nights: int, index: str) -> tuple[Floats, Floats, Floats]:
    """Class probabilities (people, 4), what came true (people, 4), and the ends of the interval (people, 2)."""
    bands = POPULATIONS[index].bands
    assert bands is not None
    truth = np.eye(4)[np.digitize(values[:, SETTLED_NIGHTS:].mean(axis=1), bands)]
    found = [posterior(person[:nights], POPULATIONS[index]) for person in values]
    shares = np.array([one.class_probabilities() for one in found])
    ends = np.array([[one.quantile(0.025), one.quantile(0.975)] for one in found])
    return shares, truth, ends


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def tables(name: str, file: Path) -> None:
    """Print what docs/nights.md tells of a cohort."""
    _say(f"{name}: {column(file, 'odi3').shape}")
    for index in INDICES:
        values = column(file, index)
        truth = values[:, SETTLED_NIGHTS:].mean(axis=1)
        bands = POPULATIONS[index].bands
        assert bands is not None
        for nights in FEW:
            shares, came, ends = predicted(values, nights, index)
            covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
            brier = np.mean(np.sum((shares - came) ** 2, axis=1))
            plain = np.digitize(values[:, :nights].mean(axis=1), bands)
            _say(
                f"  {index:15} n {nights:2}: interval holds {100 * covered:5.1f} %, high/low"
                f" {np.median(ends[:, 1] / np.maximum(ends[:, 0], 0.01)):5.2f}, class right"
                f" {100 * np.mean(came[np.arange(len(came)), shares.argmax(axis=1)]):5.1f} % (said"
                f" {100 * shares.max(axis=1).mean():5.1f} %), plain mean right"
                f" {100 * np.mean(came[np.arange(len(came)), plain]):5.1f} %, Brier {brier:.3f}"
            )
    for index in ("odi3", "true_ahi"):
        values = column(file, index)
        _say(f"  {index}: mean of 15/h or more {100 * np.mean(values.mean(axis=1) >= 15):.1f} %")
        for one in misclassification(values, FEW):
            by_class = ", ".join(f"{share:.0f}" for share in one.wrong_by_class_pct)
            _say(
                f"    n {one.nights:2}: wrong {one.wrong_pct:.1f} % (by class {by_class}), F1 {one.f1:.3f},"
                f" looks normal {one.looks_normal_pct:.2f} %"
            )
    scaled = POPULATIONS["odi3"].scaled(column(file, "odi3"))
    _say(f"  ICC of single nights (log ODI3): {intraclass_correlation(list(scaled)):.3f}")
    for share in (1.0, 0.7, 0.35, 0.2):
        for nights in (5, 14):
            words = ", ".join(f"{word} {rate:.0f} %" for word, rate in verdicts(file, nights, share).items())
            _say(f"  {100 * share:.0f} % remain, {nights} nights each: {words}")
    _say(f"  steady people with an unknown change in 30 nights: {100 * false_changes(file):.1f} %")


def false_changes(file: Path) -> float:
    """Share of people, none of whom was treated, in whom a change is found."""
    values = column(file, "odi3")[:, :30]
    return float(np.mean([bool(changes("odi3", as_nights(person), [])) for person in values]))


def verdicts(file: Path, nights: int, share: float) -> dict[str, float]:
    """How often each word is said, per cent, where the MAD leaves `share` of every night's ODI3.

    Of people with a mean of 15 /h or more: `nights` nights without against the next with it, matched by posture.
    """
    told: dict[str, int] = {}
    odi3, supine = column(file, "odi3"), column(file, "supine_pct")
    ill = np.flatnonzero(odi3.mean(axis=1) >= 15.0)
    for person in ill:
        every = as_nights(odi3[person, : 2 * nights], supine[person])
        with_mad = [
            msgspec.structs.replace(night, indices={"odi3": share * night.index("odi3")}) for night in every[nights:]
        ]
        found = compare("odi3", every[:nights], with_mad)
        assert found is not None
        told[found.verdict] = told.get(found.verdict, 0) + 1
    return {word: 100.0 * count / ill.size for word, count in sorted(told.items())}


def as_nights(odi3: Floats, supine_pct: Floats | None = None) -> list[PatientNight]:
    """Nights one after another, of ODI3 and, where given, posture; all of the same sleep."""
    nights = []
    for number, value in enumerate(odi3):
        night = FIRST + timedelta(days=number)
        start_ms, end_ms = night_bounds(night, "Etc/UTC")
        nights.append(
            PatientNight(
                night=night,
                zone="Etc/UTC",
                start_ms=start_ms,
                end_ms=end_ms,
                valid_h=7.0,
                sleep_h=6.5,
                sleep_of="bed_sleep",
                supine_pct=None if supine_pct is None else float(supine_pct[number]),
                indices={"odi3": float(value)},
            )
        )
    return nights


def draw_calibration(cohorts: dict[str, Path]) -> None:
    """Said against come true, by number of nights."""
    figure, panels = plt.subplots(1, len(cohorts), figsize=(10, 4.6), layout="constrained", sharey=True)
    for axes, (name, file) in zip(panels, cohorts.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        for nights, colour in zip(SHOWN, ("tab:orange", "tab:green", "tab:blue"), strict=True):
            told = [predicted(column(file, index), nights, index)[:2] for index in INDICES]
            said = np.concatenate([shares.ravel() for shares, _ in told])
            came = np.concatenate([truth.ravel() for _, truth in told])
            tenth = np.minimum((said * 10).astype(int), 9)
            points = [(said[tenth == k].mean(), came[tenth == k].mean(), np.sum(tenth == k)) for k in range(10)]
            x, y, n = np.array([point for point in points if point[2] >= 20]).T
            # Three indices of one person are no three people: bars for the people alone.
            bars = np.sqrt(np.maximum(y * (1 - y), 0.01) / (n / len(INDICES)))
            label = f"after {nights} night{'s' if nights > 1 else ''}"
            axes.errorbar(x, y, bars, color=colour, marker="o", ms=4, lw=1, capsize=2, label=label)
        axes.set(title=name, xlabel="probability that was said", aspect="equal", xlim=(0, 1), ylim=(0, 1))
        axes.legend(fontsize=8)
    panels[0].set_ylabel("share that came true")
    figure.suptitle("Severity classes of ODI3, ODI4 and hypoxic burden; bars: one standard error", fontsize=10)
    figure.savefig(HERE / "nights_calibration.png", dpi=110)


def draw_misclassification(cohorts: dict[str, Path]) -> None:
    """How often few nights are wrong."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    every = tuple(range(1, 22))
    found = misclassification(column(cohorts["clinic"], "odi3"), every)
    for k, name in enumerate(CLASSES):
        panels[0].plot(every, [one.wrong_by_class_pct[k] for one in found], label=f"truly {name}")
    panels[0].plot(every, [one.wrong_pct for one in found], color="black", lw=2, label="all")
    panels[0].set(xlabel="nights", ylabel="in the wrong class, %", title="clinic: ODI3 of n nights against 44", ylim=0)
    for (name, file), style in zip(cohorts.items(), ("-", "--"), strict=True):
        for index, colour in (("odi3", "tab:blue"), ("true_ahi", "tab:red")):
            told = misclassification(column(file, index), every)
            label = f"{name}, {'ODI3' if index == 'odi3' else 'true AHI'}"
            panels[1].plot(every, [one.f1 for one in told], style, color=colour, label=label)
    panels[1].plot([1, 14], [0.77, 0.94], "k*", ms=10, label="published (Lechat 2022, AHI)")
    panels[1].set(xlabel="nights", ylabel="F1 of a mean of 15/h or more", title="F1 by number of nights", ylim=(0.6, 1))
    for axes in panels:
        axes.axvline(SETTLED_NIGHTS, color="0.7", lw=1)
        axes.legend(fontsize=8)
    figure.savefig(HERE / "nights_misclassification.png", dpi=110)


def draw_patient(file: Path) -> None:
    """How the probabilities of one person settle: of the clinic's people the one nearest to a mean of 16 /h."""
    values = column(file, "odi3")
    person = values[int(np.argmin(np.abs(values.mean(axis=1) - 16.0)))]
    counts = np.arange(1, 31)
    found = [posterior(person[:n], POPULATIONS["odi3"]) for n in counts]
    figure, panels = plt.subplots(2, 1, figsize=(10, 5), layout="constrained", sharex=True)
    panels[0].bar(counts, person[:30], color="0.8", label="ODI3 of the night")
    panels[0].plot(counts, np.cumsum(person[:30]) / counts, color="tab:blue", label="mean so far")
    low, high = ([one.quantile(share) for one in found] for share in (0.025, 0.975))
    panels[0].fill_between(counts, low, high, color="tab:blue", alpha=0.2, label="95 % interval of the long-run mean")
    panels[0].axhline(person[SETTLED_NIGHTS:].mean(), color="black", lw=1, ls=":", label="mean of nights 15 to 44")
    panels[0].set_ylabel("per hour")
    panels[0].set_ylim(0, 1.2 * person[:30].max())
    panels[0].legend(fontsize=8, ncols=2)
    shares = np.array([one.class_probabilities() for one in found]).T
    panels[1].stackplot(counts, shares, labels=CLASSES, colors=("#9ecae1", "#fdd0a2", "#fd8d3c", "#a63603"))
    panels[1].axvline(SETTLED_NIGHTS, color="black", lw=1, ls="--")
    panels[1].set(xlabel="nights", ylabel="probability", ylim=(0, 1), xlim=(0.5, 30.5))
    panels[1].legend(fontsize=8, loc="lower right")
    figure.savefig(HERE / "nights_patient.png", dpi=110)


def main() -> None:
    """Print the tables and draw the figures."""
    parser = argparse.ArgumentParser(description="Figures of many nights, from cohorts that the benchmark kept.")
    parser.add_argument("clinic", type=Path)
    parser.add_argument("community", type=Path)
    options = parser.parse_args()
    cohorts = {"clinic": options.clinic, "community": options.community}
    for name, file in cohorts.items():
        tables(name, file)
    draw_calibration(cohorts)
    draw_misclassification(cohorts)
    draw_patient(options.clinic)


if __name__ == "__main__":
    main()

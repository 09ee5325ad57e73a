"""Figures for docs/alerts.md: a low SpO2 as its rule sees it, and weeks of wear as theirs do, by the rules themselves.

python docs/figures/alerts.py
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import matplotlib.pyplot as plt
import numpy as np

from analytics.alerts import lifecycle, nights, spo2
from analytics.alerts.lifecycle import Acknowledge, Case, State, Tick
from analytics.alerts.nights import NightFacts
from analytics.alerts.thresholds import escalate_after_ms, in_force

HERE = Path(__file__)
RULES = in_force()
COLOURS = {
    State.OPEN: "#c8553d",
    State.ESCALATED: "#7b1e3a",
    State.ACKNOWLEDGED: "#e0a458",
    State.SNOOZED: "#9db4c0",
    State.RESOLVED: "#ffffff",
}


def night() -> np.ndarray:
    """Two hours at 1 Hz with one long hypoxia, dips around it, and a time without finger."""
    rng = np.random.default_rng(4)
    t = np.arange(7200)
    trace = 95 + 0.6 * np.sin(t / 180) - 6 * np.maximum(0, np.sin(t / 22)) ** 6
    trace[1500:4700] -= np.interp(np.arange(3200), [0, 300, 2700, 3199], [0, 9, 10, 0])
    trace[3000:3008] = np.nan
    trace[6000:6400] = np.nan
    return np.rint(trace + rng.normal(0, 0.3, t.size)).astype(np.float32)


def lives(trace: np.ndarray) -> list[tuple[float, float, State]]:
    """The alert's states over the night, in minutes: nobody acknowledges it for 36 minutes."""
    _, findings = spo2.step(spo2.start(), 0, 1000, trace, None, RULES["spo2_low"])
    after_ms = escalate_after_ms(RULES["spo2_low"])
    events = [*findings, Acknowledge(findings[0].at_ms + 36 * 60_000)]
    case: Case | None = None
    found: list[tuple[float, State]] = []
    for event in sorted(events, key=lambda one: one.at_ms):
        if case is None or case.state is State.RESOLVED:
            if isinstance(event, Acknowledge) or not event.holds:
                continue
            case, changes = lifecycle.begin(event, after_ms)
        else:
            case, changes = lifecycle.step(case, event, after_ms)
        found += [(change.at_ms / 60_000, change.state) for change in changes]
    assert case is not None
    _, changes = lifecycle.step(case, Tick(trace.size * 1000), after_ms)
    found += [(change.at_ms / 60_000, change.state) for change in changes]
    ends = [at for at, _ in found[1:]] + [trace.size / 60]
    return [(begin, end, state) for (begin, state), end in zip(found, ends, strict=True)]


def draw_low() -> None:
    """SpO2, the level, and the life of the alert."""
    trace = night()
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    axes.plot(np.arange(trace.size) / 60, trace, color="#1f3a5f", linewidth=0.6)
    axes.axhline(88, color="#c8553d", linewidth=0.9, linestyle="--")
    axes.axhline(90, color="#5a8f69", linewidth=0.9, linestyle=":")
    seen: set[State] = set()
    for begin, end, state in lives(trace):
        if state is not State.RESOLVED:
            label = None if state in seen else state.value
            axes.barh(74.5, end - begin, left=begin, height=1.6, color=COLOURS[state], label=label)
            seen.add(state)
    axes.set(xlabel="minutes", ylabel="SpO2, %", ylim=(73, 99), xlim=(0, trace.size / 60))
    axes.set_title(
        "spo2_low: raised after five minutes at 88 % or below, over after one minute above 90 %", fontsize=10
    )
    axes.legend(loc="lower right", fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(HERE.with_name("alerts_spo2.png"), dpi=110)
    plt.close(figure)


def draw_wear() -> None:
    """Weeks of wear and when each rule holds."""
    rng = np.random.default_rng(2)
    wear: list[float | None] = [float(value) for value in rng.normal(380, 45, 42)]
    wear[9:14] = [0.0, 12.0, None, 0.0, 5.0]
    wear[24:31] = [float(value) for value in rng.normal(170, 30, 7)]
    first = date(2026, 3, 1)
    facts = [
        NightFacts(first + timedelta(days=number), number * 86_400_000, number * 86_400_000 + 1, wear_min=value)
        for number, value in enumerate(wear)
    ]
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    hours = [0.0 if value is None else value / 60 for value in wear]
    axes.bar(range(len(wear)), hours, color=["#dddddd" if value is None else "#1f3a5f" for value in wear], width=0.8)
    axes.plot([11], [0.25], marker="x", color="#666666", linestyle="", label="no data")
    axes.axhline(4, color="#5a8f69", linewidth=0.9, linestyle=":", label="goal")
    rows = {"mad_not_worn": (-0.6, "#c8553d"), "wear_short": (-1.4, "#e0a458")}
    for one in nights.evaluate(facts, RULES):
        height, colour = rows[one.rule]
        begin = one.at_ms / 86_400_000
        end = len(wear) if one.over_ms is None else one.over_ms / 86_400_000
        axes.barh(height, end - begin, left=begin, height=0.6, color=colour, label=one.rule)
    axes.set(xlabel="night", ylabel="hours worn", ylim=(-2, 10), xlim=(-0.6, len(wear)))
    axes.set_title("Wear: a night without data is not a night without wear", fontsize=10)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axes.legend(unique.values(), unique.keys(), loc="upper right", fontsize=8, ncols=2)
    figure.savefig(HERE.with_name("alerts_wear.png"), dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    draw_low()
    draw_wear()

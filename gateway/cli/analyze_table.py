"""A night as tables in the terminal."""

from __future__ import annotations

import math

from rich import box
from rich.console import Console
from rich.table import Table

from analytics.oximetry.analysis import Analysis
from gateway.service.exchange.recording import Recording


def print_night(recording: Recording, analysis: Analysis) -> None:
    """Print one night under one profile: what was recorded, every index, and how to read it."""
    console = Console(highlight=False)
    start = "not in the file" if recording.start is None else f"{recording.start:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    console.print(f"[bold]{_plain(recording.source)}[/bold] ({recording.kind}), start {start}")
    quality = analysis.quality
    console.print(
        f"{analysis.valid_h:.2f} valid of {analysis.duration_h:.2f} h ({_number(quality.valid_pct, 1)} %), a sample "
        f"every {recording.interval_s:g} s; profile {analysis.profile} {analysis.profile_version}"
    )
    console.print(_indices(analysis))
    masked = ", ".join(f"{reason} {seconds} s" for reason, seconds in quality.masked_s.items() if seconds)
    if masked:
        console.print(f"left out: {_plain(masked)}")
    for note in recording.notes:
        console.print(f"note: {_plain(note)}")
    for sentence in analysis.reading.sentences:
        console.print(sentence)


def print_side_by_side(results: dict[str, Analysis]) -> None:
    """Print the indices that depend on the profile, one column a profile."""
    table = Table(box=box.SIMPLE_HEAD, title="Profiles side by side", title_justify="left")
    table.add_column("")
    for name, analysis in results.items():
        table.add_column(f"{name} {analysis.profile_version}", justify="right")
    nights = list(results.values())
    table.add_row("ODI2 (/h)", *(_number(night.odi2, 1) for night in nights))
    table.add_row("ODI3 (/h)", *(_number(night.odi3, 1) for night in nights))
    table.add_row("ODI4 (/h)", *(_number(night.odi4, 1) for night in nights))
    table.add_row("desaturations >= 3 %", *(str(len(night.desaturations)) for night in nights))
    table.add_row("mean depth (%)", *(_mean([event.depth for event in night.desaturations]) for night in nights))
    lengths = [[event.end_s - event.start_s for event in night.desaturations] for night in nights]
    table.add_row("mean length (s)", *map(_mean, lengths))
    table.add_row("hypoxic burden (% min/h)", *(_number(night.hypoxic_burden.value, 1) for night in nights))
    table.add_row("severity", *(night.severity for night in nights))
    Console(highlight=False).print(table)


def _indices(analysis: Analysis) -> Table:
    spo2, burden, pulse = analysis.spo2, analysis.hypoxic_burden, analysis.pulse
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("index")
    table.add_column("value", justify="right")
    table.add_column("unit")
    rows = [
        ("ODI2", _number(analysis.odi2, 1), "/h"),
        ("ODI3", _number(analysis.odi3, 1), "/h"),
        ("ODI4", _number(analysis.odi4, 1), "/h"),
        ("desaturations >= 3 %", str(len(analysis.desaturations)), ""),
        ("T90 (below 90 %)", _number(spo2.t90_pct, 2), "% of valid time"),
        ("T90 (90 % or below)", _number(spo2.t90_le_pct, 2), "% of valid time"),
        ("T88", _number(spo2.t88_pct, 2), "% of valid time"),
        ("at or below 88 %", _number(spo2.le_88_s / 60, 1), "min"),
        ("mean SpO2", _number(spo2.mean, 1), "%"),
        ("lowest SpO2", _number(spo2.min, 1), "%"),
        ("baseline SpO2", _number(spo2.baseline, 1), "%"),
        (f"hypoxic burden ({burden.events} events)", _number(burden.value, 1), f"% min/h of {burden.hours_of}"),
    ]
    if pulse is not None:
        rows += [
            ("mean pulse", _number(pulse.mean, 0), "bpm"),
            ("pulse rise index", _number(pulse.rise_index, 1), "/h"),
            ("pulse response", _number(pulse.response_bpm, 1), "bpm"),
        ]
    rows.append(("severity", analysis.severity, ", ".join(analysis.reading.drivers)))
    for row in rows:
        table.add_row(*row)
    return table


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _mean(values: list[float]) -> str:
    return _number(sum(values) / len(values), 1) if values else "-"


def _plain(text: str) -> str:
    return text.replace("[", "\\[")

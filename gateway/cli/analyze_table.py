"""A night as tables in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from analytics.oximetry.analysis import Analysis
from gateway.service.exchange.recording import Recording
from gateway.service.exchange.wording import mean_text, number_text


def print_night(recording: Recording, analysis: Analysis) -> None:
    """Print one night under one profile: what was recorded, every index, and how to read it."""
    console = Console(highlight=False)
    start = "not in the file" if recording.start is None else f"{recording.start:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    console.print(f"[bold]{_plain(recording.source)}[/bold] ({recording.kind}), start {start}")
    quality = analysis.quality
    console.print(
        f"{analysis.valid_h:.2f} valid of {analysis.duration_h:.2f} h ({number_text(quality.valid_pct, 1)} %), "
        f"a sample every {recording.interval_s:g} s; profile {analysis.profile} {analysis.profile_version}"
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
    table.add_column("", no_wrap=True)
    for name, analysis in results.items():
        table.add_column(f"{name}\n{analysis.profile_version}", justify="right", no_wrap=True)
    nights = list(results.values())
    table.add_row("ODI2 (/h)", *(number_text(night.odi2, 1) for night in nights))
    table.add_row("ODI3 (/h)", *(number_text(night.odi3, 1) for night in nights))
    table.add_row("ODI4 (/h)", *(number_text(night.odi4, 1) for night in nights))
    table.add_row("events >= 2 %", *(str(len(night.desaturations)) for night in nights))
    table.add_row("mean depth (%)", *(mean_text([event.depth for event in night.desaturations]) for night in nights))
    lengths = [[event.end_s - event.start_s for event in night.desaturations] for night in nights]
    table.add_row("mean length (s)", *map(mean_text, lengths))
    table.add_row("burden (% min/h)", *(number_text(night.hypoxic_burden.value, 1) for night in nights))
    table.add_row("severity", *(night.severity for night in nights))
    Console(highlight=False).print(table)


def _indices(analysis: Analysis) -> Table:
    spo2, burden, pulse = analysis.spo2, analysis.hypoxic_burden, analysis.pulse
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("index")
    table.add_column("value", justify="right")
    table.add_column("unit")
    rows = [
        ("ODI2", number_text(analysis.odi2, 1), "/h"),
        ("ODI3", number_text(analysis.odi3, 1), "/h"),
        ("ODI4", number_text(analysis.odi4, 1), "/h"),
        ("desaturations >= 2 %", str(len(analysis.desaturations)), ""),
        ("T90 (below 90 %)", number_text(spo2.t90_pct, 2), "% of valid time"),
        ("T90 (90 % or below)", number_text(spo2.t90_le_pct, 2), "% of valid time"),
        ("T88", number_text(spo2.t88_pct, 2), "% of valid time"),
        ("at or below 88 %", number_text(spo2.le_88_s / 60, 1), "min"),
        ("mean SpO2", number_text(spo2.mean, 1), "%"),
        ("lowest SpO2", number_text(spo2.min, 1), "%"),
        ("baseline SpO2", number_text(spo2.baseline, 1), "%"),
        (f"hypoxic burden ({burden.events} events)", number_text(burden.value, 1), f"% min/h of {burden.hours_of}"),
    ]
    if pulse is not None:
        rows += [
            ("mean pulse", number_text(pulse.mean, 0), "bpm"),
            ("pulse rise index", number_text(pulse.rise_index, 1), "/h"),
            ("pulse response", number_text(pulse.response_bpm, 1), "bpm"),
        ]
    rows.append(("severity", analysis.severity, ", ".join(analysis.reading.drivers)))
    for row in rows:
        table.add_row(*row)
    return table


def _plain(text: str) -> str:
    return text.replace("[", "\\[")

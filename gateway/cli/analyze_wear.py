"""`somnolink analyze` on a wear log: when the device was worn, by night and by the usual definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from analytics.adherence.nights import NightStatus, WearNight, wear_nights
from analytics.adherence.payer import payer_window
from analytics.adherence.results import WearInterval
from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import VERSION, WearOutput, find_wear
from analytics.adherence.usage import usage
from gateway.errors import ConfigurationError
from gateway.service.exchange.files.wear_log import WearLog, read_wear_log
from gateway.service.exchange.plots.axis import clock_text
from gateway.service.exchange.wording import number_text


@dataclass(frozen=True, slots=True, eq=False)
class WearAnalysis:
    """A wear log, what was found in it (times in ms, from the epoch where the start is known), and its nights."""

    log: WearLog
    output: WearOutput
    nights: tuple[WearNight, ...]
    origin_ms: int

    def counted(self) -> list[WearInterval]:
        """Wears that count."""
        return [interval for interval in self.output.intervals if not interval.suspect]

    def minutes(self, *, suspect: bool) -> float:
        """Minutes worn that count, or that are suspect."""
        return sum(interval.minutes for interval in self.output.intervals if bool(interval.suspect) is suspect)


def analyse_wear(file: Path, zone: ZoneInfo | None, plot: Path | None) -> WearAnalysis:
    """Read and analyse a wear log, and draw it where asked.

    Raises
    ------
    InputFileError
        The file is not what it claims to be.
    ConfigurationError
        The picture is to be another than PNG, or cannot be written.
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise ConfigurationError(f"--plot {plot}: a wear log is drawn as .png")
    log = read_wear_log(file, zone)
    origin_ms = 0 if log.start is None else round(_aware(log.start).timestamp() * 1000)
    t_ms = origin_ms + np.rint(log.seconds * 1000).astype(np.int64)
    output = find_wear(WearChunk(t_ms, log.temperature, log.accel, log.motion, log.flags))
    nights: tuple[WearNight, ...] = ()
    if log.start is not None:
        here = _aware(log.start).tzinfo or UTC
        nights = wear_nights(output.intervals, output.missing, int(t_ms[0]), int(t_ms[-1]), here)
    analysis = WearAnalysis(log, output, nights, origin_ms)
    if plot is not None:
        from gateway.service.exchange.plots.wear import plot_wear  # matplotlib takes a second to import

        plot_wear(plot, log, output, origin_ms)
    return analysis


def wear_to_dict(analysis: WearAnalysis) -> dict[str, object]:
    """Return the JSON object of `--json`; docs/analyze.schema.json describes it."""
    log, output = analysis.log, analysis.output
    hours = [night.hours for night in analysis.nights]
    return {
        "source": log.source,
        "kind": "wear",
        "start": None if log.start is None else log.start.isoformat(),
        "duration_h": log.duration_s / 3600.0,
        "wear": {
            "version": VERSION,
            "intervals": [_interval(analysis, interval) for interval in output.intervals],
            "minutes": analysis.minutes(suspect=False),
            "suspect": any(interval.suspect for interval in output.intervals),
            "suspect_minutes": analysis.minutes(suspect=True),
            "missing": [
                {"start": _time(analysis, gap.start_ms), "end": _time(analysis, gap.end_ms), "minutes": gap.minutes}
                for gap in output.missing
            ],
            "missing_minutes": sum(gap.minutes for gap in output.missing),
            "nights": [
                {
                    "night": night.night.isoformat(),
                    "status": night.status.value,
                    "incomplete": night.incomplete,
                    "minutes": night.worn_min,
                    "suspect_minutes": night.suspect_min,
                    "missing_minutes": night.missing_min,
                    "supine_pct": _number(night.supine_pct),
                }
                for night in analysis.nights
            ],
            "usage": {name: _number(value) for name, value in asdict(usage(hours)).items()} if hours else None,
            "payer": {name: _number(value) for name, value in asdict(payer_window(hours)).items()} if hours else None,
        },
        "notes": list(log.notes),
    }


def print_wear(analysis: WearAnalysis) -> None:
    """Print the wears, the nights and what they amount to."""
    console = Console(highlight=False)
    log = analysis.log
    start = "not in the file" if log.start is None else f"{log.start:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    console.print(f"[bold]{log.source.replace('[', chr(92) + '[')}[/bold] (wear log), start {start}")
    console.print(
        f"{log.seconds.size} readings in {log.duration_s / 3600:.1f} h; worn {analysis.minutes(suspect=False):.0f} min"
    )
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("from", "to", "minutes", "supine %", "note"):
        table.add_column(name, justify="left" if name == "note" else "right")
    for interval in analysis.output.intervals:
        table.add_row(
            _clock(analysis, interval.start_ms),
            _clock(analysis, interval.end_ms),
            f"{interval.minutes:.0f}",
            number_text(interval.posture.supine_pct, 0),
            f"suspect, not counted: {', '.join(interval.suspect)}" if interval.suspect else "",
        )
    console.print(table)
    for gap in analysis.output.missing:
        console.print(f"no data for {gap.minutes:.0f} min from {_clock(analysis, gap.start_ms)}")
    if analysis.nights:
        _print_usage(console, analysis.nights)
    for note in log.notes:
        console.print(f"note: {note.replace('[', chr(92) + '[')}")


def _print_usage(console: Console, nights: Sequence[WearNight]) -> None:
    found = usage([night.hours for night in nights])
    console.print(
        f"{found.nights} nights: {found.used} used, {found.with_data - found.used} not used, {found.missing} without "
        f"data; {number_text(found.mean_h, 1)} h a night, {number_text(found.mean_used_h, 1)} h a night used; "
        f"{found.goal_nights} of 4 h and more"
    )
    incomplete = sum(night.incomplete and night.status is NightStatus.USED for night in nights)
    if incomplete:
        console.print(f"{incomplete} of the nights used lack data: they may have been worn for longer")


def _interval(analysis: WearAnalysis, interval: WearInterval) -> dict[str, object]:
    posture = {name: round(minutes, 3) for name, minutes in asdict(interval.posture).items()}
    return {
        "start": _time(analysis, interval.start_ms),
        "end": _time(analysis, interval.end_ms),
        "start_s": (interval.start_ms - analysis.origin_ms) / 1000.0,
        "end_s": (interval.end_ms - analysis.origin_ms) / 1000.0,
        "minutes": interval.minutes,
        "start_by": interval.start_by.value,
        "end_by": interval.end_by.value,
        "start_sd_s": _number(interval.start_sd_s),
        "end_sd_s": _number(interval.end_sd_s),
        "posture_min": posture,
        "supine_pct": _number(interval.posture.supine_pct),
        "still_min": _number(interval.still_min),
        "waver_c": _number(interval.waver_c),
        "suspect": [reason.value for reason in interval.suspect],
    }


def _time(analysis: WearAnalysis, at_ms: int) -> str | None:
    """ISO 8601 as the file's start has it, None for a file that counts from its own start."""
    start = analysis.log.start
    if start is None:
        return None
    moment = datetime.fromtimestamp(at_ms / 1000.0, _aware(start).tzinfo)
    return (moment if start.tzinfo is not None else moment.replace(tzinfo=None)).isoformat(timespec="milliseconds")


def _clock(analysis: WearAnalysis, at_ms: int) -> str:
    start, at_s = analysis.log.start, (at_ms - analysis.origin_ms) / 1000.0
    if start is None:
        return clock_text(None, at_s)
    return f"{start + timedelta(seconds=at_s):%m-%d} {clock_text(start, at_s)}"


def _aware(start: datetime) -> datetime:
    """A naive local start is laid on UTC: its nights are still noon to noon by its own clock."""
    return start if start.tzinfo is not None else start.replace(tzinfo=UTC)


def _number(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None

"""`somnolink analyze` on a bed's waveform: heart, breath and movement each 10 s, and what the night amounts to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from analytics.bed.epochs import EPOCH_DTYPE, EPOCH_MS
from analytics.bed.night import BedNight, summarise
from analytics.bed.signal import CLIPPED, WaveformChunk
from analytics.bed.stream import METHOD_VERSION, BedOutput, analyze
from gateway.errors import ConfigurationError, InputFileError
from gateway.service.exchange.files.bed_waveform import BedWaveform, read_bed_waveform
from gateway.service.exchange.wording import number_text


@dataclass(frozen=True, slots=True, eq=False)
class BedAnalysis:
    """A waveform and what was found in it; times in ms from its first sample.

    `windows` has a row for every 10 s of the file, with rates NaN and nobody present where nothing was recorded.
    """

    waveform: BedWaveform
    output: BedOutput
    windows: NDArray[np.void]
    night: BedNight


def analyse_bed(file: Path, zone: ZoneInfo | None, plot: Path | None = None) -> BedAnalysis:
    """Read and analyse a bed's waveform, and draw it where asked.

    Raises
    ------
    InputFileError
        The file is not what it claims to be.
    ConfigurationError
        The picture is to be another than PNG, or cannot be written.
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise ConfigurationError(f"--plot {plot}: a bed waveform is drawn as .png")
    waveform = read_bed_waveform(file, zone)
    try:
        chunk = WaveformChunk(
            0.0, 1000.0 / waveform.rate_hz, waveform.pressure, waveform.gain, waveform.flags, count=waveform.count
        )
        output = analyze(chunk)
    except ValueError as error:
        raise InputFileError(f"{file}: {error}") from None
    windows = np.zeros(math.ceil(waveform.duration_s * 1000 / EPOCH_MS - 1e-6), EPOCH_DTYPE)
    windows["start_ms"] = EPOCH_MS * np.arange(windows.size)
    windows["heart_rate"] = windows["respiration_rate"] = windows["second_breath"] = np.nan
    inside = output.epochs[output.epochs["start_ms"] < windows.size * EPOCH_MS]
    windows[inside["start_ms"] // EPOCH_MS] = inside
    if plot is not None:
        from gateway.service.exchange.plots.bed import plot_bed  # matplotlib takes a second to import

        plot_bed(plot, waveform, windows, output.disturbances)
    return BedAnalysis(waveform, output, windows, summarise(output.epochs, output.disturbances))


def bed_to_dict(analysis: BedAnalysis) -> dict[str, object]:
    """Return the JSON object of `--json`; docs/analyze.schema.json describes it."""
    waveform, night, windows = analysis.waveform, analysis.night, analysis.windows
    return {
        "source": waveform.source,
        "kind": "bed",
        "start": None if waveform.start is None else waveform.start.isoformat(),
        "duration_h": waveform.duration_s / 3600.0,
        "rate_hz": waveform.rate_hz,
        "bed": {
            "version": METHOD_VERSION,
            "window_s": EPOCH_MS / 1000.0,
            "heart_rate_bpm": _numbers(windows["heart_rate"], 1),
            "respiration_rate_bpm": _numbers(windows["respiration_rate"], 2),
            "movement": _numbers(windows["movement"], 2),
            "presence": [bool(value) for value in windows["presence"]],
            "coverage": _numbers(windows["coverage"], 2),
            "coverage_pct": night.coverage_pct,
            "respiration_coverage_pct": night.respiration_coverage_pct,
            "heart_rate_median_bpm": night.heart_rate_bpm,
            "heart_rate_lowest_bpm": night.lowest_heart_rate_bpm,
            "respiration_rate_median_bpm": night.respiration_rate_per_min,
            "movement_pct": night.movement_pct,
            "clipped_pct": _clipped_pct(waveform),
            "in_bed_min": night.in_bed_min,
            "sleep_min": night.sleep_min,
            "bedtime": _time(analysis, night.bedtime_ms),
            "rise": _time(analysis, night.rise_ms),
            "bedtime_s": _seconds(night.bedtime_ms),
            "rise_s": _seconds(night.rise_ms),
            "disturbances": [
                {
                    "start_s": int(row["start_ms"]) / 1000.0,
                    "end_s": int(row["end_ms"]) / 1000.0,
                    "left_pct": round(100.0 * float(row["left"]), 1),
                }
                for row in analysis.output.disturbances
            ],
            "disturbance_index": night.disturbance_index,
            "ambiguous": night.ambiguous,
        },
        "notes": list(waveform.notes),
    }


def print_bed(analysis: BedAnalysis) -> None:
    """Print what the waveform amounts to."""
    console = Console(highlight=False)
    waveform, night = analysis.waveform, analysis.night
    start = "not in the file" if waveform.start is None else f"{waveform.start:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    console.print(f"[bold]{waveform.source.replace('[', chr(92) + '[')}[/bold] (bed waveform), start {start}")
    console.print(f"{waveform.duration_s / 3600:.2f} h at {waveform.rate_hz:g} Hz")
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("", "value", "unit"):
        table.add_column(name, justify="right" if name == "value" else "left")
    for row in (
        ("heart rate, median", _text(night.heart_rate_bpm, 1), "/min"),
        ("heart rate, lowest", _text(night.lowest_heart_rate_bpm, 1), "/min (5 % of the windows are below)"),
        ("respiration rate, median", _text(night.respiration_rate_per_min, 1), "/min"),
        ("windows with a heart rate", _text(night.coverage_pct, 1), "% of those in bed"),
        ("windows with a respiration rate", _text(night.respiration_coverage_pct, 1), "% of those in bed"),
        ("in bed", _text(night.in_bed_min, 0), "min"),
        ("asleep", _text(night.sleep_min, 0), "min"),
        ("bedtime", _clock(analysis, night.bedtime_ms), ""),
        ("rise", _clock(analysis, night.rise_ms), ""),
        ("respiratory disturbance index", _text(night.disturbance_index, 1), "/h of sleep"),
        ("moving", _text(night.movement_pct, 1), "% of the time in bed"),
    ):
        table.add_row(*row)
    console.print(table)
    if night.ambiguous:
        console.print("Two people seem to be in the bed: the values may be either's, and the index is not reliable.")
    for note in waveform.notes:
        console.print(f"note: {note.replace('[', chr(92) + '[')}")
    console.print("It informs and is no diagnosis.")


def _numbers(column: NDArray[np.float32], digits: int) -> list[float | None]:
    return [round(float(value), digits) if math.isfinite(value) else None for value in column]


def _clipped_pct(waveform: BedWaveform) -> float | None:
    """Share of samples flagged as clipped; None for a file that does not say."""
    if not waveform.flags.size:
        return None
    return 100.0 * float(np.mean((waveform.flags & CLIPPED) != 0))


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else number_text(value, digits)


def _seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else at_ms / 1000.0


def _time(analysis: BedAnalysis, at_ms: int | None) -> str | None:
    start = analysis.waveform.start
    if start is None or at_ms is None:
        return None
    # Elapsed time is added in UTC, so that a night of a clock change comes out right.
    if start.tzinfo is None:
        moment = start + timedelta(milliseconds=at_ms)
    else:
        moment = (start.astimezone(UTC) + timedelta(milliseconds=at_ms)).astimezone(start.tzinfo)
    return moment.isoformat(timespec="seconds")


def _clock(analysis: BedAnalysis, at_ms: int | None) -> str:
    told = _time(analysis, at_ms)
    if told is not None:
        return told
    return "-" if at_ms is None else str(timedelta(seconds=at_ms // 1000))

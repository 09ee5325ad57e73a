"""`somnolink analyze`: one recording in, its indices out; a table for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from gateway.errors import ConfigurationError, InputFileError, SomnolinkError

if TYPE_CHECKING:  # numba, scipy and matplotlib are not imported for `somnolink --help`
    from analytics.oximetry.analysis import Analysis
    from gateway.service.exchange.recording import Recording

DEFAULT_PROFILE: Final = "peak"
ALL: Final = "all"
_PLOTS: Final = (".png", ".html")
_MAX_AGE: Final = 120


class Sex(StrEnum):
    """Of the sleeper, as it is given on the command line."""

    F = "F"
    M = "M"


def analyze(
    file: Annotated[
        Path,
        typer.Argument(
            help="Oximetry (O2Ring, .vld/.dat, EDF, HDF5 .mat, time,spo2,pulse), time,temperature, or a waveform."
        ),
    ],
    profile: Annotated[str, typer.Option(help="Rule for desaturations, or 'all' side by side.")] = DEFAULT_PROFILE,
    events: Annotated[Path | None, typer.Option(help="Scored events: CSV start_s,duration_s.")] = None,
    stages: Annotated[Path | None, typer.Option(help="Sleep stages, one a line: by second or 30 s epoch.")] = None,
    sex: Annotated[Sex | None, typer.Option(help="Of the sleeper.", case_sensitive=False)] = None,
    age: Annotated[float | None, typer.Option(help="Of the sleeper, years.")] = None,
    zone: Annotated[str | None, typer.Option(help="Where the device's clock stood, e.g. Europe/Paris.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the night: FILE.png or FILE.html.")] = None,
) -> None:
    """Analyse one night of oximetry, a wear log, or a bed's waveform, from a file. It informs and is no diagnosis."""
    try:
        given = {"--events": events, "--stages": stages, "--sex": sex, "--age": age}
        of_oximetry = [name for name, value in given.items() if value is not None]
        if _show_wear(file, zone, as_json, plot, of_oximetry) or _show_bed(file, zone, as_json, plot, of_oximetry):
            return
        recording, results = run(file, profile, events, stages, sex, age, zone, plot)
    except SomnolinkError as error:
        print(f"somnolink: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_status) from None
    if as_json:
        print(json.dumps(to_dict(recording, results), allow_nan=False))
        return
    from gateway.cli.analyze_table import print_night, print_side_by_side

    first = next(iter(results.values()))
    print_night(recording, first)
    if len(results) > 1:
        print_side_by_side(results)


def _refuse(options: list[str], file: Path, what: str) -> None:
    if options:
        raise ConfigurationError(f"{', '.join(options)}: only for oximetry, and {file} is {what}")


def _show_wear(file: Path, zone: str | None, as_json: bool, plot: Path | None, of_oximetry: list[str]) -> bool:
    """Analyse and tell a wear log; False if the file is none."""
    home = _zone(zone)
    with _progress("reading"):
        from gateway.service.exchange.files.wear_log import is_wear_log

        if not is_wear_log(file):
            return False
        _refuse(of_oximetry, file, "a wear log")
        from gateway.cli.analyze_wear import analyse_wear, print_wear, wear_to_dict

        wear = analyse_wear(file, home, plot)
    if as_json:
        print(json.dumps(wear_to_dict(wear), allow_nan=False))
    else:
        print_wear(wear)
    return True


def _show_bed(file: Path, zone: str | None, as_json: bool, plot: Path | None, of_oximetry: list[str]) -> bool:
    """Analyse and tell a bed's waveform; False if the file is none."""
    home = _zone(zone)
    with _progress("reading"):
        from gateway.service.exchange.files.bed_waveform import is_bed_waveform

        if not is_bed_waveform(file):
            return False
        _refuse(of_oximetry, file, "a bed's waveform")
        from gateway.cli.analyze_bed import analyse_bed, bed_to_dict, print_bed

        bed = analyse_bed(file, home, plot)
    if as_json:
        print(json.dumps(bed_to_dict(bed), allow_nan=False))
    else:
        print_bed(bed)
    return True


def run(
    file: Path,
    profile: str = DEFAULT_PROFILE,
    events: Path | None = None,
    stages: Path | None = None,
    sex: Sex | None = None,
    age: float | None = None,
    zone: str | None = None,
    plot: Path | None = None,
) -> tuple[Recording, dict[str, Analysis]]:
    """Read a file, analyse it, and draw it where asked.

    Returns
    -------
    recording : Recording
    results : dict of str to Analysis
        By profile, the default first.

    Raises
    ------
    InputFileError
        A file is not what it claims to be.
    ConfigurationError
        An option is wrong.
    """
    home = _zone(zone)
    if age is not None and not 0 <= age <= _MAX_AGE:
        raise ConfigurationError(f"--age {age:g}: must be 0 to {_MAX_AGE} years")
    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise ConfigurationError(f"--plot {plot}: must end in {' or '.join(_PLOTS)}")
    with _progress("reading") as tell:
        from gateway.service.exchange.files import read_recording

        recording = read_recording(file, home)
        tell("analysing")
        results = _analyse(file, recording, profile, events, stages, sex, age)
        if plot is not None:
            tell("drawing")
            _plot(plot, recording, next(iter(results.values())))
    return recording, results


def to_dict(recording: Recording, results: dict[str, Analysis]) -> dict[str, object]:
    """Return the JSON object of `--json`; docs/analyze.schema.json describes it.

    With more than one profile the first stands at the top level, and all of them under `profiles`.
    """
    first = next(iter(results.values()))
    told: dict[str, object] = {
        "source": recording.source,
        "kind": recording.kind,
        "start": None if recording.start is None else recording.start.isoformat(),
        **first.to_dict(),
        "notes": list(recording.notes),
    }
    if len(results) > 1:
        told["profiles"] = {name: analysis.to_dict() for name, analysis in results.items()}
    return told


def _analyse(
    file: Path,
    recording: Recording,
    profile: str,
    events_file: Path | None,
    stages_file: Path | None,
    sex: Sex | None,
    age: float | None,
) -> dict[str, Analysis]:
    from analytics.oximetry.analysis import NightInput, ScoredEvents, analyze_night
    from analytics.oximetry.profiles import PROFILES
    from gateway.service.exchange.files.scoring import read_events, read_stages

    if profile != ALL and profile not in PROFILES:
        raise ConfigurationError(f"--profile {profile}: there are {', '.join(PROFILES)} and {ALL}")
    seconds = round(recording.duration_s)
    scored = recording.events if events_file is None else read_events(events_file)
    if events_file is not None and scored is not None and scored.start_s.size and scored.start_s[-1] >= seconds:
        raise InputFileError(f"{events_file}: an event at {scored.start_s[-1]:g} s, after the recording's {seconds} s")
    staged = recording.stages if stages_file is None else read_stages(stages_file, seconds)
    night = NightInput(recording.interval_s, recording.spo2, recording.pulse, recording.motion, recording.flags)
    try:
        return {
            name: analyze_night(
                night,
                profile=name,
                events=None if scored is None else ScoredEvents(scored.start_s, scored.duration_s),
                stages=staged,
                sex=None if sex is None else "female" if sex is Sex.F else "male",
                age=age,
            )
            for name in (PROFILES if profile == ALL else (profile,))
        }
    except ValueError as error:
        raise InputFileError(f"{file}: {error}") from None


def _plot(path: Path, recording: Recording, analysis: Analysis) -> None:
    if path.suffix.lower() == ".png":
        from gateway.service.exchange.plots.png import plot_png

        plot_png(path, recording, analysis)
    else:
        from gateway.service.exchange.plots.html import plot_html

        plot_html(path, recording, analysis)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(f"--zone {name}: no such time zone (one is Europe/Paris)") from None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr, where that is a terminal, what takes the time; yields what changes the words."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ...") as status:
        yield lambda now: status.update(f"{now} ...")

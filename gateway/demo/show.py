"""What a person sees of the demo, on stderr; the account itself goes to stdout."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from gateway.demo.run import DemoResult, Doors
    from simulators.run_home import Report


class Show:
    """Shows progress: simulated time, what waits in the outbox, pulls."""

    def __init__(self, *, headless: bool, quiet: bool, tell: Callable[[DemoResult], None]) -> None:
        self._tell = tell
        self._headless = headless
        self._console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=headless,
        )
        self._start_ms = 0
        self._task = self._progress.add_task("Starting", total=None, note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def making(self, done: int, of: int) -> None:
        """Move the bar while the demo clinic is made."""
        self._progress.update(self._task, description="Demo clinic", completed=done, total=of, note="nights")

    def begins(self, epoch_ms: int, end_ms: int, url: str | None, doors: Doors | None) -> None:
        """Say where to look and how to get in, and how long the nights are."""
        self._start_ms = epoch_ms
        self._progress.update(self._task, description="Night 1", completed=0, total=end_ms - epoch_ms, note="")
        if url is None or doors is None:
            return
        self._console.print("Demo clinic (simulated). somnolink informs; it does not diagnose.")
        self._console.print("Open one of these; each lets in once, within a quarter of an hour:")
        for word, _, code in doors.people:
            self._console.print(f"  as {word:<14} [bold]{url}/sign-in#link={code}[/]", soft_wrap=True)
        names = ", ".join(name for _, name, _ in doors.people)
        self._console.print(f"Or at [bold]{url}[/], as often as you like: {names};", soft_wrap=True)
        self._console.print(f"the password of this one demo is [bold]{doors.password}[/]", soft_wrap=True)

    def heard(self, report: Report) -> None:
        """Move the bar."""
        done = report.utc_ms - self._start_ms
        match report.event:
            case "night":
                self._progress.update(self._task, description=f"Night {report.night + 1}", completed=done)
            case "time":
                self._progress.update(self._task, completed=done, note=f"{report.pending} batches wait")
            case "pull":
                self._progress.update(self._task, note=f"pulling: {report.done:,} of {report.total:,} bytes")
            case "drain":
                self._progress.update(self._task, completed=done, note=f"{report.pending} batches on their way")
            case "done":
                self._progress.update(self._task, completed=done, note="all confirmed")

    def settling(self) -> None:
        """Say that the results are being made."""
        self._progress.update(self._task, note="results")

    def finished(self, result: DemoResult) -> None:
        """Tell what came of it; with pages, keep them up until Ctrl-C."""
        self._progress.stop()
        self._tell(result)
        if self._headless:
            return
        self._console.print("The night is over; the pages stay up. Ctrl-C ends the demo.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            self._console.print("Ended.")


def print_account(result: DemoResult) -> None:
    """Print what came of it as a table on stdout."""
    table = Table(show_header=False, title="The demo's account")
    rows = [
        ("Nights", f"{result.nights}"),
        ("Samples given out", f"{result.samples_generated:,}"),
        ("Samples in the store", f"{result.samples_stored:,} in {result.batches:,} batches"),
        ("Lost", f"{result.samples_lost}"),
        ("Doubled", f"{result.samples_duplicated}"),
        ("Desaturations found (>= 2 %, profile peak)", f"{result.desaturations_found}"),
    ]
    if result.desaturations_true is not None:
        matched = f"{result.desaturations_matched} of {result.desaturations_true}"
        rows.append(("True desaturations of 4 % or more found", matched))
    if result.wear_minutes_true is not None:
        rows.append(("Minutes of wear found", f"{result.wear_minutes_found} of {result.wear_minutes_true}"))
    rows += [
        ("Alerts", f"{result.alerts}"),
        ("Time", f"{result.elapsed_s:.1f} s, {result.speedup:,.0f} times as fast as life"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    Console().print(table)

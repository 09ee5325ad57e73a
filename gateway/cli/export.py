"""`somnolink export`: everything that is held of a patient, as one ZIP."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.logs import set_up_logs
from gateway.cli.programs import ConfigOption, open_service_stores
from gateway.clock import SystemClock
from gateway.errors import ConfigurationError, StoreUnavailableError
from gateway.settings import load_settings


def export(
    patient: Annotated[str, typer.Argument(help="The patient's opaque id (p-...).")],
    out: Annotated[Path, typer.Option("--out", help="The ZIP file; what is there already is not overwritten.")],
    config: ConfigOption = None,
) -> None:
    """Write all that is held of a patient into one ZIP: records, results, every sample, reports, who read what."""
    set_up_logs(quiet=True)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from gateway.service.exchange.whole import export_whole

    clock = SystemClock()
    store, records = open_service_stores(load_settings(config))
    bar = Progress(
        TextColumn("Nights of samples"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    waiting = out.with_name(f"{out.name}.partial")
    with store, bar:
        try:
            known = records.people.patient(patient)
            if known is None:
                raise ConfigurationError(f"no such patient: {patient}")
            if out.exists():
                raise ConfigurationError(f"{out} is there already")
            records.audit.add(
                at_ms=clock.utc_ms(),
                who="command line",
                account=None,
                address="",
                action="export_patient",
                what=f"export {patient}",
            )
            task = bar.add_task("", total=None)
            pieces = export_whole(
                records,
                store,
                known,
                now_ms=clock.utc_ms(),
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )
            # For its owner alone; under its name only when it is whole.
            with open(os.open(waiting, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
                for piece in pieces:
                    file.write(piece)
            waiting.rename(out)
        except OSError as error:
            raise StoreUnavailableError(f"{out}: {error.strerror or error}") from None
        finally:
            waiting.unlink(missing_ok=True)
            records.close()

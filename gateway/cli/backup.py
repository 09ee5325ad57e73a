"""`somnolink backup` and `somnolink restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.programs import ConfigOption, store_addresses
from gateway.clock import SystemClock
from gateway.settings import load_settings, read_secret

if TYPE_CHECKING:
    from gateway.service.backup import Places


def backup(
    into: Annotated[Path, typer.Argument(help="Folder in which the backup gets a folder of its own.")],
    keep: Annotated[int | None, typer.Option(help="Then remove all but the latest of this many.", min=1)] = None,
    without_samples: Annotated[
        bool, typer.Option("--without-samples", help="The samples are in an InfluxDB and backed up by its own tools.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Back samples and records up while the service runs; prints the folder. It holds health data: guard it."""
    places = _places(config)
    from gateway.service.backup import backup as take
    from gateway.service.backup import prune

    print(take(places, into.expanduser(), now_ms=SystemClock().utc_ms(), without_samples=without_samples))
    if keep is not None:
        prune(into.expanduser(), keep)


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup's folder.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside what is there, beside the restored or the backup.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Bring a backup back, with the service stopped. What was acknowledged after the backup is not in it."""
    places = _places(config)
    from gateway.service.backup import restore as bring_back

    nights = bring_back(folder.expanduser(), places, now_ms=SystemClock().utc_ms(), replace=replace)
    print(f"restored; the service will run {nights} nights again")


def _places(config: Path | None) -> Places:
    from gateway.service.backup import Places

    settings = load_settings(config)
    store, records = store_addresses(settings)
    return Places.of(store, records, read_secret(settings.service.records_password_file, "the records' password"))

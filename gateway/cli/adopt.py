"""`somnolink adopt`: tell the home gateway the enrolment secret of one of our own devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.programs import ConfigOption
from gateway.settings import load_settings, read_secret


def adopt(
    address: Annotated[
        str, typer.Argument(help="Bluetooth address of the recorder or bed sensor, as `scan` shows it.")
    ],
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the secret of the label; without it you are asked for it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Enter the secret on the label of a recorder or bed sensor. Then press its button: the gateway bonds with it.

    The secret is kept beside the gateway's data, readable by the gateway alone. It is taken up without a restart.
    """
    from gateway.home.collect.enrolment import SECRETS, EnrolmentSecrets, parse_secret

    settings = load_settings(config)
    if secret_file is not None:
        text = read_secret(str(secret_file), "the enrolment secret") or ""
    else:
        text = typer.prompt("Secret on the label (32 hexadecimal digits)", hide_input=True, err=True)
    folder = Path(settings.home.data).expanduser() / SECRETS
    EnrolmentSecrets(folder).keep(address, parse_secret(text))
    typer.echo(
        f"{address} is enrolled at this gateway. Now press its button, and keep it within reach for two minutes."
    )

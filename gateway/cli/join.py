"""`somnolink join`: let the box beside the bed join a clinic by a one-time code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.programs import ConfigOption
from gateway.settings import PREFIX, load_settings


def join(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL CODE", help="As the clinic shows them; left out, you are asked, or scan the QR."),
    ] = None,
    authority: Annotated[
        Path | None, typer.Option(help="Certificate authority of the clinic's address, if it has its own.")
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Allow http:// over a network: whoever listens reads the password.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Join a clinic by a one-time code: get the gateway's name, the broker's address, and a password for it.

    The password is kept in the gateway's folder, readable by its owner alone, and named in the settings file. If this
    breaks off, run it again with the same code. Start the gateway again afterwards.
    """
    from gateway.home.join import Place, ask, box_key, check_url, keep, read_words

    path = config or Path(os.environ.get(PREFIX + "CONFIG") or "~/.config/somnolink/home.toml")
    path = path.expanduser().absolute()
    settings = load_settings(path) if path.exists() else load_settings(environment=_without_config())
    text = " ".join(words or ()) or typer.prompt("Scan the QR, or type address and code", err=True)
    url, code = read_words(text)
    url = check_url(url, plain_http=plain_http)
    data = Path(settings.home.data).expanduser().absolute()
    answer = ask(url, code, box_key(data), authority=authority)
    keep(answer, Place(data, path))
    typer.echo(f"This box is {answer.gateway} now, and speaks to {answer.broker}. Its settings are in {path}.")
    typer.echo("Start the gateway, or start it again.")


def _without_config() -> dict[str, str]:
    """The environment without the name of a settings file, which is made only now."""
    return {name: value for name, value in os.environ.items() if name != PREFIX + "CONFIG"}

"""The command line: `somnolink`. Each command is a module of its own; heavy imports wait until it is called."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import typer

from gateway.cli.admin import admin
from gateway.cli.adopt import adopt
from gateway.cli.analyze import analyze
from gateway.cli.backup import backup, restore
from gateway.cli.decode import decode
from gateway.cli.demo import demo
from gateway.cli.doctor import doctor
from gateway.cli.erase import erase
from gateway.cli.export import export
from gateway.cli.join import join
from gateway.cli.programs import enrol, gateway, service, token
from gateway.cli.report import report
from gateway.cli.scan import scan
from gateway.cli.seed import seed
from gateway.errors import SomnolinkError

app = typer.Typer(
    name="somnolink",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Home sleep monitoring, from the sensor to the clinician. It informs; it does not diagnose.",
)
for command in (
    demo,
    gateway,
    service,
    join,
    scan,
    adopt,
    doctor,
    decode,
    analyze,
    report,
    token,
    enrol,
    backup,
    restore,
    export,
    erase,
    seed,
):
    app.command()(command)
app.add_typer(admin, name="admin")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; an error of ours is one line on stderr and its exit status.

    Exit status: 0 done; 1 not as it should be (each command's help says what); 2 wrong input, flag or setting;
    4 a device or the radio; 5 the broker; 6 a disk, the outbox or the store; 7 a server of ours; 130 interrupted;
    143 told to end.
    """
    signal.signal(signal.SIGTERM, _end)
    try:
        status = app(args=None if arguments is None else list(arguments), standalone_mode=False)
    except SomnolinkError as error:
        print(f"somnolink: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except typer.TyperException as error:
        wrong = str(getattr(error, "format_message", error.__str__)())
        if wrong:
            print(f"somnolink: {wrong}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        print("somnolink: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _end(_number: int, _frame: object) -> None:
    """End as after an error: what was started is stopped, what is temporary is removed."""
    sys.exit(143)

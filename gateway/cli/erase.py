"""`somnolink erase`: a patient goes for good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.logs import set_up_logs
from gateway.cli.programs import ConfigOption, open_service_stores
from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.settings import load_settings

if TYPE_CHECKING:
    from gateway.service.records import Erasure, Records

TAKEN_S: Final = 3.0
"""A running service looks every second for what is to be erased."""

LOOK_S: Final = 0.5
BY: Final = "command line"


def erase(
    patient: Annotated[str, typer.Argument(help="The patient's opaque id (p-...).")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erase a patient for good: records, results, samples of their devices, account. Nothing of it can be brought back.

    A running service does it; where none runs, this command does. Backups keep the patient until they are deleted.
    """
    set_up_logs(quiet=True)
    from gateway.service.erasure.job import carry_out

    store, records = open_service_stores(load_settings(config))
    clock = SystemClock()
    with store:
        try:
            if not any(one.patient == patient for one in records.erasures.list()):
                if records.people.patient(patient) is None:
                    raise ConfigurationError(f"no such patient: {patient}")
                if not yes:
                    typer.confirm(f"Erase {patient} for good?", abort=True, err=True)
                records.audit.add(
                    at_ms=clock.utc_ms(),
                    who=BY,
                    account=None,
                    address="",
                    action="erase_patient",
                    what=f"erase {patient}",
                )
            asked = records.erasures.ask(patient, by=BY, at_ms=clock.utc_ms())
            done = _by_service(records, asked)
            if done is None:
                done = carry_out(records, store, clock, asked)
        finally:
            records.close()
    told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(done.counts.items()) if count)
    print(f"{patient} is erased ({done.id}): {told or 'nothing was left'}")


def _by_service(records: Records, asked: Erasure) -> Erasure | None:
    """Wait for a running service to do it; None if none has begun to."""
    from gateway.service.records import ErasureState

    begun_s = time.monotonic()
    while True:
        found = records.erasures.get(asked.id)
        if found is None or found.state is ErasureState.DONE:
            return found
        waited_s = time.monotonic() - begun_s
        if found.counts == asked.counts and found.state == asked.state and waited_s >= TAKEN_S:
            return None
        if found.counts != asked.counts or found.state != asked.state:
            asked, begun_s = found, time.monotonic()
        time.sleep(LOOK_S)

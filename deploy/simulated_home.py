"""The simulated home of docker-compose.yml: a sleeper's ring on a virtual radio, and the real home gateway.

It joins the clinic by the one-time code in the file `SIMULATION_INVITATION`, as `somnolink join` does, where it has not
joined yet. Then it lives through the last seven nights, `SIMULATION_PACE` simulated seconds a real one, and ends when
the service has acknowledged all of it. Its settings are those of `somnolink gateway`. Started again, it goes on where
it had got to.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.cli.programs import broker_address
from gateway.errors import ConfigurationError, SomnolinkError
from gateway.home.join import Place, ask, box_key, check_url, keep, read_words
from gateway.settings import Settings, load_settings
from simulators.home import DAY_MS, plan_nights, virtual_home
from simulators.timeloop import SimulatedClock, run

NIGHTS = 7
SEED = 7
SAVE_EVERY_S = 60.0


def main() -> None:
    """Live through the nights that the settings ask for."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    _join_once()
    settings = load_settings()
    try:
        pace = float(os.environ.get("SIMULATION_PACE", "60"))
    except ValueError:
        pace = 0.0
    if not pace >= 1:
        raise ConfigurationError("SIMULATION_PACE must be a number of 1 or more")
    folder = Path(settings.home.data).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    first = _begun(folder / "begun", settings.home.zone)
    reached = folder / "reached"
    epoch_ms = int(reached.read_text()) if reached.exists() else int(first.timestamp() * 1000)

    async def live(clock: SimulatedClock) -> None:
        await _live(settings, folder, first, reached, clock)

    run(live, epoch_ms=epoch_ms, pace=pace)


def _join_once() -> None:
    """Join by the code that lies ready, if the settings file is not there yet."""
    invitation, config = os.environ.get("SIMULATION_INVITATION"), os.environ.get("SOMNOLINK_CONFIG", "")
    if not invitation or Path(config).exists():
        return
    try:
        url, code = read_words(Path(invitation).read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"no invitation at {invitation}: {error.strerror}") from None
    data = Path(os.environ["SOMNOLINK_HOME_DATA"])
    # Plain HTTP will do on a network that the composition's own containers alone are on.
    answer = ask(check_url(url, plain_http=True), code, box_key(data))
    keep(answer, Place(data, Path(config)))


def _begun(note: Path, zone: str) -> datetime:
    """The evening on which the simulation begins, the same after a restart."""
    if not note.exists():
        first = datetime.now(ZoneInfo(zone)) - timedelta(days=NIGHTS)
        _write(note, first.replace(hour=22, minute=20, second=0, microsecond=0).isoformat())
    return datetime.fromisoformat(note.read_text()).replace(tzinfo=ZoneInfo(zone))


async def _live(settings: Settings, folder: Path, first: datetime, reached: Path, clock: SimulatedClock) -> None:
    home = settings.home
    plan = plan_nights(SEED, NIGHTS, zone=home.zone, first_evening=first.replace(tzinfo=None))
    if clock.utc_ms() >= plan.epoch_ms + NIGHTS * DAY_MS:
        return
    broker = broker_address(settings, home.gateway)
    async with virtual_home(plan, clock, data=folder, broker=broker, gateway=home.gateway, mode=home.mode) as running:

        async def remember() -> None:
            while True:
                _write(reached, str(clock.utc_ms()))
                await clock.sleep(SAVE_EVERY_S)

        remembering = asyncio.create_task(remember())
        await running.live_through()
        await running.home.publisher.until_empty()
        remembering.cancel()
    _write(reached, str(plan.epoch_ms + NIGHTS * DAY_MS))


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.replace(path)


if __name__ == "__main__":
    try:
        main()
    except SomnolinkError as error:
        print(f"simulated home: {error}", file=sys.stderr)  # noqa: T201  # a program's last word
        sys.exit(error.exit_status)

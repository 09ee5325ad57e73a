"""A device that runs the real firmware: a MicroPython process, a virtual radio, sensors, and simulated time.

**What is the firmware's own.** `edge/mad_recorder/main.py` and `edge/bed_sensor/main.py` run as they are, in a heap of
64 KiB. Replaced is what a board replaces too: the module `bluetooth`, and the board file that `edge.boards.pick` finds.

**How time is sped up.** The firmware only ever lets time pass by asking its board to rest or to sleep. This board asks
the simulation for leave and reads its clock from the answer: a rest is a timer of the simulated loop, which jumps when
nothing is left to do. Between two rests no time passes, and the firmware takes the same steps as on a board, one for
one. Its clock drifts by its own crystal.

**Power.** What survives a kill is what survives it on a board: the flash, which is a file. The RTC's memory is in the
process, and is gone.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Literal

from bumble.device import Device

from gateway.clock import Clock
from simulators.firmware.crystal import Crystal
from simulators.firmware.port import codes
from simulators.firmware.port.flash import BLOCK_BYTES
from simulators.firmware.process import Board, FirmwareDiedError, FirmwareProcess
from simulators.firmware.stack import Stack
from simulators.radio import Ether

FULL_MV: Final = 4150
FLASH_BLOCKS: Final = 256
"""Of the log's partition, 4 KiB each."""
PRESS_S: Final = 2.0
FEEL_S: Final = 10.0
"""A crystal follows its surroundings far more slowly than the firmware looks round."""

_LOG = logging.getLogger(__name__)


class FirmwareDevice(ABC):
    """One of our own devices, switched off when made.

    Parameters
    ----------
    ether, radio
        The air, and the device's place on it.
    clock : Clock
        True time, of the running loop.
    folder : Path
        Holds what lies in its flash.
    secret : bytes
        The enrolment secret, 16 bytes, given to it at production and printed on its label.
    drift_ppm : float
    first_tick : int
        What its raw clock reads at each power on.
    flash_blocks : int
        Of 4 KiB each: the size of its flash where it is new.

    Attributes
    ----------
    millivolt : int
        Of its cell.
    boots : int
        Times that power came.
    failure : FirmwareDiedError or None
        The firmware ended by itself: a fault in it.
    """

    program: Literal["recorder", "bed"]

    def __init__(
        self,
        ether: Ether,
        radio: Device,
        clock: Clock,
        folder: Path,
        *,
        secret: bytes,
        drift_ppm: float = 0.0,
        first_tick: int = 0,
        flash_blocks: int = FLASH_BLOCKS,
    ) -> None:
        self.radio = radio
        self.clock = clock
        self.folder = folder
        self.secret = secret
        self.drift_ppm = drift_ppm
        self.first_tick = first_tick
        self.millivolt = FULL_MV
        self.boots = 0
        self.failure: FirmwareDiedError | None = None
        self.stack = Stack(radio, self._interrupt)
        self.crystal = Crystal(clock.monotonic_s(), drift_ppm=drift_ppm)
        self._ether = ether
        self._process: FirmwareProcess | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asleep = False
        self._pressed_until_s = 0.0
        self._felt_s = float("-inf")
        folder.mkdir(parents=True, exist_ok=True)
        flash = folder / "log"
        if not flash.exists():
            flash.write_bytes(b"\xff" * (flash_blocks * BLOCK_BYTES))
        # By name, for the firmware carries no types.
        settings = importlib.import_module("edge.common.store").Store(str(folder / "settings"))
        if settings.get(b"secret") is None:
            settings.put(b"secret", secret)

    # -- what a device does of itself ---------------------------------------------------------------------------

    @abstractmethod
    def ask(self, what: int) -> bytes:
        """Answer for a sensor; nothing where it does not answer."""

    def block(self) -> bytes:
        """Return what has been sampled since the last time that the firmware went on."""
        return b""

    def on_gain(self, step: int) -> None:
        """The firmware has chosen another gain."""
        raise ValueError(f"{self.program} has no gain to set to {step}")

    @property
    def in_case(self) -> bool:
        """Whether the case's magnet is near."""
        return False

    @property
    def temperature_c(self) -> float | None:
        """What its crystal feels; None: nothing that would matter."""
        return None

    # -- what people do to it -----------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Its address on the air, XX:XX:XX:XX:XX:XX."""
        return str(self.radio.random_address.to_string(with_type_qualifier=False))

    @property
    def running(self) -> bool:
        """Whether it has power and its firmware runs."""
        return self._process is not None

    async def start(self) -> None:
        """Give it power; nothing happens if it has.

        Raises
        ------
        ConfigurationError
            MicroPython is not installed.
        FirmwareDiedError
            The firmware does not come up.
        """
        self._power_on()

    async def stop(self) -> None:
        """Take its power; raises what its firmware failed of, if it did."""
        self.kill()
        await self.stack.close()
        if self.failure is not None:
            raise self.failure

    def kill(self) -> None:
        """Cut its power now, wherever its firmware is; links break."""
        process, self._process = self._process, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if process is None:
            return
        process.kill()
        self.stack.off()
        self._ether.drop_link(self.radio)

    async def reboot(self, *, off_s: float = 1.0) -> None:
        """Cut its power, and give it back after so many simulated seconds."""
        self.kill()
        await self.clock.sleep(off_s)
        self._power_on()

    def press(self, for_s: float = PRESS_S) -> None:
        """Press its button, which wakes it."""
        self._pressed_until_s = self.clock.monotonic_s() + for_s
        if self._asleep and self._timer is not None:
            self._timer.cancel()
            self._wait(0.0)

    # -- time and the process -----------------------------------------------------------------------------------

    def _power_on(self) -> None:
        if self._process is not None:
            return
        self.crystal = Crystal(self.clock.monotonic_s(), drift_ppm=self.drift_ppm, first_tick=self.first_tick)
        self._asleep = False
        self.boots += 1
        self._process = FirmwareProcess(self.program, self.folder, self._board, self._take)
        self.on_power()
        self._wait(0.0)

    def on_power(self) -> None:  # noqa: B027 - a hook that not all need
        """Power has come."""

    def _wait(self, true_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(true_s, self._go_on)

    def _go_on(self) -> None:
        process = self._process
        assert process is not None, "a device without power has no timer"
        self._asleep = False
        now_s = self.clock.monotonic_s()
        if now_s - self._felt_s >= FEEL_S and (felt_c := self.temperature_c) is not None:
            self._felt_s = now_s
            self.crystal.feel(now_s, felt_c)
        try:
            kind, period_ms = process.resume(self.block())
        except FirmwareDiedError as error:
            self._failed(error)
            return
        if kind == codes.RESTART:
            self.kill()
            self._power_on()
            return
        if kind == codes.SLEEP:
            self._asleep = True
            self.stack.off()
        self._wait(self.crystal.seconds(period_ms))

    def _interrupt(self, event: int, body: bytes) -> bytes:
        if self._process is None or self._asleep:
            return b""
        try:
            return self._process.interrupt(event, body)
        except FirmwareDiedError as error:
            self._failed(error)
            return b""

    def _failed(self, error: FirmwareDiedError) -> None:
        _LOG.error("%s: %s", self.program, error)
        self.failure = error
        self.kill()

    def _board(self) -> Board:
        now_s = self.clock.monotonic_s()
        levels = (codes.BUTTON if now_s < self._pressed_until_s else 0) | (codes.MAGNET if self.in_case else 0)
        return Board(int(self.crystal.ticks(now_s)), levels, self.stack.free, self.millivolt)

    def _take(self, kind: int, body: bytes) -> bytes | None:
        if kind == codes.ASK:
            return self.ask(body[0])
        if kind == codes.GAIN:
            self.on_gain(body[0])
            return None
        return self.stack.take(kind, body)

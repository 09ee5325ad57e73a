"""One MicroPython process that runs the firmware, and the pipe to it.

The exchange is synchronous: the simulation hands over and waits until the firmware waits again, for computing takes no
time in a simulation. So a run is the same each time, and nothing else of the event loop moves in between.
"""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import SomnolinkError
from simulators.firmware.build import build_firmware, program
from simulators.firmware.port import codes

HEAP: Final = "64k"
HANG_S: Final = 30.0
"""Real seconds in which a firmware that works always comes to wait."""

_LAST_WORDS: Final = 2_000
_HEAD: Final = 3


class FirmwareDiedError(SomnolinkError):
    """The firmware ended or hung by itself; its last words are in the message."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the firmware finds whenever it goes on.

    Attributes
    ----------
    tick : int
        Raw milliseconds of its clock; 30 bits of them are handed over.
    levels : int
        Bits `codes.BUTTON`, `codes.MAGNET`.
    free : int
        Buffers for notifications, 0 to 255.
    millivolt : int
        Of the cell.
    """

    tick: int
    levels: int
    free: int
    millivolt: int


class FirmwareProcess:
    """The firmware of one device, from power on to power off.

    Parameters
    ----------
    device : str
        ``recorder`` or ``bed``.
    folder : Path
        Holds its flash and its settings; what is missing is made.
    board : callable
        Called for each message to the firmware.
    take : callable
        Called with (kind, body) of each message of the firmware that lets it go on; returns the answer to one that
        asks.

    Raises
    ------
    ConfigurationError
        MicroPython is not installed.
    FirmwareDiedError
        It did not come up.
    """

    def __init__(
        self, device: str, folder: Path, board: Callable[[], Board], take: Callable[[int, bytes], bytes | None]
    ) -> None:
        self._board = board
        self._take = take
        self._received = bytearray()
        self._words = folder / "words"
        folder.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair()
        ours.settimeout(HANG_S)
        self._socket = ours
        number = theirs.fileno()
        build = build_firmware()
        size = build.image.stat().st_size
        with theirs, open(self._words, "wb") as words:
            self._process = subprocess.Popen(
                [
                    program("micropython"), "-X", f"heapsize={HEAP}", "-m", "start",
                    device, str(number), str(folder), str(build.image), str(size),
                ],
                env={"ROM": "." * size, "MICROPYPATH": f"{build.path}:.frozen"},
                pass_fds=[number], stdin=subprocess.DEVNULL, stdout=words, stderr=words, cwd=folder,
            )  # fmt: skip
        self._until_waiting()

    def resume(self, body: bytes = b"") -> tuple[int, int]:
        """Let it go on; returns how it waits next (`codes.REST`, `SLEEP`, `RESTART`) and for how many of its ms.

        Raises
        ------
        FirmwareDiedError
            It ended instead, or hung.
        """
        self._send(codes.RESUME, 0, body)
        kind, answer = self._until_waiting()
        return kind, int.from_bytes(answer, "little")

    def interrupt(self, event: int, body: bytes) -> bytes:
        """Let its radio interrupt it while it waits; returns what the interrupt's handler answered.

        Raises
        ------
        FirmwareDiedError
            It ended instead, or hung.
        """
        self._send(codes.INTERRUPT, event, body)
        return self._until_waiting()[1]

    def kill(self) -> None:
        """End it as a cut supply does, wherever it is."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _send(self, kind: int, event: int, body: bytes) -> None:
        board = self._board()
        header = struct.pack(
            codes.HEADER, kind, event, len(body), board.tick & 0x3FFFFFFF, board.levels, board.free, board.millivolt
        )
        try:
            self._socket.sendall(header + body)
        except OSError:
            raise self._died() from None

    def _until_waiting(self) -> tuple[int, bytes]:
        while True:
            kind, body = self._receive()
            if kind in (codes.REST, codes.SLEEP, codes.RESTART, codes.DONE):
                return kind, body
            answer = self._take(kind, body)
            if answer is not None:
                self._send(codes.ANSWER, 0, answer)

    def _receive(self) -> tuple[int, bytes]:
        received = self._received
        while True:
            if len(received) >= _HEAD:
                end = _HEAD + (received[1] | received[2] << 8)
                if len(received) >= end:
                    kind, body = received[0], bytes(received[_HEAD:end])
                    del received[:end]
                    return kind, body
            try:
                part = self._socket.recv(65_536)
            except OSError:
                part = b""
            if not part:
                raise self._died()
            received += part

    def _died(self) -> FirmwareDiedError:
        self.kill()
        words = self._words.read_text("utf-8", errors="replace")[-_LAST_WORDS:].strip()
        return FirmwareDiedError(f"the firmware ended with status {self._process.returncode}: {words or 'no words'}")
